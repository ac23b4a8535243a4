"""Exchange of collections of images with libraries that read Items, tables and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from landbridge.catalog.exchange.collection_maps import CollectionMaps
from landbridge.catalog.image_metadata import ImageMetadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from geopandas import GeoDataFrame
    from pandas import DataFrame
    from pystac import Item, ItemCollection

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["CollectionItems"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionItems(CollectionMaps[T]):
    """Methods of `ImageCollection` that exchange images with other libraries."""

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """Images as a GeoJSON FeatureCollection, with their attributes as properties."""
        from landbridge.catalog.tables.features import feature_collection

        return feature_collection(self)

    def to_item_collection(self) -> ItemCollection:
        """Return the images as a pystac.ItemCollection.

        The Items of saved images are read from their API again, in batches, and are complete; see
        `Image.to_item`.

        Returns
        -------
        pystac.ItemCollection
            Items in the order of the images.

        Raises
        ------
        NotFoundError
            If an image is saved, and does not exist any more.
        BadRequestError
            If an image is new, and lacks its name, product or time.
        DeletedObjectError
            If an image has been deleted.

        Examples
        --------
        >>> [item.id for item in images.to_item_collection()]
        ['2024-01', '2024-04', '2024-07']

        See Also
        --------
        ImageCollection.from_items : Images of Items.
        """
        import pystac

        from landbridge.catalog.exchange.documents import documents_of
        from landbridge.catalog.exchange.private_hrefs import private_hrefs

        change = private_hrefs(image._client for image in self._list)
        items = [
            pystac.Item.from_dict(change(each), preserve_dict=False) for each in documents_of(self._list)
        ]
        return pystac.ItemCollection(items)

    @classmethod
    def from_items(
        cls,
        items: Iterable[Item | Mapping[str, Any]],
        product: Any = None,
        client: CatalogClient | None = None,
        geocontext: Any = None,
    ) -> Self:
        """Return the images that Items describe, such as the results of pystac-client.

        Parameters
        ----------
        items : pystac.ItemCollection, or iterable of pystac.Item or dict
            Items.
        product : Product or str, optional
            Product of all images, or its id. By default the collection of each Item.
        client : CatalogClient, optional
            Client of the API that has the products. By default it is found as by `Image.from_item`.
        geocontext : GeoContext, shapely geometry or dict, optional
            Default area of the collection's rasters.

        Returns
        -------
        ImageCollection
            Unsaved images, in the order of the Items.

        Raises
        ------
        TypeError
            If one of `items` is no Item.
        ValueError
            If an Item has no collection and `product` is not given.

        Examples
        --------
        >>> same = ImageCollection.from_items(images.to_item_collection(), geocontext=images.geocontext)
        >>> same.mosaic("red").shape == images.mosaic("red").shape
        True

        See Also
        --------
        Image.from_item : One image.
        """
        from landbridge.catalog.exchange.documents import image_of

        kind: Any = cls._item_type
        images: Any = cls
        found: Self = images((image_of(kind, item, product, client) for item in items), geocontext=geocontext)
        return found

    def to_geopandas(self, columns: Sequence[str] | None = None) -> GeoDataFrame:
        """Return the images as a geopandas.GeoDataFrame: a row for each image, a column for each attribute.

        Datetimes are in UTC, footprints in longitude and latitude (EPSG:4326). Attributes that are lists or
        mappings, such as `tags` and `files`, are JSON values.

        Parameters
        ----------
        columns : list of str, optional
            Names of attributes. By default all attributes.

        Returns
        -------
        geopandas.GeoDataFrame
            Table in the order of the images.

        Raises
        ------
        ImportError
            If geopandas is not installed: it is in the extra `landbridge[geopandas]`.
        AttributeError
            If one of `columns` is no attribute.

        Examples
        --------
        >>> frame = images.to_geopandas(["name", "acquired", "cloud_fraction"])
        >>> frame.shape, frame.crs.to_epsg(), frame["cloud_fraction"].max()
        ((3, 4), 4326, np.float64(0.6))

        See Also
        --------
        ImageCollection.from_geopandas : Images of a table.
        ImageSearch.to_geopandas : The images of a search.
        """
        from landbridge.catalog.tables.frames import to_geopandas

        return to_geopandas(self._list, self._table_class(), columns)

    @classmethod
    def from_geopandas(cls, frame: DataFrame, client: CatalogClient | None = None) -> Self:
        """Return the images that the rows of a table describe; the columns are attributes.

        Parameters
        ----------
        frame : geopandas.GeoDataFrame or pandas.DataFrame
            Table with the columns `product_id` and `name`, or `id`, and further attributes. Cells without a
            value, and attributes that the service sets, are left out.
        client : CatalogClient, optional
            Client of the API that has the products. By default the default client.

        Returns
        -------
        ImageCollection
            Unsaved images, in the order of the rows.

        Raises
        ------
        ValueError
            If a column is no attribute, or if the geometries are not in longitude and latitude.
        AttributeValidationError
            If a cell is no value of its attribute.

        Examples
        --------
        >>> frame = images.to_geopandas(["product_id", "name", "acquired", "cloud_fraction"])
        >>> clear = ImageCollection.from_geopandas(frame[frame["cloud_fraction"] < 0.3])
        >>> list(clear.each.name)
        ['2024-01', '2024-07']

        See Also
        --------
        ImageCollection.to_geopandas : Table of images.
        """
        from landbridge.catalog.tables.frames import attributes_of_rows

        kind: Any = cls._item_type
        return cls(kind(client=client, **attributes) for attributes in attributes_of_rows(frame, kind))

    def to_parquet(self, path: str | PathLike[str]) -> int:
        """Write the Items of the images as a stac-geoparquet file.

        The Items of saved images are read from their API again, in batches. rustac and geopandas
        read the file, and so does Landbridge as a source.

        Parameters
        ----------
        path : str or Path
            Path of the file, which is replaced if it exists.

        Returns
        -------
        int
            Number of images.

        Raises
        ------
        ImportError
            If pyarrow is not installed: it is in the extra `landbridge[parquet]`.
        NotFoundError
            If an image is saved, and does not exist any more.

        Examples
        --------
        >>> images.to_parquet("fields.parquet")
        3

        See Also
        --------
        ImageSearch.to_parquet : All images of a search, in bounded memory.
        ImageCollection.from_parquet : Images of a file.
        """
        from landbridge.catalog.exchange.documents import documents_of
        from landbridge.catalog.tables.parquet_writer import write_items

        return write_items(documents_of(self._list), path)

    @classmethod
    def from_parquet(
        cls, path: str | PathLike[str], client: CatalogClient | None = None, geocontext: Any = None
    ) -> Self:
        """Return the images of a stac-geoparquet file.

        To search in a large file, use it as a source: `CatalogClient("file.parquet")`.

        Parameters
        ----------
        path : str or Path
            Path of the file.
        client : CatalogClient, optional
            Client of the API that has the products. By default it is found as by `Image.from_item`.
        geocontext : GeoContext, shapely geometry or dict, optional
            Default area of the collection's rasters.

        Returns
        -------
        ImageCollection
            Unsaved images, in the order of the rows.

        Raises
        ------
        ImportError
            If pyarrow is not installed: it is in the extra `landbridge[parquet]`.
        ValueError
            If the file is not stac-geoparquet.

        Examples
        --------
        >>> images.to_parquet("fields.parquet")
        3
        >>> list(ImageCollection.from_parquet("fields.parquet").each.cloud_fraction)
        [0.1, 0.6, 0.2]

        See Also
        --------
        ImageCollection.to_parquet : File of images.
        """
        from landbridge.catalog.tables.parquet_reader import read_items

        return cls.from_items(read_items(path), client=client, geocontext=geocontext)

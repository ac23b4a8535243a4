"""Exchange of one image with libraries that read STAC Items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from landbridge.catalog.pixels.image_downloads import ImageDownloads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from folium import Map
    from pystac import Item

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.maps.layers import Layer

__all__ = ["ImageItems"]


class ImageItems(ImageDownloads):
    """Methods of `Image` that exchange images with other libraries."""

    def explore(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        *,
        pixels: bool = True,
        size: int = 1024,
        scaling: Any = None,
        tiles: bool = False,
        basemap: str | None = "OpenStreetMap",
    ) -> Map:
        """Show the image on an interactive map: its pixels and its footprint.

        A notebook shows the map that a cell returns; `save("map.html")` writes it as a page. Pixels are read
        and rendered here, and lie in the map itself, or are `tiles`. The basemap and the map's scripts come
        from the internet, and nothing of the catalog is sent there. `landbridge.maps.explore` shows several
        objects on one map.

        Parameters
        ----------
        bands : str, list of str or tuple of str, optional
            Names of 1 or 3 bands. By default those that the product displays, else red, green and blue, else
            its first band.
        pixels : bool, default True
            False shows footprints only, and reads nothing.
        size : int, default 1024
            Number of pixels along the longer edge of the picture.
        scaling : str or list, optional
            Scaling of the pixels, as in `Image.ndarray`. By default "display" if the bands have a
            display range, else "auto".
        tiles : bool, default False
            True shows the pixels as tiles that the service renders, in full resolution and while you look:
            your browser must reach the service, and `size` does not count.
        basemap : str, optional, default "OpenStreetMap"
            Basemap by its name in folium; None for no basemap.

        Returns
        -------
        folium.Map
            Map, whose layers can be switched on and off.

        Raises
        ------
        ImportError
            If folium is not installed: it is in the extra `landbridge[maps]`.
        ValueError
            If a band is missing, or if there are not 1 or 3 bands.
        RasterError
            If a file is missing or broken; `pixels=False` needs none.
        BadRequestError
            If `tiles` is True and the service offers none, or if the images are not saved in one service.

        Examples
        --------
        >>> drawn = image.explore("red green blue")
        >>> drawn.save("map.html")

        See Also
        --------
        landbridge.maps.explore : Several objects on one map.
        """
        alone: Any = self._collection_type([self])
        shown: Map = alone.explore(
            bands, pixels=pixels, size=size, scaling=scaling, tiles=tiles, basemap=basemap
        )
        return shown

    def tiles_url(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        *,
        extension: str = "png",
        tile_matrix_set: str = "WebMercatorQuad",
        **parameters: Any,
    ) -> str:
        """Return the URL of map tiles of the image, for web maps, GIS and notebooks.

        The service renders the tiles.

        If this client has a token, the URL contains another one, which expires. Who has the URL sees what you
        may see of these images: give it to nobody else.

        Parameters
        ----------
        bands : str or list of str, optional
            Names of 1 or 3 bands. By default those that the product displays.
        extension : str, default "png"
            Format: "png", "jpg", "webp", "tif" or "npy".
        tile_matrix_set : str, default "WebMercatorQuad"
            Tile matrix set, one of those that the service lists at `/tileMatrixSets`.
        **parameters : object
            Further parameters of tiles, such as `expression`, `rescale`, `colormap_name` or `tilesize`.

        Returns
        -------
        str
            URL with the placeholders {z}, {x} and {y}.

        Raises
        ------
        BadRequestError
            If the service offers no tiles, or if the
            image is not saved.

        Examples
        --------
        >>> url = image.tiles_url("red", rescale="0,3000")
        >>> url.partition("/tiles/")[2].partition("?")[0]
        'WebMercatorQuad/{z}/{x}/{y}.png'

        See Also
        --------
        ImageCollection.tiles_url : Tiles of several images.
        """
        from landbridge.catalog.exchange import tiles

        image: Any = self
        client = tiles.client_of([image])
        path = tiles.image_path(client, image.product_id, image.name)
        return tiles.tiles_url(
            client,
            path,
            tiles.query_of(bands, parameters),
            extension=extension,
            tile_matrix_set=tile_matrix_set,
        )

    def _map_layers(self) -> list[Layer]:
        """Return the layers of a map: footprints and pixels."""
        from landbridge.catalog.exchange.explore import image_layers

        return image_layers(self._collection_type([self]))

    def to_item(self) -> Item:
        """Return the image as a pystac.Item.

        The Item of a saved image is read from its API again and is complete: members that are no attribute,
        such as links and statistics of bands, are there. Changes that are not saved yet are in it.

        Returns
        -------
        pystac.Item
            Item of its own: changing it does not change the image.

        Raises
        ------
        NotFoundError
            If the image is saved, and does not exist any more.
        BadRequestError
            If the image is new, and lacks its name, product or time.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> item = image.to_item()
        >>> item.id, item.collection_id, item.properties["eo:cloud_cover"]
        ('2024-01', 'local:docs-fields', 10.0)

        See Also
        --------
        Image.from_item : Image that an Item describes.
        ImageCollection.to_item_collection : Several images.
        """
        import pystac

        from landbridge.catalog.exchange.documents import document_of
        from landbridge.catalog.exchange.private_hrefs import private_hrefs

        document = private_hrefs([self._client])(document_of(self))
        return pystac.Item.from_dict(document, preserve_dict=False)

    @classmethod
    def from_item(
        cls, item: Item | Mapping[str, Any], product: Any = None, client: CatalogClient | None = None
    ) -> Self:
        """Return the image that an Item describes.

        Its pixels can be read if its product is known: in your own service, in a source, or at the API that
        the links of the Item lead to, if that is a known source. With `product`, `save` stores the Item in
        that product as it is, with members that are no attribute, while its files stay where they are.

        Parameters
        ----------
        item : pystac.Item or dict
            Item, from any API, file or library. Relative hrefs are resolved if it has a link to itself.
        product : Product or str, optional
            Product of the image, or its id. By default the collection of the Item.
        client : CatalogClient, optional
            Client of the API that has the product. By default it is found as described above.

        Returns
        -------
        Image
            Unsaved image; its `to_item` returns the same Item.

        Raises
        ------
        TypeError
            If `item` is no Item.
        ValueError
            If the Item has no collection and `product` is not given.

        Examples
        --------
        >>> same = Image.from_item(image.to_item())
        >>> same.id, same.cloud_fraction, same.state
        ('local:docs-fields:2024-01', 0.1, <DocumentState.UNSAVED: 'unsaved'>)
        >>> bool((same.ndarray("red") == image.ndarray("red")).all())
        True

        See Also
        --------
        Image.to_item : Item of an image.
        ImageCollection.from_items : Several images.
        """
        from landbridge.catalog.exchange.documents import image_of

        image: Self = image_of(cls, item, product, client)
        return image

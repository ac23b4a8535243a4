"""Exchange of searches for images with libraries that read STAC Items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.search.item_files import ItemFileSearch

if TYPE_CHECKING:
    from folium import Map
    from pystac import ItemCollection
    from pystac_client import ItemSearch

    from landbridge.maps.layers import Layer

__all__ = ["SearchItems"]

T_co = TypeVar("T_co", bound=ImageMetadata, covariant=True)


class SearchItems(ItemFileSearch[T_co]):
    """Methods of `ImageSearch` that exchange searches with other libraries."""

    def explore(
        self,
        basemap: str | None = "OpenStreetMap",
        *,
        bands: str | list[str] | tuple[str, ...] | None = None,
        scaling: Any = None,
        tiles: bool = False,
    ) -> Map:
        """Show the footprints of the first 2,000 matching images on an interactive map.

        `tiles=True` shows the mosaic of all matching images too, and `collect().explore()` one that is
        rendered on this machine. A notebook shows the map that a cell returns; `save("map.html")` writes it
        as a page.

        Parameters
        ----------
        basemap : str, optional, default "OpenStreetMap"
            Basemap by its name in folium; None for no basemap.
        bands : str, list of str or tuple of str, optional
            Names of 1 or 3 bands of the tiles. By default those that the product displays.
        scaling : str or list, optional
            Scaling of the pixels of the tiles, as in `Image.ndarray`.
        tiles : bool, default False
            True shows the mosaic as tiles that the service renders: your browser must reach the service.

        Returns
        -------
        folium.Map
            Map with the footprints; id, time and cloud fraction are shown at each.

        Raises
        ------
        ImportError
            If folium is not installed: it is in the extra `landbridge[maps]`.
        ValueError
            If the search is not filtered by `product_id`.
        BadRequestError
            If `tiles` is True, and the service offers none or the search has a limit.

        Examples
        --------
        >>> search.explore().save("footprints.html")

        See Also
        --------
        ImageCollection.explore : Footprints and pixels.
        """
        from landbridge.catalog.exchange.tiles import search_layer
        from landbridge.maps.folium_map import draw

        layers = self._map_layers()
        if tiles:
            layers.append(search_layer(self._parts(self._to_query()), bands, scaling))
        return draw(layers, basemap=basemap)

    def tiles_url(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        *,
        extension: str = "png",
        tile_matrix_set: str = "WebMercatorQuad",
        **parameters: Any,
    ) -> str:
        """Return the URL of map tiles of the matching images, for web maps, GIS and notebooks.

        The service renders the tiles.
        The first image of the search's order, by default the newest, lies on top.

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
            search has a limit or is for products of several services.

        Examples
        --------
        >>> url = search.tiles_url("red", rescale="0,3000")
        >>> url.partition("/tiles/")[2].partition("?")[0]
        'WebMercatorQuad/{z}/{x}/{y}.png'

        See Also
        --------
        Product.tiles_url : Tiles of all images of a product.
        """
        from landbridge.catalog.exchange import tiles

        parts = self._parts(self._to_query())
        path, client = tiles.search_path(parts), parts[0].client
        return tiles.tiles_url(
            client,
            path,
            tiles.query_of(bands, parameters),
            extension=extension,
            tile_matrix_set=tile_matrix_set,
        )

    def _map_layers(self) -> list[Layer]:
        """Return the footprints as a layer of a map."""
        from landbridge.catalog.exchange.explore import search_layers

        return search_layers(self)

    def to_item_collection(self) -> ItemCollection:
        """Return the Items of all matching images as a pystac.ItemCollection.

        Returns
        -------
        pystac.ItemCollection
            Items in the order of the search, complete as their API has them.

        Raises
        ------
        AttributeError
            If the filter names an attribute that images do not have.
        ValueError
            If the search is not filtered by `product_id`.

        Examples
        --------
        >>> [item.id for item in search.sort("acquired").to_item_collection()]
        ['2024-01', '2024-04', '2024-07']

        See Also
        --------
        ImageSearch.to_item_search : The search itself for pystac-client.
        """
        import pystac

        from landbridge.catalog.exchange.private_hrefs import private_hrefs

        change = private_hrefs(part.client for part in self._parts(self._to_query()))
        return pystac.ItemCollection(
            [pystac.Item.from_dict(change(item), preserve_dict=False) for item in self._documents()]
        )

    def to_item_search(self) -> ItemSearch:
        """Return the search as a pystac_client.ItemSearch, with the same conditions, order and limit.

        The token of the client is sent with its requests, to this API only.

        Returns
        -------
        pystac_client.ItemSearch
            Search that is executed when its items are read.

        Raises
        ------
        ImportError
            If pystac-client is not installed: it is in the extra `landbridge[pystac-client]`.
        BadRequestError
            If the products are at several APIs, if the API cannot answer a condition of the search exactly,
            or if the source consists of files.

        Examples
        --------
        >>> items = search.filter(p.cloud_fraction < 0.3).sort("acquired").to_item_search()
        >>> items.matched(), [item.id for item in items.items()]
        (2, ['2024-01', '2024-07'])

        See Also
        --------
        ImageCollection.from_items : Images of the results of an ItemSearch.
        """
        from landbridge.catalog.exchange.item_search import item_search

        return item_search(self._parts(self._to_query()))

"""Maps of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.enums import DocumentState

if TYPE_CHECKING:
    from folium import Map

    from landbridge.maps.layers import Layer

__all__ = ["ProductMaps"]


class ProductMaps:
    """Methods of `Product` that show it on a map."""

    def explore(self, basemap: str | None = "OpenStreetMap") -> Map:
        """Show the product's images on an interactive map: their mosaic, and the footprints of 2,000 at most.

        The mosaic consists of tiles that the service renders, so that your browser must reach the service. It
        is left out if the service renders none.

        Parameters
        ----------
        basemap : str, optional, default "OpenStreetMap"
            Basemap by its name in folium; None for no basemap.

        Returns
        -------
        folium.Map
            Map with the layers; id, time and cloud fraction are shown at each footprint.

        Raises
        ------
        ImportError
            If folium is not installed: it is in the extra `landbridge[maps]`.

        Examples
        --------
        >>> product.explore().save("footprints.html")

        See Also
        --------
        ImageCollection.explore : Footprints and pixels.
        """
        from landbridge.maps import explore

        return explore(self, basemap=basemap)

    def tiles_url(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        *,
        extension: str = "png",
        tile_matrix_set: str = "WebMercatorQuad",
        **parameters: Any,
    ) -> str:
        """Return the URL of map tiles of the product's images, for web maps, GIS and notebooks.

        The service renders the tiles.
        The newest image lies on top.

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
            If the service offers no tiles.

        Examples
        --------
        >>> url = product.tiles_url("red", rescale="0,3000")
        >>> url.partition("/tiles/")[2].partition("?")[0]
        'WebMercatorQuad/{z}/{x}/{y}.png'

        See Also
        --------
        ImageSearch.tiles_url : Tiles of some of the images.
        """
        from landbridge.catalog.exchange import tiles

        product: Any = self
        client = product._client
        path = tiles.collection_path(client, product.id)
        return tiles.tiles_url(
            client,
            path,
            tiles.query_of(bands, parameters),
            extension=extension,
            tile_matrix_set=tile_matrix_set,
        )

    def _map_layers(self) -> list[Layer]:
        """Return the layers of a map: footprints, and tiles if the service renders them."""
        from landbridge.catalog.exchange import tiles
        from landbridge.catalog.exchange.explore import search_layers

        product: Any = self
        client, layers = product._client, search_layers(product.images())
        if product.state != DocumentState.UNSAVED and tiles.offers_tiles(client):
            path = tiles.collection_path(client, product.id)
            layers.append(tiles.tile_layer(client, path, str(product.name or product.id)))
        return layers

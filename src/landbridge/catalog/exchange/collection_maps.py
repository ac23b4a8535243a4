"""Images of a collection on maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.collection_index import CollectionIndex

if TYPE_CHECKING:
    from folium import Map

    from landbridge.maps.layers import Layer

__all__ = ["CollectionMaps"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionMaps(CollectionIndex[T]):
    """Methods of `ImageCollection` that show images on maps."""

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
        """Show the images on an interactive map: their mosaic and their footprints.

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
            Scaling of the pixels, as in `ImageCollection.mosaic`. By default "display" if the bands have a
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
        >>> drawn = images.explore("red green blue")
        >>> drawn.save("map.html")

        See Also
        --------
        landbridge.maps.explore : Several objects on one map.
        """
        from landbridge.catalog.exchange.explore import footprints, image_layers
        from landbridge.catalog.exchange.tiles import images_layer
        from landbridge.maps.folium_map import draw

        if pixels and tiles:
            layers: list[Layer] = [images_layer(self, bands, scaling), footprints("Footprints", self)]
        else:
            layers = image_layers(self, bands, pixels=pixels, size=size, scaling=scaling)
        return draw(layers, basemap=basemap)

    def tiles_url(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        *,
        extension: str = "png",
        tile_matrix_set: str = "WebMercatorQuad",
        **parameters: Any,
    ) -> str:
        """Return the URL of map tiles of the images, for web maps, GIS and notebooks.

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
            If the service offers no tiles, or if the
            images are not all saved in one service.

        Examples
        --------
        >>> url = images.tiles_url("red", rescale="0,3000")
        >>> url.partition("/tiles/")[2].partition("?")[0]
        'WebMercatorQuad/{z}/{x}/{y}.png'

        See Also
        --------
        ImageSearch.tiles_url : Tiles of all images that match a search.
        """
        from landbridge.catalog.exchange import tiles

        client, path = tiles.images_path(self)
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

        return image_layers(self)

"""Maps of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from folium import Map

    from landbridge.maps.layers import Layer

__all__ = ["ProductMaps"]


class ProductMaps:
    """Methods of `Product` that show it on a map."""

    def explore(self, basemap: str | None = "OpenStreetMap") -> Map:
        """Show the footprints of the product's images, of 2,000 at most, on an interactive map.

        Parameters
        ----------
        basemap : str, optional, default "OpenStreetMap"
            Basemap by its name in folium; None for no basemap.

        Returns
        -------
        folium.Map
            Map with the footprints; id, time and cloud fraction are shown at each.

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

    def _map_layers(self) -> list[Layer]:
        """Return the footprints as a layer of a map."""
        from landbridge.catalog.exchange.explore import search_layers

        product: Any = self
        return search_layers(product.images())

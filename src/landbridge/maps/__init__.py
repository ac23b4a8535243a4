"""Interactive maps of areas, footprints and pixels, drawn by folium, which is imported on first use."""

from landbridge.maps.explorer import explore

__all__ = ["explore"]

"""Interactive maps of areas, footprints and pixels, drawn by folium, which is imported on first use."""

from landbridge.maps.explore import explore

__all__ = ["explore"]

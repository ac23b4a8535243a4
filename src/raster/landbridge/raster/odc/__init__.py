"""Driver for `odc.stac.load` that reads pixels by the engine's tile reader."""

from landbridge.raster.odc.driver import Driver, odc_driver
from landbridge.raster.odc.signed_href import SignedOnOpen

__all__ = ["Driver", "SignedOnOpen", "odc_driver"]

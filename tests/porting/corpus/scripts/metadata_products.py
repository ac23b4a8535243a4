"""Print the description of a product and its bands."""
import descarteslabs as dl

product = dl.metadata.get_product("esa:sentinel-2:l2a:v1")
title = product["name"]
bands = dl.metadata.bands(products="esa:sentinel-2:l2a:v1")
names = sorted(b["name"] for b in bands)
ranges = {b["name"]: tuple(b["default_range"]) for b in bands if b["name"] in ("red", "nir")}
known = "esa:sentinel-2:l2a:v1" in dl.metadata.available_products()

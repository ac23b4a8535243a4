"""The Metadata service of old clients: searches for images whose results are GeoJSON dicts.

Only the names and call shapes of the old methods are known, from public scripts and documentation. Behavior
that they do not state is set here:

- Features have `id` and `key`, both the full id of the image. `get` and `get_by_ids` return the properties
  of a Feature as one flat dict, with its geometry.
- Keys whose value is not set are missing in images, and None in bands and products.
- Times are texts in UTC, such as "2016-07-06T16:59:42Z".
- `start_datetime` is inclusive and `end_datetime` exclusive, as the Catalog's guide ports searches of scenes.
  `cloud_fraction` is a maximum and `fill_fraction` a minimum. Images without a value do not match, as in the
  Catalog. `cloud_fraction_0`, the fraction that the old platform computed itself, is `alt_cloud_fraction` of
  images that have it, else `cloud_fraction`.
- Without `sort_field`, images are in the order of `acquired`.
- A search that finds nothing in a product that does not exist raises NotFoundError with the product that
  replaces it, rather than returning no images.
"""

from __future__ import annotations

import functools

from landbridge.porting.metadata.client import Metadata

__all__ = ["Metadata", "default_client"]


@functools.cache
def default_client() -> Metadata:
    """Return the client that `descarteslabs.metadata` is."""
    return Metadata()

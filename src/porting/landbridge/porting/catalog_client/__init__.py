"""The old Catalog client: products, bands, images and uploads as dicts.

Only the names and call shapes of the old methods are known, from public scripts and documentation. Behavior
that they do not state is set here:

- Results are documents as of JSON:API: `{"data": {"type", "id", "attributes"}}`.
- A product is found by its full id, or by its id without the prefix of your organization, which the Catalog
  puts before the ids of new products. `add_namespace` is accepted and makes no difference for products that
  exist.
- A key that the Catalog has no attribute for, such as `nbits`, is kept in `extra_properties` and returned. An
  unknown key is an error.
- `default_range` of a new band is its `data_range` if it is not given.
- `srcband` counts from 1. Arrays have their bands in the last axis.
- An upload replaces an image of the same id. Without `acquired`, the image has the time of the upload.
  Uploads have ids of their own, as `ImageUpload` has.
- `replace_product`, `replace_band` and `replace_image` unset what is not given, except for attributes that
  an object cannot be without.
- `remove_product(cascade=True)` returns after all bands and images have been deleted.
"""

from __future__ import annotations

from landbridge.porting.catalog_client.client import Catalog

__all__ = ["Catalog"]

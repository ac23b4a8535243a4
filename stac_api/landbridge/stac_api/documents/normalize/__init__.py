"""Completion of every incoming document: derived members, defaults and checks.

`collection` and `item` are pure: they return a new document and leave their arguments as they are. They
derive the members that STAC readers look for from those of the Catalog, keep members of other programs, set
timestamps and defaults, and raise `landbridge.mappings.InvalidDocument` for a value that its attribute cannot
hold.
"""

from landbridge.stac_api.documents.normalize.assets import Files
from landbridge.stac_api.documents.normalize.collection import collection
from landbridge.stac_api.documents.normalize.item import item

__all__ = ["Files", "collection", "item"]

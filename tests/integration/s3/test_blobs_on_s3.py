"""All tests of blobs, with their data in S3."""

from integration.test_blobs import *
from integration.test_blobs import _peak  # noqa: F401

# Geometries and checks of types are not a matter of the store.
del test_every_geometry_comes_back_14_8  # noqa: F821
del test_read_only_types_are_refused_11_6_13_6  # noqa: F821

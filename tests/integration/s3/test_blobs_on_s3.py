"""All tests of blobs, with their data in S3."""

from integration.test_blobs import *
from integration.test_blobs import _peak  # noqa: F401

"""What is said of blobs holds where their data lies in S3."""

from integration.test_blobs import *
from integration.test_blobs import _peak  # noqa: F401

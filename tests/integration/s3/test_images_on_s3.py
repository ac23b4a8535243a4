"""All tests of images and their uploads, with the objects in S3."""

from integration.catalog.conftest import *
from integration.catalog.test_image_uploads import *

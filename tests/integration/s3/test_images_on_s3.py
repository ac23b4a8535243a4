"""What is said of images and their uploads holds where the objects lie in S3."""

from integration.catalog.conftest import *
from integration.catalog.test_image_uploads import *

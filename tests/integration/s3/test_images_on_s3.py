"""All tests of images and their uploads, with the objects in S3."""

from integration.catalog.conftest import *
from integration.catalog.test_image_uploads import *

# Types and georeferences of pixels are those of the file, wherever it is stored.
del test_arrays_of_every_type_and_byte_order_10_2  # noqa: F821
del test_nodata_of_64_bits_is_exact_from_the_band_to_the_pixels  # noqa: F821
del test_a_rasters_description_georeferences_its_upload_6_11_10_2  # noqa: F821

"""Data types of the engine; `tests/unit/mappings/test_data_types.py` compares them with the mappings."""

from landbridge.raster import dtypes
from landbridge.raster.io import tiff_directory


def test_the_native_reader_decodes_all_types_but_half_floats():
    names = {dtype.name for name, dtype in dtypes.NUMPY_TYPES.items() if name != "Float16"}
    assert set(tiff_directory._DTYPES) == names

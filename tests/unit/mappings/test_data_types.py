"""The tables of pixel types agree with NumPy, with the engine and with the API.

The mappings have one table, because they import only the standard library. The engine has another, because it
does not import the mappings.
"""

import numpy as np
import pytest

from landbridge.catalog import DataType
from landbridge.mappings.codecs import DATA_TYPES
from landbridge.mappings.external_bands import INTEGER_RANGES
from landbridge.raster import dtypes


@pytest.mark.parametrize(("catalog", "stac"), DATA_TYPES.items())
def test_a_type_has_numpy_s_name_and_range(catalog, stac):
    dtype = np.dtype(stac)
    limits = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if dtype.kind in "iu" else None
    assert INTEGER_RANGES.get(catalog) == limits


def test_the_types_are_those_of_the_api_and_of_the_engine():
    assert set(DATA_TYPES) == {str(data_type) for data_type in DataType}
    assert {name: str(dtype) for name, dtype in dtypes.NUMPY_TYPES.items()} == DATA_TYPES

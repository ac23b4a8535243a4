"""Type aliases of arrays and windows."""

from typing import Any

import numpy as np

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


IntArray = np.ndarray[Any, np.dtype[np.intp]]


FloatArray = np.ndarray[Any, np.dtype[Any]]


Array = np.ndarray[Any, Any]


MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]


Window = tuple[slice, slice]

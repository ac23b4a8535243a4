# Types of the extension; its sources, with the documentation of each function, are in `src`.

from typing import Any

import numpy as np
import numpy.typing as npt

def instruction_sets() -> list[str]: ...
def use_instruction_set(name: str) -> None: ...
def undo_differences(tile: npt.NDArray[np.integer[Any]], first: int, last: int) -> None: ...
def decode_tile(
    data: npt.NDArray[np.uint8],
    tile: npt.NDArray[Any],
    compression: int,
    predictor: int = 1,
    swapped: bool = False,
) -> None: ...

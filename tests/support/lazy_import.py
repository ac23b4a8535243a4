"""Imports of large libraries that only the tests of one module need.

Each process of a run collects all test modules. What they import at their head, each process imports, also
if it runs none of their tests; pandas, xarray, dask and matplotlib take seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["LazyModule"]


class LazyModule:
    """A module that is imported when one of its names is first used. Functions that use it cannot be pickled.

    Parameters
    ----------
    name : str
        Full name of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)

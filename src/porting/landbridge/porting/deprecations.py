"""Warnings that name the Catalog call to use instead of an older one."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["warn_deprecated"]

_OWN = "landbridge"


def warn_deprecated(old: str, use: str) -> None:
    """Warn that a call is deprecated, at the line of the user's code that made it.

    Python shows such a warning once for each line of code, and by default only for lines of `__main__`.
    Call this in public functions only: a public function that calls another one warns twice.

    Parameters
    ----------
    old : str
        Name of the call as users know it, such as `"scenes.search"`.
    use : str
        Call of the Catalog API to use instead.

    Examples
    --------
    >>> import warnings
    >>> from landbridge.porting.deprecations import warn_deprecated
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_deprecated("storage.get", "Blob.get(name=...).data()")
    >>> print(caught[0].message)
    storage.get is deprecated. Use Blob.get(name=...).data() instead.
    """
    warnings.warn(
        f"{old} is deprecated. Use {use} instead.",
        DeprecationWarning,
        stacklevel=_users_level(sys._getframe(1)),  # noqa: SLF001 - there is no public way
    )


def _users_level(frame: FrameType | None) -> int:
    """Return the `stacklevel` that `warn_deprecated` needs for the first frame of other code."""
    level = 2
    while frame is not None and _is_own(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _is_own(module: str) -> bool:
    return module == _OWN or module.startswith(f"{_OWN}.")

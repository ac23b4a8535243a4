"""Short tracebacks of errors in arguments: the line of the user, and the method that was called."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from landbridge.catalog.errors import RasterArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["short_traceback"]

P = ParamSpec("P")
R = TypeVar("R")


def short_traceback(method: Callable[P, R]) -> Callable[P, R]:
    """Return a method whose errors in arguments have a traceback without the calls that found them."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except RasterArgumentError as error:
            raise error.with_traceback(None) from None

    return call

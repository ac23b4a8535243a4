"""Methods with one form on the class and another on its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ClassOrInstanceMethod"]


class ClassOrInstanceMethod:
    """One name that is one method on the class and another on its instances."""

    def __init__(self, on_class: Callable[..., Any], on_instance: Callable[..., Any]) -> None:
        self._on_class = on_class
        self._on_instance = on_instance
        self.__doc__ = on_instance.__doc__

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        if instance is None:
            return self._on_class.__get__(owner)  # type: ignore[no-any-return] # a bound method
        return self._on_instance.__get__(instance)  # type: ignore[no-any-return] # a bound method

"""Two mechanisms of objects that come and go: methods with a class form, and objects that vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.errors import DeletedObjectError
from landbridge.exceptions import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from landbridge.catalog.model.base import CatalogObjectBase

__all__ = ["ClassOrInstanceMethod", "Vanishing"]


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


class Vanishing:
    """Turns a NotFoundError into the deletion of an object."""

    def __init__(self, catalog_object: CatalogObjectBase) -> None:
        self._object = catalog_object

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, NotFoundError):
            self._object._deleted = True
            raise DeletedObjectError(
                f"{type(self._object).__name__} {self._object.id} has been deleted."
            ) from error

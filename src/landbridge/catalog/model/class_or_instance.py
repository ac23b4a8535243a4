"""Methods with one form on the class and another on its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["ClassOrInstanceMethod", "DeleteById", "DeleteSelf"]

# The method of the class and that of its instances, as they are called.
C_co = TypeVar("C_co", covariant=True)
I_co = TypeVar("I_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class DeleteById(Protocol[R_co]):
    """Method of a class that deletes the object with an id."""

    def __call__(self, id: str, client: CatalogClient | None = None) -> R_co: ...


class DeleteSelf(Protocol[R_co]):
    """Method of an object that deletes it."""

    def __call__(self) -> R_co: ...


class ClassOrInstanceMethod(Generic[C_co, I_co]):
    """One name that is one method on the class and another on its instances.

    Its type parameters are the two methods as they are called.
    """

    def __init__(self, on_class: Callable[..., Any], on_instance: Callable[..., Any]) -> None:
        self._on_class: Any = on_class
        self._on_instance: Any = on_instance
        self.__doc__ = on_instance.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> C_co: ...
    @overload
    def __get__(self, instance: object, owner: type) -> I_co: ...
    def __get__(self, instance: object, owner: type) -> Any:
        return self._on_class.__get__(owner) if instance is None else self._on_instance.__get__(instance)

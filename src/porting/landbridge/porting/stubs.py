"""Stand-ins for names of hosted services that are gone: their first use raises an error with advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn, Union

from landbridge.errors import LandbridgeError

__all__ = ["HostedService", "HostedServiceError", "Stub"]


class HostedServiceError(LandbridgeError):
    """Use of a hosted service that no longer exists. The message says what to use instead."""


@dataclass(frozen=True, slots=True)
class HostedService:
    """Hosted service that is gone, and what does the same work today."""

    name: str
    instead: str

    def refuse(self, used: str) -> NoReturn:
        """Raise the error for the use of a name of this service.

        Raises
        ------
        HostedServiceError
            Always.
        """
        raise HostedServiceError(
            f"{used} is not available: it belongs to {self.name}, a hosted service that no longer exists. "
            f"Use instead: {self.instead}"
        )


class Stub:
    """Stand-in for a class or function of a hosted service.

    It can be imported and named in annotations. Calls, attributes, items, iteration, comparison of types and
    subclasses raise `HostedServiceError`.
    """

    __slots__ = ("_path", "_service")

    def __init__(self, path: str, service: HostedService) -> None:
        self._path = path
        self._service = service

    def __repr__(self) -> str:
        return f"<{self._path}: {self._service.name} no longer exists>"

    def __reduce__(self) -> Any:
        return Stub, (self._path, self._service)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__") and name.endswith("__"):  # asked by Python itself and its tools
            raise AttributeError(name)
        self._service.refuse(f"{self._path}.{name}")

    def __setattr__(self, name: str, value: object) -> None:
        if name not in Stub.__slots__:
            self._service.refuse(f"{self._path}.{name}")
        object.__setattr__(self, name, value)

    def __call__(self, *_arguments: object, **_options: object) -> NoReturn:
        self._service.refuse(f"{self._path}()")

    def __getitem__(self, _key: object) -> NoReturn:
        self._service.refuse(f"{self._path}[...]")

    def __iter__(self) -> NoReturn:
        self._service.refuse(self._path)

    def __enter__(self) -> NoReturn:
        self._service.refuse(self._path)

    def __exit__(self, *_exception: object) -> None:
        """Do nothing: a `with` statement has failed at its beginning."""

    def __instancecheck__(self, _instance: object) -> NoReturn:
        self._service.refuse(self._path)

    def __subclasscheck__(self, _subclass: type) -> NoReturn:
        self._service.refuse(self._path)

    def __mro_entries__(self, _bases: object) -> NoReturn:
        self._service.refuse(f"a subclass of {self._path}")

    def __or__(self, other: Any) -> Any:
        """Return a union, so that annotations such as `Table | None` can be evaluated."""
        return Union[self, other]  # noqa: UP007 - `|` would call this method again

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007 - likewise

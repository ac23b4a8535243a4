"""The base of all GeoContexts."""

from typing import Any, ClassVar


class GeoContext:
    """A grid to raster images on: an immutable value.

    Two contexts are equal when they are of the same class and have the same fields; `all_touched`, which only
    says how a cutline is burnt, does not count. Contexts are not hashable, and are picklable.
    """

    __slots__ = ("_all_touched",)
    # The fields `==` and `repr` go by, in their order; `all_touched` is shown but not compared.
    _fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, all_touched: bool = False) -> None:
        """Take `all_touched`: whether a cutline keeps every pixel it touches, or those whose center it
        holds.
        """
        self._all_touched = bool(all_touched)

    @property
    def all_touched(self) -> bool:
        """Whether a pixel counts as inside the cutline if it touches it at all."""
        return self._all_touched

    @property
    def raster_params(self) -> dict[str, Any]:
        """The parameters by which a raster service describes this grid."""
        return {"cutline_all_touched": True} if self._all_touched else {}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in self._fields)

    __hash__ = None  # type: ignore[assignment]  # equality is by value and geometries are not hashable cheaply

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for cls in type(self).__mro__
            for name in getattr(cls, "__slots__", ())
            if hasattr(self, name)
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _field_texts(self) -> dict[str, str]:
        """The text of each field of the repr."""
        return {name: repr(getattr(self, name)) for name in (*self._fields, "all_touched")}

    def __repr__(self) -> str:
        name = type(self).__name__
        indent = ",\n" + " " * (len(name) + 1)
        return f"{name}({indent.join(f'{key}={text}' for key, text in self._field_texts().items())})"

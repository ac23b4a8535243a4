"""The Landbridge server."""

from typing import TYPE_CHECKING

if not TYPE_CHECKING:  # type checkers would take any name for one of this module

    def __getattr__(name: str) -> str:
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("landbridge-stac-api")
else:
    __version__: str

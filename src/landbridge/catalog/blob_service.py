"""What blobs ask of a service. No service offers them yet, and each request says so."""

from __future__ import annotations

from typing import Any, NoReturn

from landbridge.exceptions import MethodNotAllowedError

__all__ = ["BLOBS"]


class _NoBlobs:
    """Stands where the requests for blobs are made: resource, search backend and data transfer."""

    kind = "blob"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
            raise MethodNotAllowedError("This service offers no blobs.")

        return refuse


BLOBS: Any = _NoBlobs()

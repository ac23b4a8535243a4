"""Further attributes and HTTP headers that the caller of an upload gives for its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RequestOptions"]


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """Further attributes and HTTP headers of the request that creates an object by an upload."""

    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None

    def merge(self, attributes: Mapping[str, Any], identity: tuple[str, ...]) -> dict[str, Any]:
        """Return attributes with the further ones; BadRequestError if these change an attribute of the id."""
        params = dict(self.params or {})
        for name in identity:
            if name in params and params[name] != attributes.get(name):
                raise BadRequestError(
                    f"`request_params` has {name!r} as {params[name]!r}, which would be another object. Set "
                    f"`{name}` itself before the upload."
                )
        return {**attributes, **params}

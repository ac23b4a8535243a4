"""Entity tags of collections and items, and conditional requests (RFC 9110, section 13).

A tag is a hash of all that a representation depends on: the version of the row, the caller, and the base URL.
It is strong, so that a compressed response has another one (`http.allowed_methods`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from landbridge.stac_api.access.rules import Access

__all__ = [
    "ENCODED_SUFFIX",
    "body_tag",
    "check_write",
    "collection_tag",
    "conditional_response",
    "item_tag",
    "tile_tag",
    "write_check",
]

ENCODED_SUFFIX: Final = "-br"  # suffix of the tag of a Brotli-compressed response
_TAG_VERSION: Final = 2  # raise it if the same rows get another representation
_TAG_PATTERN: Final = re.compile(r'(W/)?("[^"]*")')


def item_tag(version: str, access: Access, base: str, *, shared: bool) -> str:
    """Return the tag of an item; `shared`: all callers who can see it see the same."""
    return _tag("item", version, base, None if shared else _audience(access))


def collection_tag(version: str, cover: Mapping[str, Any] | None, access: Access, base: str) -> str:
    """Return the tag of a collection, which includes the extent of its items."""
    return _tag("collection", version, base, _audience(access), dict(cover) if cover is not None else None)


def body_tag(body: bytes) -> str:
    """Return the tag of a representation that is cheap to make: a hash of all its bytes."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def tile_tag(*parts: Any) -> str:
    """Return the tag of rendered pixels from all that they depend on."""
    return _tag("tile", *parts)


def _audience(access: Access) -> Any:
    return "everything" if access.unrestricted else access.subject_list


def _tag(*parts: Any) -> str:
    content = orjson.dumps([_TAG_VERSION, *parts], default=str, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def _matching_tag(header: str, tag: str, *, weakly: bool) -> str | None:
    """Return the matching tag of a header; None if the header does not match `tag`."""
    if header.strip() == "*":
        return tag
    own = (tag, f'{tag[:-1]}{ENCODED_SUFFIX}"')
    return next(
        (one for weak, one in _TAG_PATTERN.findall(header) if one in own and (weakly or not weak)), None
    )


def _header(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ", ".join(values) if values else None


def check_write(request: Request, tag: str) -> None:
    """Check the preconditions of a write.

    Raises:
        HTTPException: 412, if a precondition fails.
    """
    wanted, unwanted = _header(request, "if-match"), _header(request, "if-none-match")
    if wanted is not None and _matching_tag(wanted, tag, weakly=False) is None:
        raise HTTPException(
            412, f"It has changed: its entity tag is {tag}, not {wanted:.200}. Read it again.", {"ETag": tag}
        )
    if unwanted is not None and _matching_tag(unwanted, tag, weakly=True) is not None:
        raise HTTPException(412, f"It is there, with the entity tag {tag}.", {"ETag": tag})


def write_check(request: Request, tag: Callable[[str], str]) -> Callable[[str], None] | None:
    """Return the check that a write runs on the stored version; None without a precondition."""
    if "if-match" not in request.headers and "if-none-match" not in request.headers:
        return None
    return lambda version: check_write(request, tag(version))


def conditional_response(request: Request, answer: Response, tag: str) -> Response:
    """Return the response to a read with its tag, or 304 if the caller has this version already.

    Raises:
        HTTPException: 412, if `If-Match` names another version.
    """
    wanted, known = _header(request, "if-match"), _header(request, "if-none-match")
    if wanted is not None and _matching_tag(wanted, tag, weakly=False) is None:
        raise HTTPException(412, f"Its entity tag is {tag}, not {wanted:.200}.", {"ETag": tag})
    answer.headers["ETag"] = tag
    if known is None or (name := _matching_tag(known, tag, weakly=True)) is None:
        return answer
    kept = {
        name: value for name, value in answer.headers.items() if name in ("allow", "cache-control", "vary")
    }
    return Response(status_code=304, headers={**kept, "ETag": name})

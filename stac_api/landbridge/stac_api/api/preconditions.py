"""Entity tags of collections and items, and the conditions that requests put on them (RFC 9110, section 13).

A tag is made of what decides what a caller is shown: the version of the row, the caller, and the address. It
is strong, so an answer in another encoding has another one (`access.methods`).
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

__all__ = ["ENCODED", "check_write", "conditional", "of_collection", "of_item", "writing"]

ENCODED: Final = "-br"  # ends the tag of an answer that Brotli has compressed
_FORM: Final = 1  # to be raised when the same rows are shown in another way
_TAG: Final = re.compile(r'(W/)?("[^"]*")')


def of_item(version: str, access: Access, base: str, *, shared: bool) -> str:
    """Return the tag of an item; `shared` says that all who see it see the same of it."""
    return _tag("item", version, base, None if shared else _view(access))


def of_collection(version: str, cover: Mapping[str, Any] | None, access: Access, base: str) -> str:
    """Return the tag of a collection, which shows what its items cover."""
    return _tag("collection", version, base, _view(access), dict(cover) if cover is not None else None)


def _view(access: Access) -> Any:
    return "everything" if access.everything else access.listed


def _tag(*parts: Any) -> str:
    content = orjson.dumps([_FORM, *parts], default=str, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def _names(header: str, tag: str, *, weakly: bool) -> str | None:
    """Return the tag by which a header names what has `tag`; None if it names something else."""
    if header.strip() == "*":
        return tag
    own = (tag, f'{tag[:-1]}{ENCODED}"')
    return next((one for weak, one in _TAG.findall(header) if one in own and (weakly or not weak)), None)


def _header(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ", ".join(values) if values else None


def check_write(request: Request, tag: str) -> None:
    """Check the conditions of a write on what it would change.

    Raises:
        HTTPException: 412, it is not as the request says.
    """
    wanted, unwanted = _header(request, "if-match"), _header(request, "if-none-match")
    if wanted is not None and _names(wanted, tag, weakly=False) is None:
        raise HTTPException(
            412, f"It has changed: its entity tag is {tag}, not {wanted:.200}. Read it again.", {"ETag": tag}
        )
    if unwanted is not None and _names(unwanted, tag, weakly=True) is not None:
        raise HTTPException(412, f"It is there, with the entity tag {tag}.", {"ETag": tag})


def writing(request: Request, tag: Callable[[str], str]) -> Callable[[str], None] | None:
    """Return the check of a write on the version that it finds; None if the request has no condition."""
    if "if-match" not in request.headers and "if-none-match" not in request.headers:
        return None
    return lambda version: check_write(request, tag(version))


def conditional(request: Request, answer: Response, tag: str) -> Response:
    """Return the answer to a read with its tag, or 304 if the caller has it already.

    Raises:
        HTTPException: 412, the caller wanted another.
    """
    wanted, known = _header(request, "if-match"), _header(request, "if-none-match")
    if wanted is not None and _names(wanted, tag, weakly=False) is None:
        raise HTTPException(412, f"Its entity tag is {tag}, not {wanted:.200}.", {"ETag": tag})
    answer.headers["ETag"] = tag
    if known is None or (name := _names(known, tag, weakly=True)) is None:
        return answer
    kept = {name: value for name, value in answer.headers.items() if name in ("allow", "vary")}
    return Response(status_code=304, headers={**kept, "ETag": name})

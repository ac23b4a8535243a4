"""The body that every error response has: `{"code", "description"}`, and `part` if a part failed."""

from __future__ import annotations

import orjson
from starlette.responses import Response

__all__ = ["error_response"]

RETRY_AFTER = 1  # seconds; the embedded stack restarts its database in about that time

_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "ContentTooLarge",
    414: "URITooLong",
    415: "UnsupportedMediaType",
    416: "RangeNotSatisfiable",
    421: "MisdirectedRequest",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    431: "RequestHeaderFieldsTooLarge",
    503: "ServiceUnavailable",
    507: "InsufficientStorage",
}


def error_response(
    status: int, description: str, headers: dict[str, str] | None = None, *, part: str | None = None
) -> Response:
    """Return an error response; a 503 also says when to retry, and `part` which part failed."""
    body = {"code": _CODES.get(status, "Error"), "description": description}
    if part is not None:
        body["part"] = part
    extra = {"Retry-After": str(RETRY_AFTER)} if status == 503 else {}
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json",
        headers={**extra, **(headers or {})},
    )

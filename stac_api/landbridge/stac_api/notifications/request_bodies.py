"""Bodies of requests about destinations and subscriptions: their checks, and their OpenAPI schemas."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from landbridge.mappings import InvalidDocument, ids
from landbridge.mappings.geometry import check_geometry
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.notifications.url_policy import check_url
from landbridge.stac_api.search import cql2, limits

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DESTINATION",
    "SUBSCRIPTION",
    "destination_columns",
    "letters",
    "new_id",
    "request_body",
    "subscription_columns",
]

_MAX_NAME: Final = 100
_MAX_PRODUCTS: Final = 100
_MAX_HEADERS: Final = 20
_MAX_HEADER: Final = 4096
_MAX_LETTERS: Final = 1000
_MAX_PROPERTIES: Final = 16 * 1024  # bytes of description, tags and extra_properties
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
# Headers that belong to the connection or to the notification.
_OWN_HEADERS: Final = re.compile(
    r"host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*|webhook-.*"
    r"|ce-.*|user-agent",
    re.IGNORECASE,
)

_NAMES: Final = {
    "namespace": {"type": "string", "description": "Organization or user; by default that of the caller."},
    "name": {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$", "maxLength": _MAX_NAME},
}
_DESCRIPTIONS: Final = {
    "description": {"type": ["string", "null"]},
    "tags": {"type": "array", "items": {"type": "string"}},
    "extra_properties": {"type": "object"},
}
DESTINATION: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **_NAMES,
        "url": {"type": "string", "format": "uri", "description": "Address that notifications are sent to."},
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Headers sent with each notification, such as `Authorization`; their values are "
            "never returned.",
        },
        **_DESCRIPTIONS,
    },
}
SUBSCRIPTION: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **_NAMES,
        "products": {
            "type": "array",
            "minItems": 1,
            "maxItems": _MAX_PRODUCTS,
            "items": {"type": "string"},
            "description": "Ids of the products whose new images are notified.",
        },
        "geometry": {"type": ["object", "null"], "description": "GeoJSON; only images that intersect it."},
        "filter": {"type": ["object", "string", "null"], "description": "CQL2; only images that match it."},
        "destination": {"type": "string", "description": "Id of a destination of the caller."},
        "enabled": {"type": "boolean"},
        "expires": {"type": ["string", "null"], "format": "date-time"},
        **_DESCRIPTIONS,
    },
}
_LETTERS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "ids": {"type": "array", "items": {"type": "integer"}, "maxItems": _MAX_LETTERS},
    },
}


def request_body(schema: Mapping[str, Any] | None = None, *required: str) -> dict[str, Any]:
    """Return the OpenAPI description of a body; by default that of a request to send dead letters again."""
    described = {**(schema or _LETTERS), **({"required": list(required)} if required else {})}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": described}}}}


def new_id(body: Any, own: str | None) -> tuple[str, str]:
    """Return the namespace of a new object, and its id `namespace:name`.

    Parameters
    ----------
    body : object
        Body of the request.
    own : str, optional
        Namespace of the caller.
    """
    _check_members(body, DESTINATION["properties"].keys() | SUBSCRIPTION["properties"].keys())
    namespace, name = body.get("namespace") or own, body.get("name")
    if not isinstance(namespace, str) or not 0 < len(namespace) <= 255 or ids.text_problem(namespace):
        raise BadRequestError("`namespace` is a text of at most 255 characters: an organization or a user.")
    if not isinstance(name, str) or len(name) > _MAX_NAME or not ids.is_valid_name(name):
        raise BadRequestError(
            f"`name` is {name!r:.100}; it needs 1 to {_MAX_NAME} letters, digits, `_`, `.` and `-`."
        )
    return namespace, f"{ids.encode_blob_path(namespace)}:{name}"


def destination_columns(
    body: Any, allowed: Sequence[str], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the checked columns that a body sets.

    Parameters
    ----------
    body : object
        Body of the request.
    allowed : sequence of str
        Prefixes of URLs that the operator allows.
    stored : mapping, optional
        Descriptive properties before the change; None for a new destination.

    Raises
    ------
    BadRequestError
        If a member is unknown, missing or invalid.
    """
    given = _given(body, DESTINATION, ("url",), stored)
    found: dict[str, Any] = {}
    if "url" in given:
        found["url"] = check_url(given["url"], allowed)
    if "headers" in given:
        found["headers"] = _headers(given["headers"])
    return found | _properties(given, stored)


def subscription_columns(body: Any, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the checked columns that a body sets; otherwise as `destination_columns`."""
    given = _given(body, SUBSCRIPTION, ("products", "destination"), stored)
    found = {column: check(given[name]) for name, (column, check) in _CHECKS.items() if name in given}
    return found | _properties(given, stored)


def _given(
    body: Any, schema: Mapping[str, Any], required: tuple[str, ...], stored: Mapping[str, Any] | None
) -> dict[str, Any]:
    names = schema["properties"].keys()
    _check_members(body, names)
    if stored is not None:
        if fixed := [name for name in ("namespace", "name") if name in body]:
            raise BadRequestError(f"`{fixed[0]}` cannot be changed; make another one.")
    elif missing := [name for name in required if body.get(name) is None]:
        raise BadRequestError(f"The body needs `{missing[0]}`.")
    return dict(body)


def _check_members(body: Any, known: Any) -> None:
    if not isinstance(body, Mapping):
        raise BadRequestError("The body is a JSON object.")
    if unknown := sorted(body.keys() - known):
        raise BadRequestError(f"`{unknown[0]:.100}` is unknown; known are {', '.join(sorted(known))}.")


def _headers(given: Any) -> dict[str, str]:
    # No message repeats a value, which may be a secret.
    if not isinstance(given, Mapping) or len(given) > _MAX_HEADERS:
        raise BadRequestError(f"`headers` is an object of at most {_MAX_HEADERS} texts by name.")
    if len({name.lower() for name in given}) < len(given):
        raise BadRequestError("`headers` has two names that differ in case only.")
    for name, value in given.items():
        if not _HEADER.fullmatch(name) or _OWN_HEADERS.fullmatch(name):
            raise BadRequestError(f"`headers`: {name!r:.100} is no header that you can set.")
        if not isinstance(value, str) or len(value) > _MAX_HEADER or not _VALUE.fullmatch(value):
            raise BadRequestError(
                f"`headers`: the value of {name!r} is not a text of 1 to {_MAX_HEADER} ASCII characters."
            )
    return dict(given)


def _products(given: Any) -> list[str]:
    if not isinstance(given, list) or not 0 < len(given) <= _MAX_PRODUCTS:
        raise BadRequestError(f"`products` is an array of 1 to {_MAX_PRODUCTS} ids of products.")
    for one in given:
        if not isinstance(one, str) or (problem := ids.product_id_problem(one)) is not None:
            why = problem if isinstance(one, str) else "is not a text"
            raise BadRequestError(f"`products`: {one!r:.100} {why}.")
    return list(dict.fromkeys(given))


def _geometry(given: Any) -> Mapping[str, Any] | None:
    if given is None:
        return None
    limits.check_positions("geometry", given)
    try:
        check_geometry(given)
    except InvalidDocument as error:
        raise BadRequestError(f"`geometry` is no GeoJSON geometry: {error}") from error
    return dict(given)


def _filter(given: Any) -> Any:
    return None if given is None or given == "" else cql2.read(given)


def _destination(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise BadRequestError("`destination` is the id of a destination.")
    return given


def _enabled(given: Any) -> bool:
    if not isinstance(given, bool):
        raise BadRequestError("`enabled` is true or false.")
    return given


def _expires(given: Any) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise BadRequestError(
            f"`expires` is {given!r:.100}; it must be a time such as 2030-01-31T00:00:00Z."
        ) from None


_CHECKS: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "products": ("products", _products),
    "geometry": ("geometry", _geometry),
    "filter": ("filter", _filter),
    "destination": ("destination_id", _destination),
    "enabled": ("enabled", _enabled),
    "expires": ("expires", _expires),
}


def _properties(given: Mapping[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the column `properties` if a body changes it."""
    types: dict[str, type] = {"description": str, "tags": list, "extra_properties": dict}
    changed = dict(stored or {})
    for name, type_ in types.items():
        if name not in given:
            continue
        value = given[name]
        texts = type_ is not list or (isinstance(value, list) and all(isinstance(tag, str) for tag in value))
        if value is not None and not (isinstance(value, type_) and texts):
            raise BadRequestError(f"`{name}` is {value!r:.100}; see the API's description.")
        changed[name] = value
    if stored is not None and changed == stored:
        return {}
    if len(orjson.dumps(changed)) > _MAX_PROPERTIES:
        raise BadRequestError(
            f"description, tags and extra_properties have more than {_MAX_PROPERTIES} bytes."
        )
    return {"properties": changed}


def letters(body: Any) -> list[int] | None:
    """Return the ids of the dead letters to send again; None for all."""
    _check_members(body, _LETTERS["properties"].keys())
    given = body.get("ids")
    if given is None:
        return None
    valid = isinstance(given, list) and len(given) <= _MAX_LETTERS
    if not valid or not all(type(one) is int and 0 < one < 2**63 for one in given):
        raise BadRequestError(f"`ids` is an array of at most {_MAX_LETTERS} ids of dead letters.")
    return list(given)

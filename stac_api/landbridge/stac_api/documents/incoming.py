"""Incoming documents: parse, patch, check and complete them. No request and no database."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonpatch
import jsonpointer
import orjson
from json_merge_patch import merge
from pydantic import ValidationError
from stac_pydantic import Collection, Item

from landbridge.mappings import ids, values
from landbridge.stac_api.core import blob_items
from landbridge.stac_api.documents import links, normalize, projection
from landbridge.stac_api.documents.blob_data import check_data
from landbridge.stac_api.documents.extents import BOX_LENGTHS, check_extent
from landbridge.stac_api.documents.positions import check_positions
from landbridge.stac_api.documents.upgrade import migrated
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# PostgreSQL's btree rows end at 8,191 bytes and jsonb can't hold NUL.
MAX_ID_BYTES = 1024
# Copying a document into itself doubles it: thirty operations would make it a billion times as large.
MOST_OPERATIONS = 1_000
MOST_COPIES = 50
MOST_PATCHED_BYTES = 8 * 2**20
# Duplicating 2 MiB takes 0.03 s of CPU: a refusal comes within 0.1 s.
MOST_COPIED_BYTES = 2 * 2**20
MOST_POSITIONS = 50_000  # of an item's geometry
_POINT = {"type": "Point", "coordinates": [0, 0]}
# A search for the pattern takes twice as long as parsing; a search for digits made alike takes a fifth.
_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_LONG = b"0" * 19
_LONG_NUMBER = re.compile(rb"[\[:,\s-][0-9]{19,}[\s,\]}]")
_MOST_DIGITS = 20
JSON_PATCH = "application/json-patch+json"


def parse(body: bytes) -> Any:
    """Return the JSON of a request body.

    Raises:
        BadRequestError: if it is empty, is not JSON, or holds a NUL character.
    """
    if not body:
        raise BadRequestError("The request has no body; a JSON document is needed.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = " JSON has no NaN and no Infinity." if b"NaN" in body or b"Infinity" in body else ""
        raise BadRequestError(f"The request body is not JSON: {error}.{hint}") from error
    # orjson accepts an escaped NUL, which the database refuses anywhere in a document.
    if b"\\u0000" in body:
        raise BadRequestError("The document holds a NUL character (\\u0000), which can't be stored.")
    if _has_long_number(body):
        _check_integers(body)
    return document


def _has_long_number(body: bytes) -> bool:
    """Return whether a JSON text may hold a whole number of 19 digits or more, outside of strings."""
    alike = body.translate(_ALIKE)
    start = alike.find(_LONG)
    while start >= 0:
        if _LONG_NUMBER.match(body, max(start - 1, 0)):
            return True
        start = alike.find(_LONG, start + len(_LONG))
    return False


def _check_integers(body: bytes) -> None:
    """Check that all whole numbers fit into 64 bits: orjson turns larger ones into floats."""

    def kept(digits: str) -> int:
        number = int(digits) if len(digits) <= _MOST_DIGITS else values.MAX_INTEGER + 1
        if not values.MIN_INTEGER <= number <= values.MAX_INTEGER:
            raise BadRequestError(
                f"The document holds {digits:.40}, a whole number of more than 64 bits, which would lose its "
                "last digits; write it as text."
            )
        return number

    json.loads(body, parse_int=kept)


def copied(document: dict[str, Any]) -> dict[str, Any]:
    """Return a deep copy of a JSON document."""
    duplicate: dict[str, Any] = orjson.loads(orjson.dumps(document))
    return duplicate


def patched(document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """Apply a JSON Merge Patch (an object, RFC 7396) or a JSON Patch (an array, RFC 6902).

    Raises:
        jsonpatch.JsonPatchException, jsonpointer.JsonPointerException: if an operation cannot be applied.
    """
    placed = "geometry" in document
    if isinstance(patch, list):
        result = _patched_by_operations(document, patch)
    elif isinstance(patch, dict):
        result = merge(document, patch)
    else:
        raise BadRequestError(
            f"A patch is an object (JSON Merge Patch) or an array of operations (JSON Patch), not {patch!r}."
        )
    if not isinstance(result, dict):
        raise BadRequestError("The patch leaves no object.")
    if placed:
        result.setdefault("geometry", None)  # a merge patch removes a member that is null
    return result


def _patched_by_operations(document: dict[str, Any], patch: list[Any]) -> Any:
    copies = [isinstance(one, dict) and one.get("op") == "copy" for one in patch]
    if len(patch) > MOST_OPERATIONS or sum(copies) > MOST_COPIES:
        raise BadRequestError(
            f"The patch has {len(patch):,} operations, {sum(copies):,} of them `copy`; {MOST_OPERATIONS:,} "
            f"and {MOST_COPIES} are the most. Send it in several requests, or the whole document by PUT."
        )
    operations = jsonpatch.JsonPatch(patch)
    if not any(copies):
        return operations.apply(document)
    result: Any = copied(document)
    duplicated = 0
    for one, copies_ in zip(patch, copies, strict=True):
        if copies_:
            duplicated += _check_copy(result, one, duplicated)
        result = jsonpatch.JsonPatch([one]).apply(result, in_place=True)
    return result


def _check_copy(document: Any, operation: dict[str, Any], duplicated: int) -> int:
    """Return the bytes that a `copy` duplicates, if they are not too many after `duplicated` others.

    They are counted before the value is duplicated: of copies that double a value the last is the slowest.
    """
    try:
        size = len(orjson.dumps(jsonpointer.resolve_pointer(document, operation["from"])))
    except (KeyError, TypeError, jsonpointer.JsonPointerException):
        return 0  # applying the operation raises the right error
    if duplicated + size > MOST_COPIED_BYTES:
        raise BadRequestError(
            f"The patch's `copy` operations duplicate {duplicated + size:,} bytes or more; "
            f"{MOST_COPIED_BYTES:,} are the most. Send the whole document by PUT."
        )
    if (whole := len(orjson.dumps(document)) + size) > MOST_PATCHED_BYTES:
        raise BadRequestError(
            f"The patch makes a document of {whole:,} bytes; {MOST_PATCHED_BYTES:,} are the most."
        )
    return size


def _check_id(kind: str, value: Any, most: int = MAX_ID_BYTES, *, new: bool = True) -> str:
    if not isinstance(value, str) or not value:
        raise BadRequestError(f"The {kind} needs an `id`: a non-empty string, not {value!r}.")
    if len(value.encode()) > most:
        raise BadRequestError(f"The {kind} id is {len(value.encode())} bytes long; {most} is the most.")
    # A slash is decoded before routing, so a document with such an id could not be read.
    if "/" in value or value in (".", ".."):
        raise BadRequestError(
            f"The {kind} id {value!r} can't be `.` or `..` or hold `/`: it has to fit into a URL path."
        )
    # Documents that were stored before this check can still be changed.
    if new and (why := ids.text_problem(value)):
        raise BadRequestError(f"The {kind} id {value!r} {why}.")
    return value


def _check_path(kind: str, member: str, document: dict[str, Any], expected: str) -> None:
    """Check that the id in a body is that of the path."""
    given = document.setdefault(member, expected)
    if given != expected:
        raise BadRequestError(
            f"The {kind}'s `{member}` is {given!r}, but the URL names {expected!r}; they must be the same."
        )


def _lenient(done: dict[str, Any]) -> dict[str, Any]:
    """Return the document for validation, without valid STAC that stac-pydantic refuses."""
    names, box = done.get("stac_extensions") or [], done.get("bbox")
    if not all(name.startswith("http") for name in names):
        # Extensions without a URL, and short names that no version of STAC had.
        done = {**done, "stac_extensions": [name for name in names if name.startswith("http")]}
    if box and len(box) in BOX_LENGTHS and box[0] > box[len(box) // 2]:
        # stac-pydantic warns about a box across the antimeridian.
        west, east = 0, len(box) // 2
        swapped = [
            box[east] if place == west else box[west] if place == east else n for place, n in enumerate(box)
        ]
        done = {**done, "bbox": swapped}
    if "extent" in done:
        done = {**done, "extent": {**done["extent"], "spatial": {"bbox": [[-180, -90, 180, 90]]}}}
    return done


def _refuse(kind: str, document: dict[str, Any], error: ValidationError) -> BadRequestError:
    reasons = "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'document'}: {item['msg']}"
        for item in error.errors()[:10]
    )
    return BadRequestError(f"{kind.capitalize()} {document.get('id')!r} is not valid STAC: {reasons}")


def collection(
    document: Any,
    base: str,
    *,
    collection_id: str | None = None,
    previous: dict[str, Any] | None = None,
    owners: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a collection as it is stored.

    Args:
        document: what the client sent, or the patched document.
        base: address of the API, for the hrefs it shows.
        collection_id: the id in the path, if any.
        previous: the collection as stored, on an update.
        owners: of a new collection that does not name its own.

    Raises:
        BadRequestError, landbridge.mappings.InvalidDocument: if the document is invalid; names the attribute.
    """
    if not isinstance(document, dict):
        raise BadRequestError(f"A collection is a JSON object, not {type(document).__name__}.")
    if collection_id is not None:
        _check_path("collection", "id", document, collection_id)
    _check_id("collection", document.get("id"), new=previous is None)
    document = migrated(document)
    links.localize(document, base)
    done = normalize.collection(document, previous=previous, principal=list(owners) or None)
    check_extent(done)
    try:
        Collection.model_validate(_lenient(done))
    except ValidationError as error:
        raise _refuse("collection", done, error) from error
    return done


def item(
    document: Any,
    parent: dict[str, Any],
    base: str,
    *,
    item_id: str | None = None,
    previous: dict[str, Any] | None = None,
    owners: Sequence[str] = (),
    received: bool = False,
    files: normalize.Files | None = None,
) -> dict[str, Any]:
    """Return an item of the collection `parent` as it is stored; arguments and errors as for `collection`.

    Args:
        received: the item is a blob's whose data was put into the store for it.
        files: of the parent, if many of its items are stored.
    """
    if not isinstance(document, dict):
        raise BadRequestError(f"An item is a JSON object, not {type(document).__name__}.")
    document.pop("pgstac:base_item", None)
    _check_path("item", "collection", document, parent["id"])
    if item_id is not None:
        _check_path("item", "id", document, item_id)
    is_blob = ids.is_blob_collection(parent["id"])
    most = blob_items.MAX_ID_BYTES if is_blob else MAX_ID_BYTES
    _check_id("item", document.get("id"), most, new=previous is None)
    if "geometry" not in document and not is_blob:
        raise BadRequestError(
            f"Item {document['id']!r} needs a `geometry`: a GeoJSON geometry in longitude and latitude, "
            "or null."
        )
    check_positions(f"Item {document['id']!r}", document.get("geometry"), MOST_POSITIONS)
    document.setdefault("links", [])
    document.setdefault("assets", {})
    document = migrated(document, parent)
    projection.drop_epsg(document, previous)
    links.localize(document, base)
    done = normalize.item(document, parent, previous=previous, principal=list(owners) or None, files=files)
    if is_blob and not received:
        check_data(done, previous)
    try:
        # The geometry is checked already; pydantic would take seconds for a large one and block all threads.
        Item.model_validate(_lenient({**done, "geometry": done.get("geometry") and _POINT}))
    except ValidationError as error:
        raise _refuse("item", done, error) from error
    return blob_items.to_stored(done)


def each_item(
    documents: Iterable[Any],
    parent: dict[str, Any],
    base: str,
    owners_of: Callable[[Any], Sequence[str]] = lambda _: (),
) -> Iterator[dict[str, Any]]:
    """Yield many new items, each as `item` returns it with its owners."""
    files = normalize.Files(parent)
    for document in documents:
        yield item(document, parent, base, owners=owners_of(document), files=files)


def check_announced(document: dict[str, Any], parent: dict[str, Any]) -> None:
    """Check the announced item of an upload, before the client sends its files.

    Raises:
        BadRequestError, landbridge.mappings.InvalidDocument: if the document is invalid; names the attribute.
    """
    probe = copied(document)
    properties = probe.get("properties")
    if isinstance(properties, dict) and properties.get("catalog:storage_state") in (None, "available"):
        # The upload determines footprint, grid and files; a remote image needs only the first.
        properties["catalog:storage_state"] = "remote"
    if probe.get("geometry") is None:
        probe["geometry"] = {"type": "Point", "coordinates": [0, 0]}
    item({**probe, "assets": {}}, parent, "/")

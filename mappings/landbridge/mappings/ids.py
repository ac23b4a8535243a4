"""Building and splitting the ids of products, images, bands and blobs. Other modules treat ids as opaque."""

from __future__ import annotations

import re
import unicodedata
from typing import Self

__all__ = [
    "BLOB_COLLECTION_PREFIX",
    "NamedId",
    "blob_collection_id",
    "blob_id",
    "blob_item_id",
    "encode_blob_path",
    "image_id",
    "is_blob_collection",
    "is_valid_name",
    "make_valid_name",
    "name_problem",
    "product_id_problem",
    "split",
    "split_blob_id",
    "split_blob_item_id",
    "text_problem",
]

# Collections with this prefix hold blobs; they are not products.
BLOB_COLLECTION_PREFIX = "blobs:"

_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z").match
_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+")
_UNESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")
_ENCODED = re.compile(r"(?:[A-Za-z0-9._:-]|~[0-9A-F]{2})*\Z").match
_ESCAPE = re.compile(r"~(..)")


def image_id(product_id: str, name: str) -> str:
    """Return the id of an image or band: its product's id and its name, joined by a colon."""
    return f"{product_id}:{name}"


def split(id: str) -> tuple[str, str]:
    """Return the product id and the name of an image or band id, split at the last colon.

    Raises ValueError if the id has no colon.
    """
    if isinstance(id, NamedId):
        return id.product_id, id.name
    product_id, colon, name = id.rpartition(":")
    if not (colon and product_id and name):
        raise ValueError(f"{id!r} is not the id of an image or band, which has the form 'product_id:name'")
    return product_id, name


class NamedId(str):  # noqa: SLOT000 - it keeps its parts as attributes
    """Id of an image or band that keeps its parts, because names by other programs may contain colons."""

    product_id: str
    name: str

    def __new__(cls, product_id: str, name: str) -> Self:
        self = super().__new__(cls, image_id(product_id, name))
        self.product_id, self.name = product_id, name
        return self


def product_id_problem(id: str) -> str | None:
    """Return the reason why a text is no valid product id; None if it is valid."""
    if not id:
        return "is empty"
    if is_blob_collection(id):
        return f"begins with {BLOB_COLLECTION_PREFIX!r}, as the collections of blobs do"
    return text_problem(id)


def text_problem(text: str) -> str | None:
    """Return the reason why an id or name looks like another one; None if it does not.

    Spaces at the ends, control characters and other invisible characters make two texts look the same.
    Bidirectional marks change the order in which the surrounding text is displayed.
    """
    if text != text.strip():
        return "begins or ends with a space"
    hidden = next((character for character in text if _is_hidden(character)), None)
    return None if hidden is None else f"has the character U+{ord(hidden):04X}, which is invisible"


def _is_hidden(character: str) -> bool:
    """Say whether a character is a control, format, bidirectional, surrogate or separator character."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def name_problem(name: str) -> str | None:
    """Return the reason why a name does not survive splitting its id, or is invisible; None if it is valid.

    The service checks all other limits of names.
    """
    if not name:
        return "is empty"
    if ":" in name:
        return f"has a colon, at which ids are split; use {make_valid_name(name)!r}"
    hidden = next((character for character in name if _is_hidden(character)), None)
    return None if hidden is None else f"has the character U+{ord(hidden):04X}, which is invisible"


def is_valid_name(name: str) -> bool:
    """Say whether a name consists of one or more letters, digits, ``_``, ``.`` and ``-``."""
    return _NAME(name) is not None


def make_valid_name(name: str) -> str:
    """Return the name with each run of other characters replaced by one ``_``."""
    return _OTHERS.sub("_", name)


def blob_id(storage_type: str, namespace: str, name: str) -> str:
    """Return the id of a blob."""
    return f"{storage_type}/{namespace}/{name}"


def split_blob_id(id: str) -> tuple[str, str, str]:
    """Return storage type, namespace and name of a blob's id. Raises ValueError if it is no such id."""
    storage_type, _, rest = id.partition("/")
    namespace, _, name = rest.partition("/")
    if not (storage_type and namespace and name):
        raise ValueError(f"{id!r} is not the id of a blob, which has the form 'storage_type/namespace/name'")
    return storage_type, namespace, name


def blob_collection_id(storage_type: str) -> str:
    """Return the id of the Collection that holds the blobs of a storage type."""
    return BLOB_COLLECTION_PREFIX + storage_type


def is_blob_collection(collection: object) -> bool:
    """Say whether an id is that of a Collection of blobs."""
    return isinstance(collection, str) and collection.startswith(BLOB_COLLECTION_PREFIX)


def encode_blob_path(text: str) -> str:
    """Encode a text for the id of a blob's Item: bytes except letters, digits and ``._:-`` become ``~XX``.

    The code of a prefix is a prefix of the code, so that ids can be searched by prefix.
    """
    return "".join(chr(byte) if byte in _UNESCAPED else f"~{byte:02X}" for byte in text.encode())


def blob_item_id(namespace: str, name: str) -> str:
    """Return the id of a blob's Item."""
    return encode_blob_path(f"{namespace}/{name}")


def split_blob_item_id(item: str) -> tuple[str, str]:
    """Return namespace and name from the id of a blob's Item. Raises ValueError if it is no such id."""
    if isinstance(item, str) and _ENCODED(item):
        raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), item).encode("latin-1")
        namespace, _, name = raw.decode(errors="replace").partition("/")
        if namespace and name and blob_item_id(namespace, name) == item:
            return namespace, name
    raise ValueError(f"{item!r} is not the id of a blob's Item: an encoded 'namespace/name'")

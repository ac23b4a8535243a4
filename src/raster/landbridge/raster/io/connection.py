"""Requests for byte ranges of one remote file, with credentials that are renewed if they are refused."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from landbridge.raster.errors import GdalOnlyError, raise_without_context
from landbridge.raster.io.expiring_url import ExpiringUrl, access_of, renewed
from landbridge.raster.io.file_protocol import FileChangedError
from landbridge.raster.io.object_stores import TIMEOUT_VARIABLE, StoredFile, stored_file, timeout

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# Parts of obstore's error texts: the status of a response, and the prefix of a failed request.
_STATUS = re.compile(r"status code: (\d{3}[^:\n]*)")
_REQUEST_PREFIX = re.compile(r"Error performing \w+ \S+ in .*? - ")
_OTHER_REGION = "redirect without LOCATION"
_ADDRESS = re.compile(r"\w+://\S+")
_WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
# Azure answers 409 if a container allows no anonymous requests.
_CONFLICT = "status code: 409"

LOGIN_PAGE = "the server answered with a web page instead of the file, as it does if a login is missing"


@dataclass(frozen=True, slots=True)
class Version:
    """Version of a file's content, as each response states it; `modified` only without an ETag."""

    size: int
    etag: str | None
    modified: object

    @property
    def condition(self) -> dict[str, Any]:
        """Request options that fetch this version or fail; RFC 9110 excludes weak tags from conditions."""
        return {} if self.etag is None or self.etag.startswith("W/") else {"if_match": self.etag}


class Connection:
    """Requests for one file.

    If the server refuses the credentials, a request is repeated once with fresh ones; threads share these.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = Lock()

    def __repr__(self) -> str:
        return "Connection(…)"

    def get(self, span: tuple[int, int], condition: Mapping[str, Any]) -> tuple[Version, memoryview]:
        """Return the version of the file and the bytes of a span, truncated at the end of the file.

        Raises:
            OSError: if the file cannot be read; PermissionError if the server refuses the credentials.
            GdalOnlyError: if the server does not support ranges, or has the bucket in another region.
        """
        # This waits for a thread that imports obstore; the name of its module of errors exists too early.
        from obstore import exceptions

        with _as_os_error():
            for attempt in (1, 2):
                address = self._latest()
                target = stored_file(address)
                if target is None:
                    raise GdalOnlyError
                try:
                    return _get_range(target.store, target.path, span, condition)
                except exceptions.NotSupportedError:
                    if _is_web_page(target):
                        raise_without_context(PermissionError(LOGIN_PAGE))
                    raise GdalOnlyError from None
                except exceptions.GenericError as error:
                    if _OTHER_REGION in str(error):
                        raise GdalOnlyError from None
                    raise
                except Exception as error:
                    if attempt == 2 or not _is_refusal(error, address) or not self._renew(address, target):
                        raise
        raise AssertionError("unreachable")

    def _latest(self) -> str:
        """Return the address that has replaced one that was refused, here or where GDAL reads the file."""
        return self._address.latest if isinstance(self._address, ExpiringUrl) else self._address

    def _renew(self, address: str, target: StoredFile) -> bool:
        """Replace refused credentials; return whether there are others."""
        with self._lock:
            if self._latest() is not address:
                return True  # another thread has replaced it
            fresh = renewed(address, target.credential)
            if fresh is not None:
                self._address = fresh
            return fresh is not None


def is_web_page(head: bytes) -> bool:
    """Return whether the first bytes of an answer are those of a web page."""
    return _WEB_PAGE.match(head) is not None


def _is_web_page(target: StoredFile) -> bool:
    """Return whether a server without ranges answers with a web page; the rest of the answer is not read."""
    import obstore

    result = obstore.get(target.store, target.path)
    return str(result.attributes.get("Content-Type", "")).lower().startswith("text/html")


def _is_refusal(error: Exception, address: str) -> bool:
    """Return whether a server refused the credentials."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        return True
    access = access_of(address)
    return access is not None and access.kind == "azure" and _CONFLICT in str(error)


def _get_range(
    store: "ObjectStore", path: str, span: tuple[int, int], condition: Mapping[str, Any]
) -> tuple[Version, memoryview]:
    """Return the version of a file and the bytes of a span, truncated at the end of the file."""
    import obstore
    from obstore.exceptions import BaseError

    options: Any = {"range": span, **condition}
    for attempt in (1, 2):
        result = obstore.get(store, path, options=options)
        meta = result.meta
        try:
            data = memoryview(result.bytes())
        except BaseError:
            # The connection broke during the response; the store resumes by itself only with an ETag.
            if attempt == 2:
                raise
        else:
            etag = meta.get("e_tag")
            return Version(int(meta["size"]), etag, None if etag else meta.get("last_modified")), data
    raise AssertionError("unreachable")


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Raise obstore's errors as OSErrors without the address, which may be signed, and the response text."""
    from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        if isinstance(error, PreconditionError):
            raise_without_context(FileChangedError())
        refused = isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or _CONFLICT in str(error)
        kind = PermissionError if refused else OSError
        raise_without_context(kind(_short_message(error)))


def _short_message(error: Exception) -> str:
    """Return a short message of an error of obstore."""
    text, _, details = str(error).partition("\n\nDebug source:")
    if (status := _STATUS.search(text)) is not None:
        return f"the server answered {status[1].strip()}"
    if "kind: Timeout" in details:
        return f"the server sent nothing for {timeout():g} s ({TIMEOUT_VARIABLE})"
    if "kind: Connect" in details:
        return "the server cannot be reached"
    if "body error" in text:
        return "the connection broke before the response was complete"
    return _ADDRESS.sub("…", _REQUEST_PREFIX.sub("", text.strip()))

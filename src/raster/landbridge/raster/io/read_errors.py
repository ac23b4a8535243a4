"""Errors of file reads, with the image, bands and file at fault."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from landbridge.raster.errors import CredentialsError, RasterError, raise_without_context
from landbridge.raster.io.expiring_url import access_of
from landbridge.raster.io.file_access import FileAccess
from landbridge.raster.io.gdal_settings import gdal_errors
from landbridge.raster.io.redact import redact_error_text, redact_url

if TYPE_CHECKING:
    from landbridge.raster.plan.reads import FileRead, SourceRead

# Texts of the system, GDAL and servers that report a missing file.
_reports_missing_file = re.compile(r"No such file|does not exist|\b(404|410)\b|\bNoSuchKey\b").search

# Texts of GDAL and servers that report refused credentials.
_reports_refusal = re.compile(
    r"\b(401|403|409)\b|Access ?Denied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken"
).search


@contextmanager
def annotate_read_errors(
    source: "SourceRead", file: "FileRead", address: str | None = None
) -> Iterator[None]:
    """Raise errors of reading a file as RasterErrors that name the image, the bands and the file.

    `address` is the signed URL of the file, if there is one. Neither the message nor a chained error contains
    its signature or the query of the href.
    """
    try:
        yield
    except gdal_errors(OSError, IndexError) as error:
        access = access_of(address or file.href)
        text = redact_error_text(_text_of(error), address or file.href, file.href)
        hint = refusal_hint(error, access) or _missing_file_hint(error)
        error_for_file = read_error(source, file, text + hint)
        if address not in (None, file.href) or access is not None or redact_url(file.href) != file.href:
            raise_without_context(error_for_file)
        raise error_for_file from error


def _text_of(error: BaseException) -> str:
    """Return the text of an error; that of its causes if rasterio refers to them, which name the tile."""
    if error.__cause__ is None or "previous exception" not in str(error):
        return str(error)
    causes = [error.__cause__]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    return "; ".join(dict.fromkeys(str(cause) for cause in (causes[0], causes[-1])))


def refusal_hint(error: Exception, access: FileAccess | None) -> str:
    """Return what to configure if the server refused the credentials; otherwise an empty text."""
    if access is None or isinstance(error, CredentialsError):
        return ""
    refused = isinstance(error, PermissionError) or _reports_refusal(str(error))
    return f" ({access.name}: {access.advice})" if refused and access.advice else ""


def _missing_file_hint(error: Exception) -> str:
    """Return a hint for errors that report a missing file; otherwise an empty text."""
    absent = isinstance(error, FileNotFoundError) or _reports_missing_file(str(error))
    return " (was the image overwritten or deleted meanwhile? Then fetch it again)" if absent else ""


def read_error(source: "SourceRead", file: "FileRead", cause: str) -> RasterError:
    """Return the error of a file that cannot be read."""
    names = ", ".join(map(repr, file.names))
    href = redact_url(file.href)
    return RasterError(
        f"image {source.source.id!r}: cannot read band{'s' if len(file.names) > 1 else ''} {names} "
        f"from {href!r}: {cause}",
        source.source.id,
        file.names,
        href,
    )

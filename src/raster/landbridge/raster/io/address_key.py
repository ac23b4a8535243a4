"""Keys of remote files without the secrets of their addresses."""

from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from landbridge.raster.io.expiring_url import access_of
from landbridge.raster.io.object_stores import s3_endpoint

__all__ = ["address_key"]

# Parameters that sign an address. The whole query is then ignored: its other parameters may be secret.
_SIGNING = frozenset(
    {
        *(
            "signature",
            "sig",
            "token",
            "access_token",
            "expires",
            "policy",
            "key-pair-id",
            "hdnts",
            "__token__",
        ),
        *("x-amz-signature", "x-goog-signature", "x-amz-security-token", "awsaccesskeyid", "googleaccessid"),
    }
)


def address_key(address: str) -> str:
    """Return a digest of an address without its signature, user name and password."""
    parts = urlsplit(address)
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    query = "" if access_of(address) is not None or names & _SIGNING else parts.query
    host = parts.netloc.rpartition("@")[2]
    access = access_of(address)
    # The same bucket may exist in several services.
    service = ""
    if parts.scheme == "s3":
        service = (s3_endpoint() if access is None else access.setting("endpoint")) or ""
    text = f"{service}\n{parts.scheme}\n{host.lower()}\n{parts.path}\n{query}"
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

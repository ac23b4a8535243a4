"""Hrefs without the signatures and credentials that they may have, for storage in a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["without_signature", "without_signatures"]

# Query parameters in lower case: if the first is there, the URL is signed, and the others belong to the
# signature.
_AZURE = "sig se sp sv sr st spr sip ss srt si ses skoid sktid skt ske sks skv saoid suoid scid sdd"
_S3 = "signature expires awsaccesskeyid googleaccessid policy key-pair-id x-amz-security-token"
_SCHEMES: tuple[tuple[str, frozenset[str]], ...] = (
    ("sig", frozenset(_AZURE.split(" "))),
    # S3's former signatures, Google's and CloudFront's
    ("signature", frozenset(_S3.split(" "))),
    ("access_token", frozenset({"access_token"})),
    ("token", frozenset({"token"})),
)
_PREFIXES = ("x-amz-", "x-goog-")


def without_signature(href: str) -> str:
    """Return an href without its signature, user name and password; other parameters stay."""
    if "?" not in href and "@" not in href:
        return href
    try:
        parts = urlsplit(href)
    except ValueError:
        return href
    if not parts.netloc:
        return href
    pairs = parts.query.split("&") if parts.query else []
    names = {_name(pair) for pair in pairs}
    removed = {name for needed, all_names in _SCHEMES if needed in names for name in all_names}
    if any(name in ("x-amz-signature", "x-goog-signature") for name in names):
        removed |= {name for name in names if name.startswith(_PREFIXES)}
    kept = "&".join(pair for pair in pairs if _name(pair) not in removed)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=kept))


def _name(pair: str) -> str:
    return pair.partition("=")[0].lower()


def without_signatures(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Item or a Collection whose assets, their alternates and links have no signatures."""
    new = dict(document)
    if isinstance(assets := document.get("assets"), dict):
        new["assets"] = {
            key: _holder(asset) if isinstance(asset, dict) else asset for key, asset in assets.items()
        }
    if isinstance(links := document.get("links"), list):
        new["links"] = [_holder(link) if isinstance(link, dict) else link for link in links]
    return new


def _holder(holder: Mapping[str, Any]) -> dict[str, Any]:
    new = dict(holder)
    if isinstance(href := holder.get("href"), str):
        new["href"] = without_signature(href)
    if isinstance(others := holder.get("alternate"), dict):
        new["alternate"] = {
            key: _holder(other) if isinstance(other, dict) else other for key, other in others.items()
        }
    return new

"""Expected status of each caller, by the right that a route requires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from access.matrix.world import CALLERS

Expected: TypeAlias = Mapping[str, int]


def _statuses(*statuses: int) -> Expected:
    return dict(zip(CALLERS, statuses, strict=True))


# What the callers get, by what a route asks of them: anonymous, stranger, reader, writer, owner, owner of
# another organization, expired, revoked, read scope.
def opened(ok: int = 200) -> Expected:
    """Everybody may."""
    return _statuses(ok, ok, ok, ok, ok, ok, 401, 401, ok)


def operators() -> Expected:
    """Only operators may, who are not among these callers."""
    return _statuses(401, 403, 403, 403, 403, 403, 401, 401, 403)


def reads(ok: int = 200) -> Expected:
    """Of a product or a blob that not all may read."""
    return _statuses(404, 404, ok, ok, ok, 404, 401, 401, ok)


def others(ok: int = 200) -> Expected:
    """Of what belongs to another organization."""
    return _statuses(404, 404, 404, 404, 404, ok, 401, 401, 404)


def oversees(ok: int = 200) -> Expected:
    """Of what writers only know of."""
    return _statuses(404, 404, 404, ok, ok, 404, 401, 401, ok)


def own_reads(ok: int = 200) -> Expected:
    """Of what only its user knows of."""
    return _statuses(404, 404, 404, 404, ok, 404, 401, 401, ok)


def writes(ok: int = 200) -> Expected:
    """Writers may, and readers may know of it."""
    return _statuses(401, 404, 403, ok, ok, 404, 401, 401, 403)


def owns(ok: int = 200) -> Expected:
    """Owners may, and readers and writers may know of it."""
    return _statuses(401, 404, 403, 403, ok, 404, 401, 401, 403)


def drives(ok: int = 200) -> Expected:
    """Writers may, and nobody else may know of it."""
    return _statuses(401, 404, 404, ok, ok, 404, 401, 401, 403)


def own_writes(ok: int = 200) -> Expected:
    """Its user may, and nobody else may know of it."""
    return _statuses(401, 404, 404, 404, ok, 404, 401, 401, 403)


def carries(ok: int = 200) -> Expected:
    """Allow the signed URL without a credential; if there is a credential, it decides."""
    return _statuses(ok, 404, 404, ok, ok, 404, 401, 401, 403)


def makes(ok: int = 201) -> Expected:
    """Everybody who may write at all."""
    return _statuses(401, ok, ok, ok, ok, ok, 401, 401, 403)


def makes_there(ok: int = 201) -> Expected:
    """Allow callers who own the namespace."""
    return _statuses(401, 403, 403, 403, ok, 403, 401, 401, 403)


def signs(ok: int = 200) -> Expected:
    """Allow the signed URL of a map without a credential; if there is a credential, it decides."""
    return _statuses(ok, 404, ok, ok, ok, 404, 401, 401, ok)


def registers(ok: int = 200) -> Expected:
    """Everybody with a credential."""
    return _statuses(401, ok, ok, ok, ok, ok, 401, 401, ok)

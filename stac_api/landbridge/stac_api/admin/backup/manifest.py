"""Manifest of a backup, and the backups of a place."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.errors import BackupError
from landbridge.stac_api.pgstac.table_digests import TableDigest

if TYPE_CHECKING:
    from landbridge.stac_api.assets.store import AssetStore

__all__ = ["BACKUPS", "FileRecord", "FoundBackup", "Manifest", "backup_path", "choose", "find_backups"]

BACKUPS = "backups/"
_FORMAT = 1
_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes and SHA-256 of a file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Description of a complete backup.

    Attributes
    ----------
    id : str
        Name of the backup in its place, by the time of its start.
    service : str
        Id of the service.
    snapshot : str
        Time of the state that the backup has.
    versions : dict of str to str
        Versions of Landbridge, pgstac, PostgreSQL, PostGIS and pg_dump.
    migrations : list of str
        Migrations of the database.
    dump, index : FileRecord
        Files of the database and of the list of objects.
    objects, object_bytes : int
        Number and total size of the objects.
    tables : dict of str to TableDigest
        Rows and digest of each table.
    missing : list of str
        Objects that the database names, and that the object store does not have.
    organizations : str, optional
        Content of the file of organizations.
    """

    id: str
    service: str
    snapshot: str
    versions: dict[str, str]
    migrations: list[str]
    dump: FileRecord
    index: FileRecord
    objects: int
    object_bytes: int
    tables: dict[str, TableDigest]
    missing: list[str] = field(default_factory=list)
    organizations: str | None = None

    def to_json(self) -> bytes:
        """Return the text of the manifest, with a checksum of itself."""
        document = {"format": _FORMAT, **asdict(self)}
        return json.dumps(document | {"checksum": _checksum(document)}, indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes, name: str) -> Manifest:
        """Read the text of the manifest of a backup.

        Raises
        ------
        BackupError
            If it is damaged, of a newer format, or of another backup.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            checksum, form = document.pop("checksum"), document.pop("format")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise BackupError(f"The manifest of the backup {name} is damaged.") from error
        if form != _FORMAT:
            raise BackupError(
                f"The backup {name} has the format {form}, and this version reads {_FORMAT}. "
                "Install a newer version."
            )
        if checksum != _checksum({"format": form, **document}) or document["id"] != name:
            raise BackupError(f"The manifest of the backup {name} is damaged.")
        tables = {key: TableDigest(*value) for key, value in document.pop("tables").items()}
        dump, index = FileRecord(**document.pop("dump")), FileRecord(**document.pop("index"))
        return cls(**document, dump=dump, index=index, tables=tables)


@dataclass(frozen=True, slots=True)
class FoundBackup:
    """A backup of a place: its manifest, or the reason why it cannot be used."""

    id: str
    manifest: Manifest | None
    problem: str = ""


def backup_path(backup: str, name: str) -> str:
    """Return the path of a file of a backup in its place."""
    return f"{BACKUPS}{backup}/{name}"


async def write(place: AssetStore, manifest: Manifest) -> None:
    """Write the manifest, which makes the backup complete."""
    await place.put(backup_path(manifest.id, _NAME), _once(manifest.to_json()))


async def _once(content: bytes) -> Any:
    yield content


async def find_backups(place: AssetStore) -> list[FoundBackup]:
    """Return the backups of a place, the oldest first."""
    found: dict[str, bool] = {}
    for path in await place.sizes(BACKUPS):
        name, _, rest = path.removeprefix(BACKUPS).partition("/")
        found[name] = found.get(name, False) or rest == _NAME
    return [
        await _read(place, name) if complete else _partial(name) for name, complete in sorted(found.items())
    ]


def _partial(name: str) -> FoundBackup:
    return FoundBackup(name, None, f"The backup {name} is partial: it was interrupted, or runs now.")


async def _read(place: AssetStore, name: str) -> FoundBackup:
    text = b"".join([bytes(chunk) async for chunk in await place.read_once(backup_path(name, _NAME))])
    try:
        return FoundBackup(name, Manifest.from_json(text, name))
    except BackupError as error:
        return FoundBackup(name, None, str(error))


async def choose(place: AssetStore, name: str | None = None) -> Manifest:
    """Return the manifest of a backup by its id, else of the newest complete one.

    Raises
    ------
    BackupError
        If there is none, or if it is partial or damaged.
    """
    found = await find_backups(place)
    if name is not None:
        for one in found:
            if one.id == name and one.manifest is not None:
                return one.manifest
            if one.id == name:
                raise BackupError(one.problem)
        known = ", ".join(one.id for one in found) or "none"
        raise BackupError(f"There is no backup {name!r} in {place.url}; there are: {known}.")
    for one in reversed(found):
        if one.manifest is not None:
            return one.manifest
    problems = " ".join(one.problem for one in found)
    raise BackupError(f"There is no complete backup in {place.url}. {problems}".rstrip())


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

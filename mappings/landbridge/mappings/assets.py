"""Files of an image and assets of an Item.

An asset with ``catalog:file_index`` is an uploaded file, at that index of the image's list. If an Item has no
such asset, another program wrote it: its data assets are the files, sorted by key, because jsonb does not
keep the order of members. Bands are not found by that order; see `landbridge.mappings.binding`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from landbridge.mappings.errors import InvalidDocument

__all__ = [
    "FILE_INDEX",
    "checksum_of",
    "crs_code",
    "data_keys",
    "files",
    "finest_grid",
    "is_data",
    "is_generic_key",
    "preview_key",
    "set_checksum",
    "set_files",
    "set_preview",
]

FILE_INDEX = "catalog:file_index"

# Multihash prefixes by the length of the digest in hexadecimal: md5, sha1, sha2-256, sha2-512.
_PREFIXES = {32: "d50110", 40: "1114", 64: "1220", 128: "1340"}
_LENGTHS = {prefix: len(prefix) + length for length, prefix in _PREFIXES.items()}
_HEX = re.compile(r"[0-9a-f]+\Z").match
_GENERIC = re.compile(r"(?:data|file)(?:-\d+)?\Z").match
_MAX_FILES = 4096
_STAC_MEMBERS = frozenset(
    {
        "href",
        "type",
        "title",
        "description",
        "roles",
        "bands",
        "eo:bands",
        "raster:bands",
        "file:size",
        "file:checksum",
        FILE_INDEX,
    }
)
_PROVIDER_MEMBERS = {"provider_id": "catalog:provider_id", "provider_href": "catalog:provider_href"}

_RASTER_TYPES = (
    "image/",
    "application/x-hdf",
    "application/hdf",
    "application/netcdf",
    "application/x-netcdf",
    "application/x-zarr",
    "application/vnd+zarr",
    "application/vnd.zarr",
)
_PREVIEW_ROLES = {"thumbnail", "overview"}
_RASTER_SUFFIXES = (".tif", ".tiff", ".jp2", ".img", ".hdf", ".h5", ".nc", ".zarr", ".vrt")


def is_generic_key(key: str) -> bool:
    """Say whether an asset's key does not name its bands, so that a better key may replace it."""
    return _GENERIC(key) is not None


def is_data(asset: Mapping[str, Any]) -> bool:
    """Say whether an asset (or ``item_assets`` entry) of another program holds raster data."""
    roles = {role for role in asset.get("roles") or () if isinstance(role, str)}
    if roles & _PREVIEW_ROLES:
        return False
    if any(asset.get(key) for key in ("bands", "eo:bands", "raster:bands")):
        return True
    kind = str(asset.get("type") or "").lower()
    if kind:
        return kind.startswith(_RASTER_TYPES) and (
            "data" in roles or not roles or "tif" in kind or "jp2" in kind
        )
    if "metadata" in roles:
        return False
    return "data" in roles or str(asset.get("href")).lower().endswith(_RASTER_SUFFIXES)


def data_keys(assets: Mapping[str, Any]) -> list[str]:
    """Return the keys of another program's data assets, in the order in which they count as files."""
    return sorted(key for key, asset in assets.items() if isinstance(asset, Mapping) and _is_data(asset))


def _is_data(asset: Mapping[str, Any]) -> bool:
    try:
        return is_data(asset)
    except (TypeError, AttributeError):
        return False


def files(assets: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the files of an Item's assets by file index; None if it has none."""
    own = []
    for asset in assets.values():
        index = asset.get(FILE_INDEX)
        if index is not None and isinstance(index, int):
            own.append((index, asset))
    found: list[dict[str, Any]] = []
    if own:
        if len(own) > 1:
            own.sort(key=_first)
        for index, asset in own:
            while len(found) < index < _MAX_FILES:
                found.append({"href": ""})
            found.append(_file(asset))
        return found
    return [_file(assets[key]) for key in data_keys(assets)] or None


def finest_grid(assets: Mapping[str, Any]) -> tuple[list[float], list[int] | None] | None:
    """Return the geotransform (GDAL's order) and shape of the finest data asset that states them, or None.

    An Item has no grid of its own if another program wrote it and its bands differ in resolution.
    """
    found = []
    for key, asset in assets.items():
        transform = asset.get("proj:transform")
        if isinstance(transform, list) and len(transform) >= 6 and is_data(asset):
            found.append((abs(transform[0]) + abs(transform[1]), key))
    if not found:
        return None
    asset = assets[min(found)[1]]
    a, b, c, d, e, f = (float(number) for number in asset["proj:transform"][:6])
    shape = asset.get("proj:shape")
    return [c, a, b, f, d, e], shape if isinstance(shape, list) and len(shape) == 2 else None


def crs_code(assets: Mapping[str, Any]) -> str | None:
    """Return the code of the coordinate reference system that the data assets state, or None.

    If they differ, it is that of the finest grid, as in `finest_grid`.
    """
    codes: dict[str, list[tuple[float, str]]] = {}
    for key, asset in assets.items():
        if not isinstance(asset, Mapping) or not (asset.get("proj:code") or asset.get("proj:epsg")):
            continue
        if _is_data(asset):
            transform = asset.get("proj:transform")
            size = float("inf")
            if isinstance(transform, list) and len(transform) >= 6:
                size = abs(transform[0]) + abs(transform[1])
            code = asset.get("proj:code") or f"EPSG:{asset['proj:epsg']}"
            codes.setdefault(code, []).append((size, key))
    return min(codes, key=lambda code: min(codes[code])) if codes else None


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


def _file(asset: Mapping[str, Any]) -> dict[str, Any]:
    file: dict[str, Any] = {"href": asset.get("href", "")}
    if "file:size" in asset:
        file["size_bytes"] = asset["file:size"]
    if "file:checksum" in asset:
        file["hash"] = _decode_multihash(asset["file:checksum"])
    # A search reads a hundred thousand assets: one set difference skips the members that all of them have.
    for key in asset.keys() - _STAC_MEMBERS:
        if key[:8] == "catalog:" and (value := asset[key]) is not None:
            file["hash" if key == "catalog:hash" else key[8:]] = value
    return file


def _decode_multihash(checksum: Any) -> Any:
    if isinstance(checksum, str):
        for prefix, length in _LENGTHS.items():
            if len(checksum) == length and checksum.startswith(prefix):
                return checksum[len(prefix) :]
    return checksum


def set_files(assets: dict[str, Any], value: Any) -> None:
    """Write the given files into ``assets``; other assets do not change.

    A file keeps the asset that has its index or its href, including members of other programs. A file's
    ``media_type`` is written and not read back. Raises `InvalidDocument` for a malformed file.
    """
    wanted = list(value or ())
    own = {asset[FILE_INDEX]: key for key, asset in assets.items() if asset.get(FILE_INDEX) is not None}
    replaceable = [key for key, asset in assets.items() if FILE_INDEX in asset] if own else data_keys(assets)
    by_href = {assets[key].get("href"): key for key in replaceable}
    chosen = []
    for index, file in enumerate(wanted):
        if not isinstance(file, Mapping) or not isinstance(href := file.get("href"), str) or not href:
            raise InvalidDocument("files", f"file {index} has no href: {file!r}")
        key = own.get(index) or by_href.get(href)
        chosen.append(key if key in replaceable and key not in chosen else None)
    for key in set(replaceable) - set(chosen):
        del assets[key]
    for index, (file, key) in enumerate(zip(wanted, chosen, strict=True)):
        before = assets[key] if key else {"roles": ["data"]}
        assets[key or _free_key(assets, index, len(wanted))] = _asset(file, index, before)


def _free_key(assets: Iterable[str], index: int, count: int) -> str:
    key = "data" if count == 1 else f"file-{index}"
    while key in assets:
        key = "file-0" if key == "data" else f"{key}-{index}"
    return key


def _asset(file: Mapping[str, Any], index: int, before: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := set(file) - {"href", "size_bytes", "hash", "media_type", *_PROVIDER_MEMBERS}:
        raise InvalidDocument("files", f"file {index} has the unknown member {min(unknown)!r}")
    asset = {key: value for key, value in before.items() if key not in _PROVIDER_MEMBERS.values()}
    if before.get("href") not in (None, file["href"]):
        asset.pop("type", None)
    asset["href"] = file["href"]
    asset[FILE_INDEX] = index
    if file.get("media_type") is not None:
        asset["type"] = file["media_type"]
    asset.pop("file:size", None)
    if file.get("size_bytes") is not None:
        asset["file:size"] = file["size_bytes"]
    set_checksum(asset, file.get("hash"))
    for name, member in _PROVIDER_MEMBERS.items():
        if file.get(name) is not None:
            asset[member] = file[name]
    return asset


def set_checksum(asset: dict[str, Any], digest: Any) -> None:
    """Set an asset's checksum, given as hexadecimal digits; None removes it."""
    asset.pop("file:checksum", None)
    asset.pop("catalog:hash", None)
    if isinstance(digest, str) and len(digest) in _PREFIXES and _HEX(digest):
        asset["file:checksum"] = _PREFIXES[len(digest)] + digest
    elif digest is not None:
        asset["catalog:hash"] = digest


def checksum_of(asset: Mapping[str, Any]) -> Any:
    """Return an asset's checksum in the form that `set_checksum` takes; None if it has no checksum."""
    if asset.get("catalog:hash") is not None:
        return asset["catalog:hash"]
    return _decode_multihash(asset.get("file:checksum"))


def preview_key(assets: Mapping[str, Any]) -> str | None:
    """Return the key of an Item's preview: ``thumbnail``, else the first asset with that role."""
    if "thumbnail" in assets:
        return "thumbnail"
    found = [key for key, asset in assets.items() if "thumbnail" in (asset.get("roles") or ())]
    return min(found, default=None)


def set_preview(assets: dict[str, Any], href: str | None) -> None:
    """Set the href of the preview; None removes the preview."""
    key = preview_key(assets)
    if href is None:
        if key:
            del assets[key]
        return
    before = assets[key] if key else {"title": "Preview", "roles": ["thumbnail"]}
    assets[key or "thumbnail"] = {**before, "href": href}

"""Completion of a product's Collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import external_bands, ids, image, product, times
from landbridge.mappings.assets import FILE_INDEX
from landbridge.mappings.binding import ASSET_KEY
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.extensions import listed
from landbridge.mappings.schema import DEFAULT_URL, is_catalog_document
from landbridge.stac_api.documents.normalize import assets, bands, check, structure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = ["collection"]


def collection(
    document: Mapping[str, Any],
    previous: Mapping[str, Any] | None = None,
    now: str | datetime | None = None,
    principal: Sequence[str] | None = None,
    schema_url: str = DEFAULT_URL,
) -> dict[str, Any]:
    """Return a collection as it is stored.

    Args:
        document: the whole collection to write.
        previous: the stored collection, on an update.
        now: the time of the write; the present by default.
        principal: the subjects that own a new product.
        schema_url: URL of the catalog extension.

    Raises:
        InvalidDocument: if an attribute is missing or invalid.
    """
    check.structure(structure.COLLECTION, document)
    moment, old = times.normalize_or_now(now), _trusted(previous or {})
    done = dict(document)
    is_catalog = is_catalog_document(document)
    if not isinstance(done.get("id"), str) or not done["id"]:
        raise InvalidDocument("id", "is missing; a product has an id")
    if is_catalog and not done.get("title"):
        raise InvalidDocument("name", "is missing; a product has a name")
    if is_catalog and done["title"] != old.get("title") and (why := ids.text_problem(str(done["title"]))):
        raise InvalidDocument("name", f"{done['title']!r} {why}")
    done["type"], done["stac_version"] = "Collection", image.STAC_VERSION
    done["links"] = done.get("links") or []
    done["license"] = done.get("license") or "other"
    product.sync_description(done)
    product.sync_extent(done)
    # The server sets these itself.
    done["created"] = old.get("created") or done.get("created") or moment
    if previous is not None or "updated" not in done:
        done["updated"] = moment
    if principal is not None:
        _default_access(done, principal)
    if "catalog:is_core" not in done:
        done["catalog:is_core"] = False
    check.members("product", done, is_catalog=is_catalog)
    start, end = done.get("catalog:start_datetime"), done.get("catalog:end_datetime")
    check.ordered_pair(start, end, "end_datetime", "start_datetime")
    entries = done["bands"] if "bands" in done else external_bands.entries(done)
    if not isinstance(entries, list):
        raise InvalidDocument("bands", f"{entries!r} is not an array")
    filed = {entry.get("name") for entry in old.get("bands") or () if entry.get(FILE_INDEX) is not None}
    entries = external_bands.bind_entries({**done, "bands": entries}, filed)
    done["bands"] = bands.complete(entries, old.get("bands") or (), moment)
    _set_resolutions(done)
    files = assets.groups(done, filed)
    _set_item_assets(done, files)
    _set_summaries(done, old)
    _set_render(done, old, files)
    done["stac_extensions"] = listed(done, schema_url)
    return done


def _trusted(previous: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the stored collection as far as it is comparable: a bulk load may have stored any value."""
    try:
        check.structure(structure.COLLECTION, previous)
        check.members("product", previous, is_catalog=is_catalog_document(previous))
        for entry in previous.get("bands") or ():
            check.members("band", entry)
    except InvalidDocument:
        created = previous.get("created")
        return {"created": created} if isinstance(created, str) else {}
    return {**previous, "bands": external_bands.bind_entries(previous)} if previous.get("bands") else previous


def _default_access(done: dict[str, Any], principal: Sequence[str]) -> None:
    owners = [subject for subject in principal if subject.startswith(("user:", "org:"))]
    if owners and not done.get("catalog:owners"):
        done["catalog:owners"] = owners
    done.setdefault("catalog:readers", [])
    done.setdefault("catalog:writers", [])


def _set_resolutions(done: dict[str, Any]) -> None:
    sized = [entry for entry in done["bands"] if bands.metres(entry) is not None]
    for member, choose in (("catalog:resolution_min", min), ("catalog:resolution_max", max)):
        for name in (member, f"{member}_native"):
            done.pop(name, None)
        if sized:
            entry = choose(sized, key=lambda entry: bands.metres(entry) or 0)
            done[member] = bands.metres(entry)
            if (native := bands.native_resolution(entry)) is not None:
                done[f"{member}_native"] = native


def _set_item_assets(done: dict[str, Any], files: Mapping[int, list[Mapping[str, Any]]]) -> None:
    present = done.get("item_assets") or {}
    kept = {key: asset for key, asset in present.items() if asset.get(FILE_INDEX) is None}
    before = {asset[FILE_INDEX]: asset for asset in present.values() if asset.get(FILE_INDEX) is not None}
    keys: dict[Any, str] = {}
    for index, entries in files.items():
        key = assets.asset_key(files, index) or ""
        while key in kept:
            key += "_"
        own = {
            "title": assets.title(entries),
            "roles": ["data"],
            **assets.described(entries),
            FILE_INDEX: index,
        }
        kept[key] = {**before.get(index, {}), **own}
        keys[index] = key
    done["bands"] = [
        {**entry, ASSET_KEY: keys[entry[FILE_INDEX]]} if entry.get(FILE_INDEX) in keys else entry
        for entry in done["bands"]
    ]
    if kept or "item_assets" in done:
        done["item_assets"] = kept


def _set_summaries(done: dict[str, Any], old: Mapping[str, Any]) -> None:
    """Add bands and resolutions for readers of STAC 1.0; summaries of other programs stay."""
    summaries = dict(done.get("summaries") or {})
    for member, value in _summaries(done).items():
        stale = _summaries(old).get(member)
        if member not in summaries or summaries[member] == stale:
            summaries[member] = value
            if not value:
                del summaries[member]
    if summaries or "summaries" in done:
        done["summaries"] = summaries


def _summaries(document: Mapping[str, Any]) -> dict[str, Any]:
    entries = [
        entry
        for entry in document.get("bands") or ()
        if entry.get("catalog:type") and entry.get(FILE_INDEX) is not None
    ]
    sizes = {size for entry in entries if (size := bands.metres(entry)) is not None}
    return {"eo:bands": [assets.eo_band(entry) for entry in entries], "gsd": sorted(sizes)}


def _set_render(
    done: dict[str, Any], old: Mapping[str, Any], files: Mapping[int, list[Mapping[str, Any]]]
) -> None:
    """Add the render ``default`` from the default display bands, unless one is given."""
    renders = dict(done.get("renders") or {})
    stale = _render(old, assets.groups(old))
    if "default" in renders and renders["default"] != stale:
        return
    renders.pop("default", None)
    if render := _render(done, files):
        renders["default"] = render
    if renders:
        done["renders"] = renders
    elif stale:
        done.pop("renders", None)


def _render(done: Mapping[str, Any], files: Mapping[int, list[Mapping[str, Any]]]) -> dict[str, Any] | None:
    by_name = {entry.get("name"): entry for entry in done.get("bands") or ()}
    names = done.get("catalog:default_display_bands") or []
    shown = [by_name[name] for name in names if name in by_name]
    if not shown or len(shown) < len(names):
        return None
    keys = [entry.get(ASSET_KEY) or assets.asset_key(files, entry.get(FILE_INDEX, -1)) for entry in shown]
    if None in keys:
        return None
    render: dict[str, Any] = {
        "title": ", ".join(names),
        "assets": list(dict.fromkeys(keys)),
        "bidx": [(entry.get("catalog:band_index") or 0) + 1 for entry in shown],
    }
    ranges = [entry.get("catalog:display_range") for entry in shown]
    if all(ranges):
        render["rescale"] = ranges
    if len(shown) == 1 and (name := shown[0].get("catalog:colormap_name")):
        render["colormap_name"] = name
    return render

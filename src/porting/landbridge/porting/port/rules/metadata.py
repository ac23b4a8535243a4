"""The Metadata service: image searches of the Catalog in place of dicts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Need, Part, Primary
from landbridge.porting.port.old_api import Function, Member, Type
from landbridge.porting.port.rules.common import (
    IMAGE,
    TIMES,
    attribute,
    by_key,
    chain,
    check_ignored,
    keep,
    same_object,
    time_text,
)
from landbridge.porting.port.rules.searches import image_steps, refuse_in_try

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.porting.port.plan import Use

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

_PRODUCT = Need("landbridge.catalog", "Product")

_SEARCH = ("products", "sat_ids", "date", "geom", "start_datetime", "end_datetime", "cloud_fraction")
_MORE = ("cloud_fraction_0", "fill_fraction", "storage_state", "q")
_LAST = ("dltile", "sort_field", "sort_order", "limit", "fields", "batch_size", "const_id", "bbox")
# Names of arguments in the first versions.
_RENAMED: Final = {
    "product": "products", "start_time": "start_datetime", "end_time": "end_datetime", "sat_id": "sat_ids",
}  # fmt: skip


def _given(use: Use) -> dict[str, ast.expr]:
    found = use.arguments(*_SEARCH, *_MORE, *_LAST, *_RENAMED)
    if len(use.call.args) > len(_SEARCH):
        raise Refusal("it has many arguments without names")
    given = {_RENAMED.get(name, name): node for name, node in found.items()}
    check_ignored(use, given, "sat_ids", "cloud_fraction_0", "q", "const_id", "bbox")
    if "date" in given and use.constant(given["date"]) != "acquired":
        raise Refusal("the dates are those of another field")
    return given


def _steps(use: Use, default_limit: int | None) -> list[list[Part]]:
    given = _given(use)
    if "products" not in given:
        raise Refusal("it names no products")
    areas = [name for name in ("geom", "dltile") if not use.is_none(given.get(name))]
    if len(areas) == 2:
        raise Refusal("it has two areas")
    area = areas[0] if areas else "geom"
    if area == "dltile" and isinstance(use.constant(given["dltile"]), str):
        tile: list[Part] = [Need("landbridge.geo", "DLTile"), ".from_key(", given.pop("dltile"), ")"]
        return image_steps(use, given, area, limit=default_limit, area_parts=tile)
    return image_steps(use, given, area, limit=default_limit)


def _search(use: Use) -> None:
    use.replace(*chain(use, [IMAGE, ".search()"], [*_steps(use, 100), [".collect()"]]))


def _features(use: Use) -> None:
    found = chain(use, [IMAGE, ".search()"], _steps(use, None))
    is_loop = isinstance(use.parent, (ast.For, ast.comprehension)) and use.parent.iter is use.node
    use.replace(*found if is_loop else ["iter(", *found, ")"])


def _ids(use: Use) -> None:
    found = chain(use, [IMAGE, ".search()"], _steps(use, 100))
    use.replace("[image.id for image in ", *found, "]")


def _summary(use: Use) -> None:
    given = use.arguments(*_SEARCH, *_MORE, *_LAST, "interval", "pixels")
    check_ignored(use, given, "interval", "pixels")
    steps = _steps(use, None)
    # A summary has no order.
    use.replace(*chain(use, [IMAGE, ".search()"], [*steps[:-1], [".summary()"]]))


def _get(function: list[Part], name: str) -> Callable[[Use], None]:
    """Return the rule of a function that gets one object by its id."""

    def rule(use: Use) -> None:
        given = use.arguments(name)
        refuse_in_try(use)
        use.replace(*function, ".get(", given[name], ")")

    return rule


def _get_by_ids(use: Use) -> None:
    given = use.arguments("ids", "fields", "ignore_not_found")
    check_ignored(use, given, "fields")
    flag: list[Part] = ["True"] if "ignore_not_found" not in given else [given["ignore_not_found"]]
    use.replace(IMAGE, ".get_many(", given["ids"], ", ignore_missing=", *flag, ")")


def _bands(use: Use) -> None:
    given = use.arguments("products")
    if not isinstance(use.constant(given.get("products")), str):
        raise Refusal("it is not for one product")
    use.replace("list(", _PRODUCT, ".get(", given["products"], ").bands())")


def _products(use: Use) -> None:
    use.arguments()
    use.replace("list(", _PRODUCT, ".search())")


def _available(use: Use) -> None:
    use.arguments()
    use.replace("[product.id for product in ", _PRODUCT, ".search()]")


def _raster_size(use: Use) -> None:
    use.replace("[", Primary(use.instance), ".x_pixels, ", Primary(use.instance), ".y_pixels]")


def _band_names(use: Use) -> None:
    use.replace("[band.name for band in ", Primary(use.instance), '.product.bands().sort("sort_order")]')


def _plain(rule: Callable[[Use], None]) -> Member:
    return Member("plain", rule)


_IMAGE_KEYS: Final = {
    **{name: _plain(attribute(name)) for name in (
        "id", "area", "azimuth_angle", "bits_per_pixel", "bright_fraction", "cloud_fraction", "cs_code",
        "fill_fraction", "geotrans", "incidence_angle", "projection", "reflectance_scale", "roll_angle",
        "solar_azimuth_angle", "solar_elevation_angle", "storage_state", "tags", "view_angle",
    )},
    **{name: _plain(time_text(new)) for name, new in TIMES.items()},
    "bands": _plain(_band_names),
    "identifier": _plain(attribute("provider_id")),
    "key": _plain(attribute("id")),
    "product": _plain(attribute("product_id")),
    "raster_size": _plain(_raster_size),
    "sat_id": _plain(attribute("satellite_id")),
}  # fmt: skip
_GEOMETRY = _plain(attribute("__geo_interface__"))


def _record(keys: dict[str, Member], label: str) -> Type:
    return Type({**keys, "get": by_key(keys)}, label=label)


def _method(result: str, rule: Callable[[Use], None], makes: bool = True) -> Member:
    return Member(result, rule, is_method=True, makes=makes)


TYPES: Final = {
    "Metadata": Type(
        {
            "search": _method("FeatureCollection", _search),
            "features": _method("Features", _features),
            "ids": _method("[plain]", _ids, makes=False),
            "summary": _method("Summary", _summary),
            "get": _method("ImageRecord", _get([IMAGE], "image_id")),
            "get_by_ids": _method("[ImageRecord]", _get_by_ids),
            "get_product": _method("ProductRecord", _get([_PRODUCT], "product_id")),
            "products": _method("[ProductRecord]", _products),
            "available_products": _method("[plain]", _available, makes=False),
            "bands": _method("[BandRecord]", _bands),
            "get_band": _method("BandRecord", _get([Need("landbridge.catalog", "Band")], "band_id")),
            **{
                name: Member("plain", None, is_method=True)
                for name in (
                    "derived_bands", "get_bands_by_constellation", "get_bands_by_id", "get_bands_by_product",
                    "get_derived_band", "sources",
                )
            },
        },
        is_client=True,
        label="Metadata",
    ),
    "FeatureCollection": Type({"features": Member("Features", same_object)}, label="the FeatureCollection"),
    "Features": Type(element="Feature", label="the features"),
    "Feature": Type(
        {
            "id": _IMAGE_KEYS["id"],
            "key": _IMAGE_KEYS["id"],
            "geometry": _GEOMETRY,
            "properties": Member("FeatureProperties", same_object),
        },
        label="a feature",
    ),
    "FeatureProperties": _record(_IMAGE_KEYS, "a feature's properties"),
    "ImageRecord": _record({**_IMAGE_KEYS, "geometry": _GEOMETRY}, "an image's metadata"),
    "ProductRecord": _record(
        {
            "id": _plain(attribute("id")),
            "description": _plain(attribute("description")),
            "name": _plain(attribute("name")),
            "title": _plain(attribute("name")),
            "owners": _plain(attribute("owners")),
            "readers": _plain(attribute("readers")),
            "writers": _plain(attribute("writers")),
        },
        "a product's metadata",
    ),
    "BandRecord": _record(
        {
            **{
                name: _plain(attribute(name))
                for name in ("id", "name", "description", "nodata", "data_range", "physical_range")
            },
            "product": _plain(attribute("product_id")),
            "default_range": _plain(attribute("display_range")),
            "data_unit": _plain(attribute("physical_range_unit")),
            "resolution": _plain(attribute("resolution.value")),
        },
        "a band's metadata",
    ),
    "Summary": Type(
        {"count": _plain(attribute("count")), "bytes": _plain(attribute("bytes"))}, label="a summary"
    ),
}  # fmt: skip

FUNCTIONS: Final = {"metadata.Metadata": Function("Metadata", keep)}

CLIENTS: Final = {"metadata": "Metadata"}

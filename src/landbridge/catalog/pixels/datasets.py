"""Rasters of images by `odc.stac.load`, from their Items."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from landbridge.catalog.pixels.array_attributes import describe_array, describe_dataset
from landbridge.catalog.pixels.engine_inputs import address_in_store, bands_of, url_signers
from landbridge.catalog.stac.images import IMAGES
from landbridge.exceptions import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pystac import Item
    from xarray import DataArray, Dataset

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.geo import GeoContext
    from landbridge.raster import Request

__all__ = ["data_array", "dataset", "items_of", "with_grid"]

# Name of the driver that reads by Landbridge's tile reader.
_LANDBRIDGE = "landbridge"
# Arguments of odc.stac.load for the area, and for the grid, of the result.
_AREA = ("geobox", "like", "bbox", "x", "y", "lon", "lat", "geopolygon", "intersects")
_GRID = ("crs", "output_crs", "resolution", "anchor")
# Threads that wait for remote files.
_REMOTE_THREADS = 16


def dataset(images: Sequence[ImageMetadata], bands: Any, options: Mapping[str, Any]) -> Dataset:
    """Return the result of `odc.stac.load` for the Items of images; see `ImageCollection.to_dataset`."""
    try:
        import odc.stac
    except ImportError as error:
        raise ImportError("to_dataset needs dask: install landbridge[dask].") from error
    from landbridge.raster.odc import Driver

    chosen = dict(options)
    driver = chosen.pop("driver", _LANDBRIDGE)
    chosen["driver"] = Driver() if driver == _LANDBRIDGE else driver
    if "patch_url" not in chosen:
        chosen["patch_url"] = url_patcher(images, late=isinstance(chosen["driver"], Driver))
    names = bands.split() if isinstance(bands, str) else bands
    _check_are_stored(images, names or ())
    chosen["stac_cfg"] = _with_known_bands(images, chosen.get("stac_cfg"))
    if chosen.get("chunks") is None:
        chosen.setdefault("pool", _REMOTE_THREADS)
    return describe_dataset(odc.stac.load(items_of(images), names, **chosen), images)


def _computed_bands(image: ImageMetadata) -> dict[str, str | None]:
    """Return the bands of an image's product whose values are not those of its files, with their assets."""
    from landbridge.raster.plan.processing_levels import processing_level_of

    bands, _ = bands_of(image._client, image.product_id).engine
    return {name: band.asset for name, band in bands.items() if processing_level_of(band, None).steps}


def _check_are_stored(images: Sequence[ImageMetadata], names: Sequence[str]) -> None:
    """Raise ValueError for a band that is computed from its file's values, as odc-stac returns those."""
    for image in {image.product_id: image for image in images}.values():
        computed = _computed_bands(image)
        for name in names:
            if name in computed:
                raise ValueError(
                    f"odc-stac cannot load band {name!r} of product {image.product_id!r}, which is computed "
                    f"from the values of asset {computed[name]!r}: load that asset by its key, or read the "
                    "band by ndarray, stack or to_xarray without odc-stac"
                )


def with_grid(
    context: GeoContext | None, given: GeoContext | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return arguments of `odc.stac.load` with the grid of a geocontext, if no other area was asked for.

    `given` is the geocontext that the caller gave, if any; another one is a default.

    Raises:
        ValueError: if there are both a geocontext and another area or grid, or the geocontext is incomplete.
    """
    from landbridge.geo.grids.geobox import output_grid

    named = [name for name in (*_AREA, *_GRID) if options.get(name) is not None]
    if given is not None and named:
        raise ValueError(f"give either a geocontext or {named[0]}, not both")
    if context is None or named:
        return dict(options)
    return {**options, "geobox": output_grid(context)}


def items_of(images: Sequence[ImageMetadata]) -> list[Item]:
    """Return the Items of images as their API has them now, read in batches.

    Raises:
        ValueError: if an image has changes that are not saved.
        NotFoundError: if an image does not exist.
    """
    import pystac

    changed = [image.id for image in images if not image._saved or "files" in image._modified]
    if changed:
        raise ValueError(
            f"Image {changed[0]} has files that are not saved, and odc-stac loads saved images: save it "
            "first, or read it without odc-stac."
        )
    wanted: dict[int, list[ImageMetadata]] = defaultdict(list)
    for image in images:
        wanted[id(image._client)].append(image)
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for client_key, each in wanted.items():
        records = IMAGES.get_many(each[0]._client, list(dict.fromkeys(image.id for image in each)))
        found.update({(client_key, name): record for name, record in records.items()})
    missing = [image.id for image in images if (id(image._client), image.id) not in found]
    if missing:
        raise NotFoundError(f"Image {missing[0]} does not exist.")
    return [pystac.Item.from_dict(found[id(image._client), image.id], preserve_dict=True) for image in images]


def url_patcher(images: Sequence[ImageMetadata], *, late: bool) -> Callable[[str], str]:
    """Return a function from a file's href to the address that odc-stac reads.

    Hrefs are signed now, or with `late` when the file is opened, by Landbridge's driver only. Other
    drivers send neither tokens nor keys of S3, except those that they are configured with.
    """
    from landbridge.raster.io.expiring_url import plain_url
    from landbridge.raster.odc import SignedOnOpen

    places: dict[str, tuple[ImageMetadata, Callable[[str], str] | None]] = {}
    others = None
    for image, sign in zip(images, url_signers(images), strict=True):
        others = others or sign
        for file in image.files or ():
            if file.href:
                places[file.href] = (image, sign)

    def address_of(href: str) -> str:
        image, sign = places.get(href, (images[0], others))
        address = address_in_store(image, href)
        if sign is None or address != href:
            return address
        return SignedOnOpen(href, sign) if late else plain_url(sign(href))

    return address_of


def _with_known_bands(images: Sequence[ImageMetadata], given: Any) -> dict[str, Any]:
    """Return odc-stac's configuration with the names, types and nodata of the products' bands.

    odc-stac uses types and nodata only for assets that do not say their own. What the caller gave wins.
    """
    from landbridge.raster.dtypes import numpy_type

    configuration: dict[str, Any] = {}
    for image in {image.product_id: image for image in images}.values():
        records = bands_of(image._client, image.product_id)
        _, bindings = records.engine
        computed = _computed_bands(image)
        aliases: dict[str, Any] = {}
        kinds: dict[str, set[tuple[Any, Any]]] = defaultdict(set)
        for record in records:
            binding = bindings.bands.get(record.attributes["name"])
            if binding is None or binding.asset is None or binding.file_index is not None:
                # Uploaded files list their bands in the Item.
                continue
            if binding.name in computed:
                continue
            aliases[binding.name] = (binding.asset, binding.index + 1)
            data_type = record.attributes.get("data_type")
            kinds[binding.asset].add(
                (None if data_type is None else str(numpy_type(data_type)), record.attributes.get("nodata"))
            )
        assets = {
            f"{asset}.*": {
                name: value
                for name, value in zip(("data_type", "nodata"), next(iter(found)), strict=True)
                if value is not None
            }
            for asset, found in kinds.items()
            if len(found) == 1
        }
        configuration[image.product_id] = {"assets": assets, "aliases": aliases}
    if given is None:
        return configuration
    if "assets" in given:
        # The form for a single collection.
        given = dict.fromkeys(configuration, given)
    for product_id, own in given.items():
        known = configuration.get(product_id, {})
        configuration[product_id] = {
            **own,
            "assets": {**known.get("assets", {}), **own.get("assets", {})},
            "aliases": {**known.get("aliases", {}), **own.get("aliases", {})},
        }
    return configuration


def data_array(
    images: Sequence[ImageMetadata],
    request: Request,
    groupby: Any,
    chunks: Any,
    nodata: float | None,
    max_workers: int | None,
) -> DataArray:
    """Return images as an array (time, band, y, x) by `odc.stac.load`; see `ImageCollection.to_xarray`.

    Raises:
        ValueError: if the request asks for more than odc-stac does.
    """
    from landbridge.geo.grids.geobox import output_grid
    from landbridge.raster.dtypes import numpy_type
    from landbridge.raster.output.chunks import chunk_shape
    from landbridge.raster.plan.arguments import RESAMPLERS

    refused = {
        "mask_nodata": not request.mask_nodata,
        "mask_alpha": bool(request.mask_alpha),
        "processing_level": request.processing_level is not None,
        "scaling": request.scaling is not None,
        "method": request.method not in ("last", "first"),
    }
    if any(refused.values()):
        raise ValueError(
            f"loader='odc-stac' does not support {' and '.join(name for name in refused if refused[name])}: "
            "leave it out, or leave out `loader`"
        )
    grid = output_grid(request.geocontext)
    options: dict[str, Any] = {
        "geobox": grid,
        "groupby": "id" if groupby is None else groupby,
        "resampling": RESAMPLERS[request.resampler],
        # The first of a group wins: this order makes it the last of the collection, as without odc-stac.
        "preserve_original_order": True,
    }
    ordered = list(images)
    if options["groupby"] != "id" and request.method == "last":
        ordered.reverse()
    if chunks is not None and chunks is not False:
        options["chunks"] = dict(zip(("y", "x"), chunk_shape(chunks, grid), strict=True))
    elif max_workers is not None:
        options["pool"] = max_workers
    if nodata is not None:
        options["nodata"] = nodata
    if request.data_type is not None:
        options["dtype"] = str(numpy_type(request.data_type))
    loaded = dataset(ordered, list(request.bands), options)
    array = loaded.to_dataarray("band").transpose("time", "band", "y", "x")
    fills = {loaded[name].attrs.get("nodata") for name in loaded.data_vars}
    array.attrs = {} if len(fills) != 1 or None in fills else {"nodata": fills.pop()}
    array.encoding["grid_mapping"] = "spatial_ref"
    return describe_array(array, images, request.scaling)

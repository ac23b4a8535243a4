"""Demo with progress messages: upload scenes, search them, compute a mosaic and a monthly stack.

    python examples/demo.py [--data FOLDER] [--size PIXELS] [--output FOLDER]

Everything is done through the public object API, with nothing configured: the embedded stack is started, or
joined if it already runs. A second run uses the images of the first one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.warp import transform_bounds
from tqdm import tqdm

from datasets import DatasetError, from_folder, generated
from landbridge.catalog import (
    CatalogClient,
    Image,
    ImageUploadStatus,
    MaskBand,
    Product,
    Resolution,
    SpectralBand,
)
from landbridge.catalog import properties as p
from landbridge.geo import AOI

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datasets import BandSource, Dataset
    from landbridge.catalog import ImageCollection, ImageUpload

MAX_CLOUD = 0.5
STACK_ZOOM = 4  # the monthly stack has pixels this many times as wide as the scenes'
PICTURE_SIZE = 1400  # longest side of the PNG, in pixels


def main() -> int:
    """Run the demo and return the exit status."""
    options = argparse.ArgumentParser(description="Upload scenes, search them, make a mosaic and a stack.")
    options.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("DEMO_DATA") or None,
        help="folder of GeoTIFFs",
    )
    options.add_argument("--size", type=int, default=1600, help="pixels across a generated scene")
    options.add_argument("--output", type=Path, default=Path("demo"), help="output folder")
    chosen = options.parse_args()

    try:
        dataset = (
            from_folder(chosen.data) if chosen.data else generated(chosen.size, chosen.output / "scenes")
        )
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 1
    chosen.output.mkdir(parents=True, exist_ok=True)

    heading("The stack")
    clock = time.perf_counter()
    product_id = Product.namespace_id(dataset.name)
    Product.exists(product_id)  # the first call starts the stack, or joins it
    api = CatalogClient.get_default_client().private_url.rstrip("/")
    print(f"A STAC API answers at {api} ({time.perf_counter() - clock:.1f} s)")

    product = create_product(product_id, dataset)
    if not upload_images(product, dataset):
        return 1
    images = search(product, dataset)
    frame = common_frame(images, dataset)
    make_mosaic(images, frame, dataset, chosen.output)
    make_stack(images, frame, dataset)
    invite(api, product, dataset)
    return 0


def heading(text: str) -> None:
    print(f"\n== {text}")


def create_product(product_id: str, dataset: Dataset) -> Product:
    """Create the product and its bands, or update the existing ones."""
    heading("A product and its bands")
    product = Product.get_or_create(product_id, name=dataset.title, tags=["demo"])
    product.save()
    resolution = Resolution(value=dataset.resolution, unit=dataset.unit)
    for source in dataset.bands:
        band = band_of(product, source)
        band.resolution = resolution
        band.save()
    print(product)
    print(f"  bands: {', '.join(band.name for band in product.bands())}")
    return product


def band_of(product: Product, source: BandSource) -> SpectralBand | MaskBand:
    """Return the band as the source describes it, new or from the catalog; it is not saved."""
    place: Any = {
        "data_type": source.data_type,
        "file_index": source.file_index,
        "band_index": source.band_index,
    }
    if source.is_alpha:
        return MaskBand.get_or_create(product.named_id(source.name), is_alpha=True, **place)
    band = SpectralBand.get_or_create(product.named_id(source.name), **place)
    band.nodata = source.nodata
    band.data_range = source.data_range
    band.display_range = source.display_range
    if source.wavelengths:
        band.wavelength_nm_min, band.wavelength_nm_max = source.wavelengths
    return band


def upload_images(product: Product, dataset: Dataset) -> bool:
    """Upload the missing images. Return True if all of them exist afterwards."""
    heading("Images")
    there = {image.name for image in product.images()}
    missing = [source for source in dataset.images if source.name not in there]
    if not missing:
        print(f"All {len(dataset.images)} are there already.")
        return True
    uploads: list[ImageUpload] = []
    for source in tqdm(missing, desc="uploading ", unit="image"):
        image = Image(product=product, name=source.name, acquired=source.acquired)
        if source.cloud_fraction is not None:
            image.cloud_fraction = source.cloud_fraction
        uploads.append(image.upload([str(path) for path in source.files()]))
    for upload in tqdm(uploads, desc="processing", unit="image"):
        upload.wait_for_completion()
    failed = [upload for upload in uploads if upload.status != ImageUploadStatus.SUCCESS]
    for upload in failed:
        reasons = [
            event.message for event in upload.events or () if event.severity == "ERROR" and event.message
        ]
        print(f"{upload.image_id}: {upload.status}: {'; '.join(reasons)}", file=sys.stderr)
    print(f"{len(uploads) - len(failed)} images uploaded.")
    return not failed


def search(product: Product, dataset: Dataset) -> ImageCollection:
    """Find the images of the data set's years that are not too cloudy, oldest first."""
    heading("A search")
    first = min(source.acquired.year for source in dataset.images)
    last = max(source.acquired.year for source in dataset.images)
    found = product.images().filter(f"{first}-01-01" <= p.acquired < f"{last + 1}-01-01")
    # An image without a cloud fraction matches no comparison with it. Include such images.
    found = found.filter((p.cloud_fraction < MAX_CLOUD) | p.cloud_fraction.isnull)
    print(f'"{first}-01-01" <= p.acquired < "{last + 1}-01-01" and cloud_fraction < {MAX_CLOUD} or unknown:')
    print(f"{found.count()} of {product.images().count()} images")
    images = found.sort("acquired").collect().sorted("acquired", "name")
    print(images)
    for image in images:
        clouds = "" if image.cloud_fraction is None else f", {image.cloud_fraction:.0%} cloud"
        print(f"    {image.name}  {image.acquired:%d %b %Y}  {image.cs_code}{clouds}")
    return images


def common_frame(images: ImageCollection, dataset: Dataset) -> AOI:
    """Return the smallest frame around all images, in the coordinate system of most and on its pixel grid."""
    contexts = [image.geocontext for image in images]
    crs = Counter(context.crs for context in contexts).most_common(1)[0][0]
    boxes = np.array([transform_bounds(c.bounds_crs, crs, *c.bounds) for c in contexts if c.bounds])
    # On the grid of the images in this coordinate system, pixels are not resampled.
    corner = next(c.bounds[:2] for c in contexts if c.bounds and c.crs == crs)
    step = dataset.resolution
    low = np.floor((boxes[:, :2].min(axis=0) - corner) / step + 1e-6) * step + corner
    high = np.ceil((boxes[:, 2:].max(axis=0) - corner) / step - 1e-6) * step + corner
    bounds = (*low.tolist(), *high.tolist())
    return AOI(bounds=bounds, bounds_crs=crs, crs=crs, resolution=step, align_pixels=False)


def make_mosaic(images: ImageCollection, frame: AOI, dataset: Dataset, output: Path) -> None:
    """Write the mosaic, later images over earlier ones, as a GeoTIFF and as a picture."""
    heading("A mosaic")
    clock = time.perf_counter()
    bands = dataset.display_bands
    tif, png = output / "mosaic.tif", output / "mosaic.png"
    images.download_mosaic(bands, frame, dest=tif, nodata=next(b.nodata or 0 for b in dataset.bands))
    with rasterio.open(tif) as file:
        pixels = file.read(masked=True)
    seconds = time.perf_counter() - clock
    seen = 1 - np.ma.getmaskarray(pixels).any(axis=0).mean()
    print(f"{' '.join(bands)}: {pixels.shape} {pixels.dtype}, {seen:.0%} of the frame seen, {seconds:.1f} s")
    write_picture(pixels, png)
    print(f"  {tif}\n  {png}")


def make_stack(images: ImageCollection, frame: AOI, dataset: Dataset) -> None:
    """Stack one mosaic per month."""
    heading("A stack, one layer per month")
    clock = time.perf_counter()
    resolution = dataset.resolution * STACK_ZOOM
    stack = images.stack(
        dataset.display_bands, frame, resolution=resolution, flatten=lambda i: i.acquired.month
    )
    print(
        f"{stack.shape} {stack.dtype} at {resolution:g} {dataset.unit}, {time.perf_counter() - clock:.1f} s"
    )
    for (month, group), layer in zip(images.groupby(lambda i: i.acquired.month), stack, strict=True):
        seen = 1 - np.ma.getmaskarray(layer).any(axis=0).mean()
        print(f"    month {month:02}: {len(group)} images, {seen:.0%} of the frame seen")


def write_picture(pixels: np.ma.MaskedArray[Any, Any], path: Path) -> None:
    """Write (band, y, x) pixels as a PNG, stretched for display; masked pixels are transparent."""
    shrink = -(-max(pixels.shape[1:]) // PICTURE_SIZE)
    rows, columns = (size // shrink for size in pixels.shape[1:])
    valid = np.asarray(~np.ma.getmaskarray(pixels).any(axis=0))

    def blocks(layer: NDArray[Any]) -> NDArray[np.float32]:
        """Return the mean over blocks of `shrink` by `shrink` pixels."""
        cut = layer[: rows * shrink, : columns * shrink].reshape(rows, shrink, columns, shrink)
        return np.asarray(cut.mean(axis=(1, 3)), np.float32)

    weight = blocks(valid)
    colors = np.stack([blocks(np.where(valid, layer, 0)) for layer in pixels.data]) / np.maximum(weight, 1e-6)
    seen = colors[:, weight > 0] if weight.any() else np.zeros((len(pixels), 1))
    # Haze raises the minimum of each band separately; one range width for all keeps the colors.
    low, high = np.percentile(seen, (0.5, 99), axis=1)
    span = max((high - low).max(), 1e-6)
    picture = np.zeros((len(pixels) + 1, rows, columns), np.uint8)
    picture[:-1] = np.clip((colors - low[:, None, None]) / span, 0, 1) ** 0.8 * 255
    picture[-1] = weight * 255
    profile = {"driver": "PNG", "width": columns, "height": rows, "count": len(picture), "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture has no place on Earth
        with rasterio.open(path, "w", **profile) as file:
            file.write(picture)


def invite(api: str, product: Product, dataset: Dataset) -> None:
    """Print example requests to the STAC API."""
    heading("Your turn")
    cloudy = any(source.cloud_fraction is not None for source in dataset.images)
    clear = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 100 * MAX_CLOUD]}
    recent = {"op": ">=", "args": [{"property": "datetime"}, {"timestamp": "2000-01-01T00:00:00Z"}]}
    query = {
        "collections": [product.id],
        "filter-lang": "cql2-json",
        "filter": clear if cloudy else recent,
        "sortby": [{"field": "datetime", "direction": "desc"}],
        "limit": 3,
    }
    print(f"The STAC API: {api}")
    print("A search with a CQL2 filter, from any shell:\n")
    print(f"curl -s {api}/search -H 'Content-Type: application/json' -d '{json.dumps(query)}'")


if __name__ == "__main__":
    sys.exit(main())

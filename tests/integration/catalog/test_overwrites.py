"""Images that are overwritten or deleted while others read them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pytest
import rasterio

from conftest import LONG
from landbridge.catalog import Image, ImageCollection, Product, SpectralBand
from landbridge.exceptions import NotFoundError
from landbridge.raster import RasterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from landbridge.stac_api.assets.store import AssetStore

SHAPE = (2, 40, 60)
READS = 5_000 if LONG else 150
READERS, OVERWRITES = 3, 5


def of(value: int) -> np.ndarray:
    return np.full(SHAPE, value, "uint16")


@pytest.fixture
def overwrite(uploaded: Callable[..., Image]) -> Callable[..., Image]:
    """Upload an array as an image, which may exist already."""

    def replace(product: Product, name: str, array: Any) -> Image:
        image = Image(product=product, name=name, acquired="2020-01-01", cs_code="EPSG:32621")
        image.geotrans = (600000, 30, 0, 7000000, 0, -30)
        upload = image.upload_ndarray(array, overwrite=True)
        upload.wait_for_completion(timeout=60)
        assert upload.status == "success", upload.events
        return image

    return replace


@pytest.fixture
def lose(objects: AssetStore) -> Callable[[Image], None]:
    """Delete the files of an image from the store, as the service does some time after an overwrite."""

    def delete(image: Image) -> None:
        prefix = f"{image._client.url}/assets/"
        paths = [unquote(file.href.removeprefix(prefix)) for file in image.files]
        asyncio.run(objects.delete(*paths))

    return delete


@pytest.fixture
def split(product: Product) -> Product:
    """Return a product whose images have one file per band."""
    for index, name in enumerate(("red", "nir")):
        SpectralBand(
            name=name, product=product, data_type="UInt16", file_index=index, band_index=0,
            data_range=(0, 10000), display_range=(0, 4000),
        ).save()  # fmt: skip
    return product


def readings(image: Image, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return the functions that read the pixels of an image: (band, y, x)."""
    several, context = ImageCollection([image]), image.geocontext

    def downloaded(path: Any) -> np.ndarray:
        with rasterio.open(path) as file:
            return file.read()

    return {
        "ndarray": lambda: image.ndarray("red nir"),
        "mosaic": lambda: several.mosaic("red nir", context),
        "stack": lambda: several.stack("red nir", context)[0],
        "download": lambda: downloaded(image.download("red nir", dest=folder / "one.tif")),
        "download_mosaic": lambda: downloaded(
            several.download_mosaic("red nir", context, dest=folder / "all.tif")
        ),
        "to_xarray": lambda: several.to_xarray("red nir", context, chunks=None).values[0],
    }


def test_the_files_of_an_overwritten_image_can_be_read_as_long_as_a_signed_url(
    banded: Product, overwrite: Callable[..., Image], tmp_path: Path
) -> None:
    overwrite(banded, "i", of(1))
    held = banded.get_image("i")
    overwrite(banded, "i", of(2))
    for name, read in readings(held, tmp_path).items():
        assert np.asarray(read()).max() == 1, name
    assert banded.get_image("i").ndarray("red nir").min() == 2


@pytest.mark.parametrize("layout", ["banded", "split"])
def test_a_client_whose_files_were_deleted_reads_the_new_files(
    layout: str,
    request: pytest.FixtureRequest,
    overwrite: Callable[..., Image],
    lose: Callable[[Image], None],
    tmp_path: Path,
) -> None:
    product = request.getfixturevalue(layout)
    arrays = (lambda value: list(of(value))) if layout == "split" else of
    overwrite(product, "i", arrays(1))
    held = product.get_image("i")
    overwrite(product, "i", arrays(2))
    lose(held)
    for name, read in readings(held, tmp_path).items():
        pixels = np.ma.asarray(read())
        assert not np.ma.is_masked(pixels), name
        assert (pixels == 2).all(), name


def test_all_overwritten_images_of_a_mosaic_and_a_stack_are_read_again(
    banded: Product, overwrite: Callable[..., Image], lose: Callable[[Image], None]
) -> None:
    for number in range(4):
        overwrite(banded, f"i{number}", of(number + 1))
    held = banded.images().sort("name").collect()
    for number in (0, 2, 3):
        old = banded.get_image(f"i{number}")
        overwrite(banded, f"i{number}", of(number + 11))
        lose(old)
    context = held[0].geocontext
    assert (held.mosaic("red", context) == 14).all()
    assert held.stack("red", context)[:, 0, 0, 0].tolist() == [11, 2, 13, 14]


def test_a_lazy_array_of_deleted_files_raises(
    banded: Product, overwrite: Callable[..., Image], lose: Callable[[Image], None]
) -> None:
    overwrite(banded, "i", of(1))
    held = banded.images().collect()
    chunks = {"y": 16, "x": 16}
    early, late = (held.to_xarray("red nir", held[0].geocontext, chunks=chunks) for _ in range(2))
    overwrite(banded, "i", of(2))
    assert np.asarray(early).max() == 1
    lose(held[0])
    with pytest.raises(RasterError, match=r"image '.*:i'.*overwritten or deleted"):
        np.asarray(late)


def test_an_image_deleted_while_it_is_read_does_not_exist(
    banded: Product, overwrite: Callable[..., Image], tmp_path: Path
) -> None:
    overwrite(banded, "i", of(1))
    held = banded.get_image("i")
    banded.get_image("i").delete()
    for read in readings(held, tmp_path).values():
        with pytest.raises(NotFoundError, match=f"Image {held.id} does not exist"):
            read()


def test_attributes_set_by_the_user_are_not_replaced_by_the_service(
    banded: Product, overwrite: Callable[..., Image], lose: Callable[[Image], None]
) -> None:
    overwrite(banded, "i", of(1))
    held = banded.get_image("i")
    overwrite(banded, "i", of(2))
    lose(held)
    held.cloud_fraction = 0.5
    with pytest.raises(RasterError, match="overwritten or deleted"):
        held.ndarray("red nir")
    assert held.cloud_fraction == 0.5
    assert (banded.get_image("i").ndarray("red nir") == 2).all()


@pytest.mark.parametrize("layout", ["banded", "split"])
def test_readers_beside_a_writer_see_one_image_and_no_error(
    layout: str, request: pytest.FixtureRequest, overwrite: Callable[..., Image]
) -> None:
    """Each version has one value in all pixels and bands; a read that mixed versions would have two."""
    product = request.getfixturevalue(layout)
    arrays = (lambda value: list(of(value))) if layout == "split" else of
    overwrite(product, "i", arrays(1))
    done, failures, seen, versions = threading.Event(), [], [], set()

    def write() -> None:
        value = 1
        while not done.is_set():
            value += 1
            overwrite(product, "i", arrays(value))

    def read() -> None:
        number = 0
        while writer.is_alive() and not failures:
            if len(versions) >= OVERWRITES and len(seen) >= READS // 2:
                return
            if number % 10 == 0:
                held = product.get_image("i")
            number += 1
            try:
                pixels = held.ndarray("red nir")
                assert pixels.shape == SHAPE
                assert not np.ma.is_masked(pixels)
                assert pixels.min() == pixels.max(), "one read has pixels of two versions"
                seen.append(int(pixels.max()))
                versions.add(seen[-1])
            except BaseException as error:  # noqa: BLE001 - the test reports it
                failures.append(error)

    writer = threading.Thread(target=write)
    readers = [threading.Thread(target=read) for _ in range(READERS)]
    writer.start()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    done.set()
    writer.join()
    assert not failures, failures[0]
    assert len(seen) >= READS // 2
    assert len(versions) >= OVERWRITES, "too little was overwritten meanwhile"

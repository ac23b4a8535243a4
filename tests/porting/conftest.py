"""Products on the live stack that tests of the old services share and do not change."""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from landbridge.catalog import CatalogClient, ClassBand, Image, MaskBand, Product, SpectralBand

CRS = "EPSG:32612"
LEFT, TOP, PIXEL = 759920.0, 4310700.0, 30.0
ROWS, COLUMNS = 40, 50
BANDS = ("red", "green", "blue", "nir")


class Fields(NamedTuple):
    """A product with three images of one grid, and its pixels by the name of the image."""

    id: str
    pixels: dict[str, np.ndarray]

    def image(self, name: str) -> str:
        return f"{self.id}:{name}"

    @property
    def images(self) -> list[str]:
        return [self.image(name) for name in self.pixels]


@pytest.fixture(scope="session")
def service(stack: Any) -> Iterator[CatalogClient]:
    """The default client, which finds the running stack by its state file."""
    CatalogClient.clear_all_default_clients()
    made = CatalogClient.get_default_client()
    yield made
    made.close()
    CatalogClient.clear_all_default_clients()


def new_id(start: str) -> str:
    return f"{start}-{uuid.uuid4().hex[:8]}"


def upload(product: Product, name: str, pixels: np.ndarray, **attributes: Any) -> Image:
    image = Image(product=product, name=name, cs_code=CRS, **attributes)
    image.geotrans = image.geotrans or (LEFT, PIXEL, 0, TOP, 0, -PIXEL)
    upload = image.upload_ndarray(pixels)
    upload.wait_for_completion(timeout=120)
    assert upload.status == "success", upload.events
    return image


@pytest.fixture(scope="session")
def fields(service: CatalogClient) -> Fields:
    """Bands of UInt16 with nodata 0. The last image has no data in its first 10 rows."""
    product = Product(id=new_id("old-fields"), name="Fields", description="Fields of the tests")
    product.save()
    for index, name in enumerate(BANDS):
        SpectralBand(
            product=product, name=name, band_index=index, data_type="UInt16", nodata=0, resolution="30m",
            data_range=(0, 10000), display_range=(0, 4000), physical_range=(0, 1),
            wavelength_nm_min=400 + 100 * index, wavelength_nm_max=490 + 100 * index,
        ).save()  # fmt: skip
    pixels = {}
    for number, (name, month, clouds) in enumerate(
        [("january", 1, 0.1), ("april", 4, 0.5), ("july", 7, 0.2)], start=1
    ):
        y, x = np.mgrid[:ROWS, :COLUMNS]
        array = np.stack([1000 * number + 100 * band + y + 2 * x for band in range(4)]).astype("uint16")
        if name == "july":
            array[:, :10] = 0
        pixels[name] = array
        upload(
            product, name, array, acquired=f"2024-{month:02}-15T10:00:00.5Z", cloud_fraction=clouds,
            satellite_id="SAT_1" if number < 3 else "SAT_2", tags=["docs"],
            **({"alt_cloud_fraction": 0.9} if name == "july" else {}),
        )  # fmt: skip
    return Fields(product.id, pixels)


@pytest.fixture(scope="session")
def masked(service: CatalogClient) -> Fields:
    """Bands class, alpha and red of Byte, in this order: the later image is transparent on its left half."""
    product = Product(id=new_id("old-masked"), name="With alpha")
    product.save()
    ClassBand(
        product=product, name="class", band_index=0, data_type="Byte", data_range=(0, 255),
        display_range=(0, 10), resolution="30m",
    ).save()  # fmt: skip
    MaskBand(product=product, name="alpha", band_index=1, data_type="Byte", is_alpha=True).save()
    SpectralBand(
        product=product, name="red", band_index=2, data_type="Byte", data_range=(0, 255),
        display_range=(0, 255),
        resolution="30m",
    ).save()  # fmt: skip
    below = np.stack([np.full((ROWS, COLUMNS), value, "uint8") for value in (3, 1, 100)])
    above = np.stack([np.full((ROWS, COLUMNS), value, "uint8") for value in (7, 1, 200)])
    above[1, :, :25] = 0
    upload(product, "below", below, acquired="2023-01-01")
    upload(product, "above", above, acquired="2023-02-01")
    return Fields(product.id, {"below": below, "above": above})

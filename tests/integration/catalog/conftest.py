"""Fixtures on the live stack: each test makes its own products through the object API."""

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from landbridge.catalog import (
    CatalogClient,
    GenericBand,
    Image,
    ImageCollection,
    MaskBand,
    Product,
    SpectralBand,
)
from landbridge.geo import AOI
from landbridge.stac_api.assets.store import AssetStore

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def client(stack: Any) -> Iterator[CatalogClient]:
    """Return the default client, which finds the running stack by its state file."""
    CatalogClient.clear_all_default_clients()
    made = CatalogClient.get_default_client()
    yield made
    made.close()
    CatalogClient.clear_all_default_clients()


def _new_id() -> str:
    return f"objects-{next(_numbers)}-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def new_id() -> Callable[[], str]:
    return _new_id


def new_product(*bands: str) -> Product:
    """Save a product with bands of 30 m and nodata 0."""
    made = Product(id=_new_id(), name="A product of tests")
    made.save()
    add_bands(made, bands)
    return made


@pytest.fixture
def product() -> Product:
    """A saved product without bands."""
    return new_product()


def add_bands(product: Product, names: Sequence[str]) -> None:
    """Save bands of 30 m and nodata 0 for a product, in the order of the file's bands."""
    for index, name in enumerate(names):
        SpectralBand(
            name=name,
            product=product,
            data_type="UInt16",
            band_index=index,
            data_range=(0, 10000),
            display_range=(0, 4000),
            nodata=0,
            resolution="30m",
        ).save()


@pytest.fixture
def add_value_band(product: Product) -> Callable[..., Product]:
    """Save one integer band v for a product and return the product."""

    def make(**attributes: Any) -> Product:
        GenericBand(
            name="v",
            product=product,
            data_type="UInt16",
            band_index=0,
            data_range=(0, 65535),
            display_range=(0, 65535),
            nodata=0,
            **attributes,
        ).save()
        return product

    return make


@pytest.fixture
def banded(product: Product) -> Product:
    """A product with the bands red and nir, of 30 m, nodata 0."""
    add_bands(product, ("red", "nir"))
    return product


@pytest.fixture
def masked(banded: Product) -> Product:
    """The banded product with an alpha band."""
    MaskBand(
        name="alpha", product=banded, data_type="UInt16", band_index=2, is_alpha=True, resolution="30m"
    ).save()
    return banded


@pytest.fixture
def objects(stack: Any) -> AssetStore:
    """Return the store of the running stack."""
    return AssetStore(stack.store.as_uri())


SHAPE = (40, 60)
GRID = {"cs_code": "EPSG:32621", "geotrans": (600000, 30, 0, 7000000, 0, -30)}


def upload_array(product: Product, name: str, array: np.ndarray, **attributes: Any) -> Image:
    """Upload an array as an image of a product, and wait for it."""
    image = Image(product=product, name=name, **{"acquired": "2020-01-01", **GRID, **attributes})
    upload = image.upload_ndarray(array)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    return image


@pytest.fixture
def uploaded() -> Callable[..., Image]:
    return upload_array


def _new_pair() -> Product:
    banded = new_product("red", "nir")
    first = np.full((2, *SHAPE), 100, "uint16")
    first[1] = 200
    later = np.full((2, *SHAPE), 1000, "uint16")
    later[1] = 2000
    later[:, :10] = 0
    upload_array(banded, "early", first, acquired="2020-01-05")
    upload_array(
        banded, "later", later, acquired="2020-02-05", geotrans=(600000 + 20 * 30, 30, 0, 7000000, 0, -30)
    )
    return banded


@pytest.fixture
def pair() -> Product:
    """Two overlapping images: the later one 20 columns to the east, with a fringe of 10 rows of nodata."""
    return _new_pair()


@pytest.fixture(scope="module")
def pair_of_module(stack: Any) -> str:
    """The id of a product like `pair` that tests of a module share and do not change: uploads take long."""
    return _new_pair().id


@pytest.fixture
def images(pair_of_module: str) -> ImageCollection:
    """The images of `pair_of_module`."""
    return Product.get(pair_of_module).images().sort("acquired").collect()


@pytest.fixture
def frame() -> AOI:
    """Both images, on their own grid."""
    return AOI(
        crs="EPSG:32621",
        bounds=(600000, 7000000 - 40 * 30, 600000 + 80 * 30, 7000000),
        bounds_crs="EPSG:32621",
        resolution=30,
        align_pixels=False,
    )


@pytest.fixture
def remote() -> Callable[..., Image]:
    """Save an image without data."""

    def save(product: Product, name: str, x: float = 0, y: float = 0, **attributes: Any) -> Image:
        ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
        image = Image(
            product=product,
            name=name,
            storage_state="remote",
            geometry={"type": "Polygon", "coordinates": [ring]},
            **{"acquired": "2020-01-01", **attributes},
        )
        image.save()
        return image

    return save


@pytest.fixture
def product_of(new_id: Callable[[], str]) -> Callable[..., Product]:
    """Save a product with bands of one file, in order; a band of the name alpha is a MaskBand."""

    def make(*names: str, **attributes: Any) -> Product:
        made = Product(id=new_id(), name="A product of tests")
        made.save()
        for index, name in enumerate(names):
            if name == "alpha":
                band = MaskBand(name=name, product=made, data_type="UInt16", band_index=index)
            else:
                band = SpectralBand(
                    name=name,
                    product=made,
                    band_index=index,
                    data_range=(0, 10000),
                    display_range=(0, 4000),
                    **{"data_type": "UInt16", "nodata": 0, **attributes},
                )
            band.save()
        return made

    return make

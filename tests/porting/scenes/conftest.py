"""A product of three bands with four images on two days and in two UTM zones."""

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin

from landbridge.catalog import CatalogClient, Image, Product, SpectralBand

# Name, day and hour, clouds, zone, level of the pixels
IMAGES = (
    ("first", "2019-06-03T17:00:00Z", 0.1, 15, 100),
    ("second", "2019-06-03T17:05:00Z", 0.5, 15, 200),
    ("third", "2019-06-08T17:00:00Z", 0.05, 15, 300),
    ("neighbor", "2019-06-08T17:01:00Z", 0.3, 16, 400),
)
BANDS = ("red", "green", "nir")
SIDE = 60
LON, LAT = -90.0, 40.0  # between the zones 15 and 16


def write(path, zone, level, empty_rows):
    """Write three bands of 60 by 60 pixels of 20 m around the point, the first rows without data."""
    x, y = Transformer.from_crs(4326, 32600 + zone, always_xy=True).transform(LON, LAT)
    left, top = round(x / 20) * 20 - SIDE * 10, round(y / 20) * 20 + SIDE * 10
    pixels = np.stack([np.full((SIDE, SIDE), level + index, "uint16") for index in range(len(BANDS))])
    pixels[:, :empty_rows] = 0
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": len(BANDS), "dtype": "uint16"}
    place = {"nodata": 0, "crs": f"EPSG:{32600 + zone}", "transform": from_origin(left, top, 20, 20)}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(pixels)


@pytest.fixture(scope="package")
def product(stack, tmp_path_factory):
    """Id of the saved product with all images."""
    folder = tmp_path_factory.mktemp("scenes")
    CatalogClient.clear_all_default_clients()
    product = Product(id="old-scenes", name="Scenes")
    product.save()
    for index, name in enumerate(BANDS):
        SpectralBand(
            product=product, name=name, band_index=index, data_type="UInt16", nodata=0,
            data_range=(0, 10000), display_range=(0, 4000), resolution="20m", wavelength_nm_center=600,
        ).save()  # fmt: skip
    uploads = []
    for name, acquired, clouds, zone, level in IMAGES:
        path = folder / f"{name}.tif"
        write(path, zone, level, empty_rows=30 if name == "second" else 0)
        image = Image(product=product, name=name, acquired=acquired, cloud_fraction=clouds)
        image.satellite_id = "S2A" if zone == 15 else "S2B"
        uploads.append(image.upload(str(path)))
    for upload in uploads:
        upload.wait_for_completion(timeout=120)
        assert upload.status == "success", upload.events
    yield product.id
    deletion = product.delete_related_objects()
    if deletion is not None:
        deletion.wait_for_completion(timeout=60)
    product.delete()
    CatalogClient.clear_all_default_clients()


@pytest.fixture(scope="session")
def area():
    """GeoJSON of an area inside all images."""
    west, east, south, north = LON - 0.003, LON + 0.003, LAT - 0.002, LAT + 0.002
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}

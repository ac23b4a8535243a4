"""The area of a collection without a geocontext: that of all its images at the finest resolution."""

import pytest
import shapely
from pyproj import Transformer

from landbridge.catalog import SpectralBand
from landbridge.catalog.pixels.union_geocontext import union_geocontext
from landbridge.catalog.stac.bands import BandRecord

UTM = "EPSG:32612"


@pytest.fixture
def bands(client):
    """Bands of 60 and of 30 m."""
    records = [
        BandRecord({"name": size, **SpectralBand(resolution=size).serialize()}, {}) for size in ("60m", "30m")
    ]
    client.cached_bands("local:p", lambda _: records)


@pytest.fixture
def image(saved_image, bands):
    """Make an image of 100 by 200 pixels of 30 m whose upper left corner is at (x, y)."""

    def make(x, y, **attributes):
        known = {"cs_code": UTM, "geotrans": [x, 30, 0, y, 0, -30], "x_pixels": 200, "y_pixels": 100}
        return saved_image(**{**known, **attributes})

    return make


def union(*args, match="No geocontext was given", **kwargs):
    with pytest.warns(UserWarning, match=match) as caught:
        area = union_geocontext(*args, **kwargs)
    assert caught[0].filename == __file__
    return area


def test_the_union_of_one_image_is_its_own_grid(image):
    area = union(
        [image(500_010, 4_300_020)], match=r"that of the 1 image: 100 by 200 pixels of 30 in EPSG:32612"
    )
    assert area.geobox.shape == (100, 200)
    assert tuple(area.geobox.transform)[:6] == (30, 0, 500_010, 0, -30, 4_300_020)


def test_the_union_holds_all_images_on_their_grid(image):
    images = [image(500_010, 4_300_020), image(500_010 + 9_000, 4_300_020 + 6_000)]
    area = union(images, match="2 images: 300 by 500 pixels")
    assert area.bounds == (500_010, 4_297_020, 515_010, 4_306_020)
    assert tuple(area.geobox.transform)[:6] == (30, 0, 500_010, 0, -30, 4_306_020)


def test_an_image_in_another_system_counts_by_its_footprint(image):
    other = image(
        500_010,
        4_300_020,
        cs_code="EPSG:32613",
        geometry=shapely.box(-111, 38.8, -110.9, 38.9).__geo_interface__,
    )
    images = [image(500_010, 4_300_020), image(500_010, 4_300_020), other]
    area = union(images)
    assert area.crs == UTM
    transformer = Transformer.from_crs("EPSG:4326", UTM, always_xy=True)
    footprint = transformer.transform_bounds(-111, 38.8, -110.9, 38.9, densify_pts=100)
    assert area.bounds[:2] == pytest.approx(footprint[:2], abs=1)
    assert area.bounds[2:] == pytest.approx(footprint[2:], abs=1)


def test_a_resolution_and_a_crs_of_ones_own_are_taken(image):
    images = [image(500_010, 4_300_020, geometry=shapely.box(-111, 38.8, -110.9, 38.9).__geo_interface__)]
    coarse = union(images, resolution=60)
    assert coarse.resolution == 60
    assert coarse.geobox.shape[0] in (50, 51)
    degrees = union(images, crs="EPSG:4326", resolution=0.001)
    assert degrees.bounds == pytest.approx((-111, 38.8, -110.9, 38.9))
    assert degrees.geobox.shape == (100, 100)


def test_images_on_both_sides_of_the_antimeridian_have_a_narrow_union(image):
    def at(west):
        footprint = shapely.box(west, 0, west + 1, 1).__geo_interface__
        return image(
            0, 0, cs_code="EPSG:4326", geotrans=None, x_pixels=None, y_pixels=None, geometry=footprint
        )

    area = union([at(178), at(-179)])
    assert area.bounds[0] == 178
    assert area.bounds[2] == pytest.approx(182)


def test_an_area_of_too_many_pixels_is_refused_with_its_size(image):
    images = [image(500_010, 4_300_020), image(500_010, 4_300_020 + 3_000_000)]
    with pytest.raises(
        ValueError, match="3 images together cover 100,100 by 20,200 pixels of 30 in EPSG:32612"
    ) as error:
        union_geocontext([*images, image(500_010 + 600_000, 4_300_020)])
    assert "Give a geocontext" in str(error.value)


def test_a_coarser_resolution_that_the_error_names_is_enough(image):
    images = [image(500_010, 4_300_020), image(1_100_010, 7_300_020)]
    with pytest.raises(ValueError, match="too many for a default") as error:
        union_geocontext(images)
    resolution = float(str(error.value).rpartition("from ")[2].rstrip("."))
    union(images, resolution=resolution * 1.01)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"cs_code": None, "geotrans": None}, "states no reference system. Give a geocontext, or a crs"),
        ({"geotrans": None, "geometry": None}, "has no geometry. Give a geocontext"),
    ],
)
def test_an_image_without_a_place_is_an_error_that_says_what_to_give(image, attributes, message):
    found = image(0, 0)
    for name, value in attributes.items():
        found._service = {**found._service_values(), name: value}
    with pytest.raises(ValueError, match=message):
        union_geocontext([found])


def test_bands_without_a_resolution_need_one(saved_image, client):
    client.cached_bands("local:none", lambda _: [])
    image = saved_image(
        id="local:none:i", product_id="local:none", cs_code=UTM, geotrans=[0, 30, 0, 9_000, 0, -30],
        x_pixels=10, y_pixels=10,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"have no resolution\. Give a resolution"):
        union_geocontext([image])
    assert union([image], resolution=30).geobox.shape == (10, 10)

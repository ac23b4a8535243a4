"""Cells of the matrix of sources: each is a function of a `Site` that fails if the library is wrong there."""

import pickle
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pystac
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.catalog import Image, ImageCollection, Product
from landbridge.catalog import properties as p
from landbridge.catalog.pixels.engine_inputs import sources
from sources import oracle
from sources.columns import RGB, area
from support.lazy_import import LazyModule
from support.replay.grids import transform_of

odc_stac = LazyModule("odc.stac")

CELLS = {}
_DATA_TYPES = {
    "uint8": "Byte",
    "uint16": "UInt16",
    "int16": "Int16",
    "float32": "Float32",
}


def cell(function):
    """Register a cell; its name is the function's, with spaces."""
    CELLS[function.__name__.replace("_", " ")] = function
    return function


def same(found, wanted):
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_array_equal(np.ma.filled(found, 0), np.ma.filled(wanted, 0))


def close(found, wanted):
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_allclose(np.ma.filled(found, 0), np.ma.filled(wanted, 0), rtol=1e-6, atol=1e-9)


def _found(search):
    """Return the names of the images of a search; none comes twice."""
    names = [image.name for image in search]
    assert len(set(names)) == len(names)
    return set(names)


def _are(found, wanted):
    assert found == wanted, f"missing: {sorted(wanted - found)[:3]}, too many: {sorted(found - wanted)[:3]}"


# --- products


@cell
def product_by_its_Catalog_id(site):
    assert site.product.id == site.column.product_id
    assert site.product.name
    assert site.product.description


@cell
def product_by_source_and_collection(site):
    product = Product.get(site.prefixed)
    assert product.id == site.prefixed
    assert {image.name for image in product.images().limit(3)} <= {
        record.id for record in site.provider.of(site.column.collection)
    }


@cell
def unknown_collection(site):
    assert Product.get(f"{site.column.provider}:no-such-collection") is None


@cell
def product_search_lists_it(site):
    assert site.column.product_id in {product.id for product in Product.search()}


@cell
def product_search_by_id(site):
    found = Product.search().filter(p.id == site.column.product_id)
    assert [product.id for product in found] == [site.column.product_id]


# --- bands


@cell
def band_names(site):
    assert set(site.facts.bands) <= set(site.bands)
    # Pictures and coarser copies are no bands of their own.
    assert not {"visual", "preview", "thumbnail", "TCI_10m", "B02_20m"} & set(site.bands)


@cell
def band_types(site):
    assert {name: site.bands[name].type for name in site.facts.bands} == {
        name: band.type for name, band in site.facts.bands.items()
    }


@cell
def band_data_types_and_nodata(site):
    for name, band in site.facts.bands.items():
        pixels = site.facts.assets[band.asset]
        assert site.bands[name].data_type == _DATA_TYPES[pixels.dtype], name
        assert site.bands[name].nodata == pixels.nodata, name


@cell
def band_wavelengths(site):
    for name, band in site.facts.bands.items():
        if band.wavelength:
            found = site.bands[name]
            assert (found.wavelength_nm_min, found.wavelength_nm_max) == band.wavelength, name


@cell
def band_units(site):
    for name, band in site.facts.bands.items():
        if band.unit:
            assert site.bands[name].physical_range_unit == band.unit, name


@cell
def band_ranges(site):
    for name, band in site.facts.bands.items():
        found, pixels = site.bands[name], site.facts.assets[band.asset]
        if pixels.kind == "bits":
            continue
        assert found.data_range is not None, f"{name} has no range"
        low, high = found.data_range
        assert low <= high
        if pixels.kind == "value" and pixels.dtype == "uint16":
            assert (low, high) == (0, 65535), name
        if band.type == "spectral" and found.physical_range is not None:
            first, last = found.physical_range
            np.testing.assert_allclose(last - first, (high - low) * pixels.scale, err_msg=name)


@cell
def band_resolutions(site):
    for name, band in site.facts.bands.items():
        given = site.bands[name].resolution
        assert given is None or given.value == site.facts.assets[band.asset].resolution, name


@cell
def class_labels(site):
    labels = site.bands[site.facts.classes].class_labels
    assert site.bands["cloud_mask"].type == "mask"
    if site.facts.cloud_bits:
        # A value is a combination of bits: a label for each would be wrong.
        assert not labels
        return
    assert labels
    if site.facts.classes == "scl":
        assert list(labels)[:2] == ["no_data", "saturated_or_defective"]
        assert "cloud_medium_probability" in labels


@cell
def every_band_of_every_item_has_its_asset(site):
    for record in site.kinds:
        (source,) = sources([site.image(record)])
        for name, band in site.facts.bands.items():
            place = source.place(name)
            if band.asset not in record.template["assets"]:
                assert place is None
                continue
            assert place[1] == band.index
            assert source.files[place[0]].rpartition("/")[2].rpartition(".")[0] == band.asset


# --- searches


@cell
def search_finds_every_item_once(site):
    _are(_found(site.product.images()), {record.id for record in site.records})


@cell
def search_by_cloud(site):
    limit = 0.405
    wanted = {one.id for one in site.records if one.properties["eo:cloud_cover"] < limit * 100}
    assert 0 < len(wanted) < len(site.records)
    _are(_found(site.product.images().filter(p.cloud_fraction < limit)), wanted)


@cell
def search_by_date(site):
    days = sorted(record.properties["datetime"] for record in site.records)
    day = days[len(days) // 2][:10]
    wanted = {one.id for one in site.records if one.properties["datetime"] >= day}
    assert 0 < len(wanted) < len(site.records)
    _are(_found(site.product.images().filter(p.acquired >= day)), wanted)


@cell
def search_by_place(site):
    record = site.pair[0]
    west, south, east, north = record.bbox
    # The middle of the western half: only this place lies there.
    x, y = west + (east - west) * 0.3, (south + north) / 2
    square = [[x, y], [x + 1e-4, y], [x + 1e-4, y + 1e-4], [x, y + 1e-4], [x, y]]
    wanted = {one.id for one in site.records if one.crs == record.crs and one.corner == record.corner}
    found = _found(site.product.images().intersects({"type": "Polygon", "coordinates": [square]}))
    assert wanted <= found
    # Rows overlap too.
    assert all(
        abs(one.corner[0] - record.corner[0]) < 1e-6
        for one in site.records
        if one.id in found and one.crs == record.crs
    )
    assert len(found) < len(site.records)


@cell
def search_by_cloud_date_and_place(site):
    record = site.records[-1]
    limit = record.properties["eo:cloud_cover"] / 100 + 0.005
    search = site.product.images().intersects(record.geometry)
    search = search.filter((p.cloud_fraction < limit) & (p.acquired >= record.properties["datetime"][:10]))
    found = _found(search)
    assert record.id in found
    by_id = {one.id: one for one in site.records}
    for name in found:
        assert by_id[name].properties["eo:cloud_cover"] < limit * 100
        assert by_id[name].properties["datetime"] >= record.properties["datetime"][:10]


@cell
def search_by_an_attribute_that_few_APIs_filter_by(site):
    name = site.records[5].id
    _are(_found(site.product.images().filter(p.name == name)), {name})


@cell
def search_sorted_by_date(site):
    for direction in (1, -1):
        search = site.product.images().sort("acquired", ascending=direction > 0)
        times = [image.acquired for image in search]
        assert times == sorted(times, reverse=direction < 0)
        assert len(times) == len(site.records)


@cell
def search_sorted_by_cloud_with_a_limit(site):
    found = [image.cloud_fraction for image in site.product.images().sort("cloud_fraction").limit(7)]
    wanted = sorted(one.properties["eo:cloud_cover"] / 100 for one in site.records)[:7]
    np.testing.assert_allclose(found, wanted)


@cell
def search_with_a_limit(site):
    assert len(site.product.images().limit(5).collect()) == 5


@cell
def count_of_all(site):
    assert site.product.images().count() == len(site.records)


@cell
def count_of_some(site):
    limit = 0.405
    wanted = sum(one.properties["eo:cloud_cover"] < limit * 100 for one in site.records)
    assert site.product.images().filter(p.cloud_fraction < limit).count() == wanted


@cell
def summary(site):
    found = site.product.images().summary()
    assert found.count == len(site.records)
    assert found.products == [site.column.product_id], found


@cell
def search_of_images_by_product(site):
    found = Image.search().filter(p.product_id == site.column.product_id)
    _are(_found(found), {record.id for record in site.records})


# --- images


@cell
def image_by_id(site):
    record = site.records[3]
    image = site.image(record)
    assert (image.name, image.product_id) == (record.id, site.column.product_id)


@cell
def unknown_image(site):
    name = "00000000-0000-4000-8000-000000000000" if site.facts.provider == "dea" else "no-such-item"
    assert Image.get(f"{site.column.product_id}:{name}") is None


@cell
def images_by_ids(site):
    names = [record.id for record in site.records[2:6]]
    found = Image.get_many([f"{site.column.product_id}:{name}" for name in names])
    assert sorted(image.name for image in found) == sorted(names)


@cell
def attributes_of_an_image(site):
    record = site.records[4]
    image = site.image(record)
    assert image.acquired == datetime.fromisoformat(record.properties["datetime"])
    np.testing.assert_allclose(image.cloud_fraction, record.properties["eo:cloud_cover"] / 100)
    np.testing.assert_allclose(image.geometry.bounds, record.bbox, atol=1e-6)


# --- pixels


def _array(site, record, bands, **options):
    resolution = oracle.finest(record, bands)
    return site.image(record).ndarray(bands, geocontext=area(record, resolution=resolution), **options)


@cell
def ndarray_of_three_bands(site):
    record = site.records[1]
    found = _array(site, record, RGB)
    wanted = oracle.stacked(record, RGB)
    assert found.dtype == wanted.dtype
    same(found, wanted)


@cell
def ndarray_on_the_image_s_own_grid(site):
    record = site.records[1]
    found = site.image(record).ndarray("red")
    wanted = oracle.stacked(record, ["red"])
    same(found, wanted)


@cell
def ndarray_of_a_class_band(site):
    record = site.records[2]
    same(_array(site, record, [site.facts.classes]), oracle.stacked(record, [site.facts.classes]))


@cell
def ndarray_of_bands_with_different_resolutions(site):
    record = site.records[2]
    bands = ["red", "swir1", site.facts.classes]
    found = _array(site, record, bands)
    same(found, oracle.stacked(record, bands))


@cell
def every_band_of_an_image(site):
    record = site.records[0]
    for name, band in site.facts.bands.items():
        if band.asset in record.template["assets"]:
            found = _array(site, record, [name])
            try:
                same(found, oracle.stacked(record, [name]))
            except AssertionError as error:
                raise AssertionError(f"{name} of {record.id}: {error}") from error


@cell
def cloud_mask(site):
    record = site.records[2]
    wanted = oracle.is_cloud(record)
    resolution = oracle.spec(record, site.facts.classes).resolution
    found = site.image(record).ndarray("cloud_mask", geocontext=area(record, resolution=resolution))
    same(found, wanted[None])
    assert 0 < wanted.sum() < wanted.count()


def _pair_mosaic(site, layers_of):
    first, second = site.pair
    whole, resolution = oracle.bounds(first, second), oracle.finest(first, RGB)
    layers = [oracle.placed(layers_of(record), record, whole, resolution) for record in (second, first)]
    return oracle.over(*layers), area(first, second, resolution=resolution)


@cell
def mosaic_of_two_items(site):
    wanted, geocontext = _pair_mosaic(site, lambda record: oracle.stacked(record, RGB))
    images = ImageCollection([site.image(record) for record in site.pair])
    same(images.mosaic(RGB, geocontext=geocontext), wanted)


@cell
def mosaic_of_physical_values(site):
    wanted, geocontext = _pair_mosaic(site, lambda record: oracle.physical(record, RGB))
    images = ImageCollection([site.image(record) for record in site.pair])
    close(images.mosaic(RGB, geocontext=geocontext, scaling="physical"), wanted)


@cell
def stack_of_two_items(site):
    first, second = site.pair
    whole, resolution = oracle.bounds(first, second), oracle.finest(first, RGB)
    images = ImageCollection([site.image(record) for record in site.pair])
    found = images.stack(RGB, geocontext=area(first, second, resolution=resolution))
    wanted = [oracle.placed(oracle.stacked(record, RGB), record, whole, resolution) for record in site.pair]
    same(found, np.ma.stack(wanted))


@cell
def physical_values_of_each_kind_of_item(site):
    for record in site.kinds:
        bands = ["red", "nir", "swir1"]
        close(_array(site, record, bands, scaling="physical"), oracle.physical(record, bands))


@cell
def surface_reflectance(site):
    for record in site.kinds:
        found = _array(site, record, ["red", "nir"], processing_level="surface_reflectance")
        assert found.dtype == np.float64
        close(found, oracle.physical(record, ["red", "nir"]))


@cell
def display_is_neither_black_nor_burnt_out(site):
    record = site.records[0]
    found = _array(site, record, RGB, scaling="display")
    assert found.dtype == np.uint8
    for index, band in enumerate(RGB):
        # The display range is of values with the scaling of the product, whichever that of the image is.
        known = site.bands[band]
        low, high = np.interp(known.display_range, known.data_range, known.physical_range)
        # Black is no more than the reflectance of water, and white less than that of snow.
        assert -0.25 <= low <= 0.05, band
        assert 0.2 <= high <= 0.8, band
        share = (oracle.physical(record, [band])[0] - low) / (high - low)
        np.testing.assert_allclose(found[index], np.clip(np.ma.filled(share, 0), 0, 1) * 255, atol=1)


@cell
def xarray_as_of_odc_stac(site):
    record = site.records[1]
    bands = ["red", "green", "swir1"]
    keys = [site.facts.bands[band].asset for band in bands]
    resolution = oracle.finest(record, bands)
    shape = oracle.stacked(record, bands).shape[1:]
    geobox = GeoBox(shape, Affine(*transform_of(record.corner, resolution)), record.crs)
    with tempfile.TemporaryDirectory() as folder:
        item = _item_of_local_files(site, record, keys, Path(folder))
        loaded = odc_stac.load([item], bands=keys, geobox=geobox)
        theirs = np.stack([loaded[key].values[0] for key in keys])
    ours = site.image(record).to_xarray(bands, geocontext=area(record, resolution=resolution))
    np.testing.assert_allclose(ours.x, loaded[keys[0]].x if "x" in loaded.coords else loaded.longitude)
    np.testing.assert_allclose(ours.y, loaded[keys[0]].y if "y" in loaded.coords else loaded.latitude)
    valid = ~np.ma.getmaskarray(oracle.stacked(record, bands))
    assert valid.any()
    np.testing.assert_array_equal(np.squeeze(ours.values)[valid], theirs[valid])


def _item_of_local_files(site, record, keys, folder):
    """Return the published item with its files in a folder, as another library reads it."""
    document = site.provider.api.item(record)
    document["links"] = []
    document["assets"] = {key: document["assets"][key] for key in keys}
    for asset in document["assets"].values():
        name = "/".join(asset["href"].rsplit("/", 2)[1:])
        path = folder / name.replace("/", "-")
        path.write_bytes(site.provider.files.content(name))
        asset["href"] = str(path)
        asset.pop("alternate", None)
    return pystac.Item.from_dict(document)


@cell
def download_of_an_image(site):
    record = site.records[1]
    with tempfile.TemporaryDirectory() as folder:
        resolution = oracle.finest(record, RGB)
        path = site.image(record).download(
            RGB, geocontext=area(record, resolution=resolution), dest=f"{folder}/image.tif"
        )
        with rasterio.open(path) as dataset:
            same(dataset.read(masked=True), oracle.stacked(record, RGB))
            assert dataset.crs.to_string() == record.crs


@cell
def download_of_a_mosaic(site):
    wanted, geocontext = _pair_mosaic(site, lambda record: oracle.stacked(record, RGB))
    images = ImageCollection([site.image(record) for record in site.pair])
    with tempfile.TemporaryDirectory() as folder:
        path = images.download_mosaic(RGB, geocontext=geocontext, dest=f"{folder}/mosaic.tif")
        with rasterio.open(path) as dataset:
            same(dataset.read(masked=True), wanted)


_READ = """
import pickle, sys
image, bands, geocontext = pickle.load(open(sys.argv[1], "rb"))
pickle.dump(image.ndarray(bands, geocontext=geocontext), open(sys.argv[2], "wb"))
"""


@cell
def pickle_read_in_another_process(site):
    record = site.records[1]
    geocontext = area(record, resolution=oracle.finest(record, RGB))
    content = pickle.dumps((site.image(record), RGB, geocontext))
    assert b"secret-of-the-tests" not in content
    assert site.provider.files.token.encode() not in content
    assert b"sig=" not in content
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder, "given"), Path(folder, "answer")
        given.write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-c", _READ, given, answer], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        same(pickle.loads(answer.read_bytes()), oracle.stacked(record, RGB))

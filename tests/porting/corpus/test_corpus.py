"""Scripts in the manner of each generation: they run as they are, and do the same after porting."""

import numbers
import runpy
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from landbridge.catalog import Blob, Image, Product
from landbridge.catalog import properties as p
from landbridge.geo import DLTile
from landbridge.porting.port.analysis import analyse
from sources import oracle
from support.replay import replayed
from support.replay.as_source import used

pytestmark = pytest.mark.integration

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def S2(number):
    """Return the id of a replayed Sentinel-2 image."""
    return f"esa:sentinel-2:l2a:v1:sentinel-2-c1-l2a-0{f'_{number:05}' if number else ''}"


FEW = 8  # items of each collection

# Expressions over the names of a script, and those of `world`, that are true after it has run.
EXPECTED = {
    "auth_caller": ["(namespace, org, user) == ('local', 'local', 'local')", "is_mine"],
    "catalog_blob": ["(value, kind, names, is_data) == ('value', 'data', ['some/name'], True)"],
    "catalog_classes": ["names == ['class']", "is_class", "values == [1, 5, 24, 61, 111, 176]"],
    "catalog_manage": [
        "(readers, message, listed) == (['org:earthrise'], 'ConflictError', ['Managed'])",
        "missing",
        "Product.get(again.id) is None",
    ],
    "catalog_mosaic": ["data.dtype == 'uint16'", "0.5 < highest < 0.6", "reflectance.count() > 100"],
    "catalog_own_product": ["(status, mean, tagged) == ('success', 1200.0, ['image1'])"],
    "catalog_search": [
        "ids == [S2(0), S2(1)]",
        "(count, clouds) == (3, 0.105)",
        "{'red', 'scl'} <= {*bands}",
    ],
    "catalog_stack": [
        "months == [6]",
        "shape[:2] == (1, 2)",
        "dates == ['2023-06-01 10:20:30.123000+00:00']",
    ],
    "catalog_tiles": [
        "len(keys) == 6",
        "means[0] == masked_equal(sampled([0, 1], 'red', tiles[0].bounds, 20), 0).mean()",
    ],
    "earthone_modules": [
        "same(arr.filled(), sampled([0], 'red', (400800, 4497600, 402000, 4498800), 60)[None])",
        "failed == 'NotFoundError'",
    ],
    "earthone_search": [
        "same(arr[..., 0].filled(), sampled(range(8), 'nir', tile.bounds, 20, clouds=90))",
        "first == S2(0)",
    ],
    "metadata_ids": [
        "ids == [S2(0), S2(1), S2(2)] and many == ids[:2]",
        "(found, total, product, last) == (8, 8, 'esa:sentinel-2:l2a:v1', S2(7))",
        "sizes == [288, 288]",
    ],
    "metadata_products": [
        "title == 'Sentinel-2 Level-2A, Collection 1'",
        "known",
        "ranges == {'red': (1000, 5000), 'nir': (1000, 5000)}",
    ],
    "metadata_search": [
        "ids == [S2(0), S2(1), S2(4)] and number == 3 and kinds == {'Polygon'}",
        "rows[1] == ('2023-06-01', '2023-06-01T10:21:30.123000Z', 0.37, 'esa:sentinel-2:l2a:v1')",
    ],
    "old_catalog_product": [
        "(title, description) == ('A title', 'Another one')",
        "Product.get(product_id) is None",
    ],
    "old_catalog_upload": [
        "uploaded('local:corpus-old:first').acquired.isoformat() == '2012-01-02T00:00:00+00:00'",
        "same(uploaded('local:corpus-old:first').ndarray('yield').filled(), pixels.transpose(2, 0, 1))",
    ],
    "raster_ndarray": [
        "(shape, size, first.shape) == ((50, 50, 3), [50, 50], (50, 50))",
        "same(first, sampled([0], 'nir', (450000, 4574000, 456000, 4580000), 120, landsat))",
        "arr.dtype == 'uint8' and arr.max() > 200",
    ],
    "raster_stack": [
        "same(stack[1, 1], sampled([1], 'nir', (400800, 4497600, 402000, 4498800), 60))",
        "sizes == [[20, 20]] * 3",
    ],
    "raster_tiles": [
        "number == len(sums) == 6",
        "sums[key] == sum(int(sampled([0, 1], b, tile_bounds(key), 20).sum()) for b in ('red', 'nir'))",
        "list(bounds) == [401440, 4497920, 402720, 4499200]",
    ],
    "scenes_class": [
        "len(lines) == 2",
        "lines[0] == 'usgs:landsat:oli-tirs:c2:l2:v0 2023-06-01'",
        "median.count() > 1000",
    ],
    "scenes_download": [
        "exists",
        "names[0] == 'usda:naip:v1:naip-0-red-green-blue-nir.tif' and len(names) == 3",
    ],
    "scenes_filter": [
        "dates[0] == '2023-06-01T10:20:30.123000' and len(dates) == 6",
        "clouds == [0.105, 0.2, 0.37, 0.47] and products == {'esa:sentinel-2:l2a:v1'}",
        "ids == [S2(0), S2(1)] and message == S2(5) + ' has 84% clouds'",
    ],
    "scenes_from_id": [
        "(name, key, when) == (S2(0), S2(0), '2023-06-01')",
        "same(full.filled(0)[0], sampled([0], 'red', ctx.bounds, 10))",
        "size > 1000",
    ],
    "scenes_function": ["[value is None for value in series.values()] == [True, False, True]"],
    "scenes_ndvi": ["count == 2 and 0 < mean_ndvi < 0.5", "(ctx.resolution, ctx.crs) == (10, 'EPSG:32613')"],
    "scenes_stack": [
        "by_minute == [(20, 1), (21, 1), (24, 1), (25, 1)]",
        "(stack.dtype, stack.shape[:2], len(info)) == ('uint8', (1, 3), 1)",
        "{key: value.shape[-1] for key, value in by_cloud.items()} == {False: 1, True: 1}",
    ],
    "scenes_tiles": [
        "key == '64:0:20.0:13:-77:3514' and is_tile",
        "results[0] == (S2(0), int(sampled([0], 'nir', tile.bounds, 20).sum()))",
    ],
    "storage_files": ["weights == again == [1, 2, 3]", "names == ['corpus-files/model.pkl']"],
    "storage_json": [
        "back == {'field': 3, 'ndvi': [0.1, 0.4]} and note == 'fields of 2023'",
        "keys == ['corpus/note', 'corpus/result.json'] and was_there and not is_there",
    ],
}


def sampler(sentinel_2, landsat):
    """Return a function that samples replayed files at the centers of a grid's pixels."""

    def sampled(numbers, band, bounds, resolution, records=sentinel_2, clouds=100):
        left, bottom, right, top = bounds
        x = np.arange(left + resolution / 2, right, resolution)
        y = np.arange(top - resolution / 2, bottom, -resolution)
        out = np.zeros((len(y), len(x)), "uint16")
        for record in (records[number] for number in numbers):
            if record.properties["eo:cloud_cover"] >= clouds:
                continue
            layer, pixel = oracle.stored(record, band), oracle.spec(record, band).resolution
            columns = np.floor((x - record.corner[0]) / pixel).astype(int)
            rows = np.floor((record.corner[1] - y) / pixel).astype(int)
            in_rows, in_columns = ((one >= 0) & (one < len(layer)) for one in (rows, columns))
            inside = in_rows[:, None] & in_columns
            values = layer[np.clip(rows, 0, len(layer) - 1)][:, np.clip(columns, 0, len(layer) - 1)]
            out = np.where(inside & (values != 0), values, out)
        return out

    return sampled


def uploaded(identifier):
    """Return an image after its upload."""
    for upload in Product.get(identifier.rpartition(":")[0]).image_uploads():
        upload.wait_for_completion()
    return Image.get(identifier)


@pytest.fixture(scope="module")
def world(stack):
    """Functions for expectations; the embedded stack runs, and two providers of imagery are replayed."""
    with (
        replayed("earth-search", FEW, real=False) as earth_search,
        replayed("planetary-computer", FEW, real=False) as planetary_computer,
        used(earth_search, planetary_computer),
    ):
        landsat = [
            one for one in earth_search.of("landsat-c2-l2") if one.properties["platform"] == "landsat-8"
        ]
        yield {
            "S2": S2,
            "landsat": landsat,
            "masked_equal": np.ma.masked_equal,
            "sampled": sampler(earth_search.of("sentinel-2-c1-l2a"), landsat),
            "same": same,
            "tile_bounds": lambda key: DLTile.from_key(key).bounds,
            "uploaded": uploaded,
            "Product": Product,
        }


def clean():
    """Remove what scripts made."""
    for product in Product.search():
        if product.id.startswith("local:corpus"):
            status = product.delete_related_objects()
            if status:
                status.wait_for_completion()
            product.delete()
    for blob in Blob.search().filter(p.namespace == Blob.namespace_id(None)):
        if blob.name.startswith("corpus"):
            blob.delete().wait_for_completion()


def run(path):
    """Run a script; return its names, and the lines with a DeprecationWarning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DeprecationWarning)
        names = runpy.run_path(str(path), run_name="__main__")
    lines = {one.lineno for one in caught if one.filename == str(path)}
    return names, lines


TEMPORARY = tempfile.gettempdir()


def is_plain(value):
    """Return whether a value is of no class of ours, so that it must stay the same."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(is_plain(item) for item in value.values()) and type(value) is dict
    if isinstance(value, str):
        return not value.startswith(TEMPORARY)
    return value is None or isinstance(value, (bytes, numbers.Number, np.ndarray))


def same(one, other):
    if isinstance(one, np.ndarray):
        masks = np.ma.getmaskarray(one), np.ma.getmaskarray(other)
        return (
            one.dtype == other.dtype
            and np.array_equal(*masks)
            and np.array_equal(np.ma.filled(one, 0), np.ma.filled(other, 0))
        )
    if isinstance(one, dict):
        if (
            "geoTransform" in one
        ):  # a raster's description, whose bands the Raster service described otherwise
            one, other = ({key: each[key] for key in each if key != "bands"} for each in (one, other))
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_gives_the_same_before_and_after_porting(path, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, _ = run(path)
    check(path.stem, world, names)
    clean()
    ported = tmp_path / path.name
    ported.write_text(analyse(path).text)
    new_names, deprecated = run(ported)
    check(path.stem, world, new_names)
    clean()
    assert not deprecated
    assert "descarteslabs" not in ported.read_text().replace("__import__", "")
    for name, value in names.items():
        if is_plain(value) and not name.startswith("_"):
            assert same(value, new_names[name]), name


def check(script, world, names):
    """Check the expectations of a script."""
    for expectation in EXPECTED[script]:
        assert eval(expectation, {**names, **world}), expectation


def test_each_script_has_expectations_and_there_are_scripts_of_each_generation():
    assert {path.stem for path in SCRIPTS} == set(EXPECTED)
    assert len(SCRIPTS) >= 25
    first = {path.stem.partition("_")[0] for path in SCRIPTS}
    assert {"scenes", "metadata", "raster", "storage", "old", "catalog", "earthone"} <= first

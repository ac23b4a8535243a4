"""Lazy arrays, chunks and clusters: the same pixels as on threads of this process."""

import pickle
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.warp import transform as transform_points
from shapely.geometry import box

from landbridge.raster import (
    RasterError,
    Source,
    download,
    download_mosaic,
    filled_stack,
    lazy_stack,
    mosaic,
    read_image,
    stack,
    stacked,
)
from landbridge.raster.errors import WiderTypeError
from landbridge.raster.io import headers
from landbridge.raster.io.headers import read_header
from landbridge.raster.output import chunks as cutting
from landbridge.raster.output.chunks import chunk_shape, chunk_windows, even_windows, render_chunk, split_plan
from landbridge.raster.output.cluster import active_client
from landbridge.raster.plan.arguments import METHODS
from landbridge.raster.plan.plan import make_plan
from support.lazy_import import LazyModule

dask = LazyModule("dask")
distributed = LazyModule("distributed")

OTHER_ZONE = "EPSG:32615"


@pytest.fixture(scope="module")
def cluster():
    """Two processes that are workers."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=":0") as local,
    ):
        yield local


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as connected:
        yield connected


def lonlat(crs, *points):
    xs, ys = transform_points(crs, "EPSG:4326", *zip(*points, strict=True))
    return list(zip(xs, ys, strict=True))


@pytest.fixture
def sources(make_scene):
    """Images in two zones with nodata, alpha and footprints; one of them far from the grid."""
    random = np.random.default_rng(5)
    made = []
    for number in range(5):
        values = random.integers(1, 1000, (3, 90, 80)).astype("uint16")
        values[:, random.random((90, 80)) < 0.3] = 0
        values[2] = random.random((90, 80)) < 0.7
        place = tuple(map(int, random.integers(-40, 60, 2)))
        scene = make_scene(
            f"s{number}", values, bands=["red", "nir", "alpha"], nodata=0, place=place, cog=True
        )
        (left, top), (right, bottom) = scene.transform @ (0, 0), scene.transform @ (80, 90)
        (west, north), (east, south) = lonlat(scene.crs, (left, top), (right, bottom))
        made.append(replace(scene.source, geometry=box(west, south, east, north)))
    far = Source("far", ("/nowhere.tif",), made[0].bands, box(10, 10, 11, 11), "p")
    return [*made, far]


REQUESTS = {
    "plain": {},
    "warped": {"crs": OTHER_ZONE},
    "unmasked": {"mask_nodata": False, "mask_alpha": False},
    "alpha alone": {"mask_nodata": False},
    "scaled": {"scaling": [(0, 1000), (0, 500)]},
    "auto": {"scaling": "auto"},
    "mean": {"method": "mean", "data_type": "Float32"},
    "median": {"method": "median"},
    "count": {"method": "count"},
    "first": {"method": "first"},
    "bilinear": {"resampler": "bilinear"},
    "cutline": {"cut": True},
}


@pytest.fixture(params=REQUESTS)
def wanted(request, grid, request_of):
    fields = dict(REQUESTS[request.param])  # type: ignore[call-overload]
    context = grid(-10, -10, 150, 170)
    if fields.pop("cut", False):
        (west, north), (east, south) = lonlat("EPSG:32614", (500_500, 4_199_500), (503_000, 4_197_500))
        context = context.assign(geometry=box(west, south, east, north))
    if (crs := fields.pop("crs", None)) is not None:
        context = context.assign(crs=crs)
    return request_of("red nir", context, **fields)


def assert_same(one, other):
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    assert (np.ma.getmaskarray(one) == np.ma.getmaskarray(other)).all()
    np.testing.assert_array_equal(np.ma.getdata(one), np.ma.getdata(other))


@pytest.mark.parametrize("chunks", [37, (150, 20), {"x": 64}, -1, "auto", False])
def test_chunks_do_not_change_a_pixel(sources, wanted, chunks):
    assert_same(mosaic(sources, wanted, chunks=chunks).array(), mosaic(sources, wanted).array())


def test_a_cluster_gives_the_same_pixels(sources, wanted, cluster):
    here = mosaic(sources, wanted).array()
    groups = [sources[:2], sources[2:3], sources[3:]]
    layers = stacked(stack(groups, wanted))
    with distributed.Client(cluster):
        assert_same(mosaic(sources, wanted, chunks=61).array(), here)
        assert_same(stacked(stack(groups, wanted, chunks=(150, 60))), layers)


def test_a_client_s_cluster_makes_mosaics_but_not_if_chunks_are_false_nor_single_images(
    sources, grid, request_of, client, tmp_path
):
    wanted = request_of("red nir", grid(-10, -10, 150, 170))

    before = client.run(lambda: set(cutting._calls))
    mosaic(sources, wanted, chunks=False)
    read_image(sources[0], wanted)
    download(sources[0], wanted, tmp_path / "a.tif")
    assert client.run(lambda: set(cutting._calls)) == before
    mosaic(sources, wanted)
    assert client.run(lambda: set(cutting._calls)) != before


def test_a_task_of_a_cluster_uses_no_cluster(sources, grid, request_of, client):
    wanted = request_of("red", grid(0, 0, 40, 40))

    def inside():
        from distributed import get_worker

        assert get_worker() is not None
        return active_client(), mosaic(sources, wanted).data

    found, data = client.submit(inside).result()
    assert found is None
    assert (data == mosaic(sources, wanted, chunks=False).data).all()


def test_files_written_by_a_cluster_are_the_same(sources, grid, request_of, cluster, tmp_path):
    wanted = request_of("red nir", grid(-10, -10, 150, 170))
    here = download_mosaic(sources, wanted, tmp_path / "here.tif", nodata=7, chunks=50)
    with distributed.Client(cluster):
        there = download_mosaic(sources, wanted, tmp_path / "there.tif", nodata=7, chunks=50)
    assert here.read_bytes() == there.read_bytes()
    with rasterio.open(there) as dataset:
        assert (dataset.read() == mosaic(sources, wanted).array().filled(7)).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize("call", ["mosaic", "download", "lazy"])
def test_errors_on_a_cluster_name_image_band_and_file(make_scene, grid, request_of, client, tmp_path, call):
    good = make_scene("good", np.full((1, 200, 200), 5, "uint8"))
    gone = make_scene("gone", np.zeros((1, 200, 200), "uint8"), nodata=0)
    Path(gone.source.files[0]).unlink()
    wanted, images = request_of("b0", grid(0, 0, 200, 200)), [good.source, gone.source]
    target = tmp_path / "folder" / "a.tif"
    run = {
        "mosaic": lambda: mosaic(images, wanted, chunks=64),
        "download": lambda: download_mosaic(images, wanted, target, chunks=64),
        "lazy": lazy_stack([images], wanted, 64)[0].compute,
    }[call]
    with pytest.raises(RasterError, match="'gone': cannot read band 'b0'") as caught:
        run()
    assert (caught.value.image_id, caught.value.bands) == ("gone", ("b0",))
    assert caught.value.file == gone.source.files[0]
    if call == "download":
        assert list(target.parent.iterdir()) == []
    assert mosaic([good.source], wanted).data.all()


def test_a_wider_file_is_trusted_on_a_cluster_and_refused_lazily(make_scene, request_of, client):
    scene = make_scene("a", np.full((1, 3, 3), 300, "uint16"), data_type="Byte")
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "a file holds uint16", UserWarning)
        raster = mosaic([scene.source], request_of("b0", scene.own))
        values, _, fill = filled_stack([[scene.source]], request_of("b0", scene.own))
    assert "reading as UInt16" in str(caught[0].message)
    assert raster.data.tolist() == [[[300] * 3] * 3]
    assert values.dtype == "uint16"
    assert fill == 0
    array, *_ = lazy_stack([[scene.source]], request_of("b0", scene.own), "auto")
    assert array.dtype == "uint8"
    with pytest.raises(RasterError, match="uint16 values, which the declared data type Byte") as refused:
        array.compute()
    assert refused.value.image_id == "a"
    assert refused.value.file == scene.source.files[0]


def test_lazy_arrays_have_the_pixels_of_loaded_ones(sources, wanted):
    groups = [sources[:2], sources[2:]]
    if wanted.scaling == "auto":
        with pytest.raises(ValueError, match="auto"):
            lazy_stack(groups, wanted, 50)
        return
    array, geobox, fill = lazy_stack(groups, wanted, 50)
    values, same, other = filled_stack(groups, wanted)
    assert geobox == same
    assert array.dtype == values.dtype
    assert array.shape == values.shape
    np.testing.assert_equal(fill, other)
    np.testing.assert_array_equal(array.compute(), values)
    whole = stacked(stack(groups, wanted))
    if isinstance(whole, np.ma.MaskedArray):
        whole = whole.filled(fill)
    np.testing.assert_array_equal(values, whole)


def test_a_lazy_array_opens_nothing_and_has_one_task_per_block(sources, grid, request_of):
    far = [Source("f", ("/nowhere.tif",), sources[0].bands, None, "p")]
    array, *_ = lazy_stack([sources, far], request_of("red nir", grid(-10, -10, 150, 170)), (50, 85))
    assert array.chunks == ((1, 1), (2,), (50, 50, 50), (85, 85))
    assert len(array.dask) == 2 * 3 * 2
    assert array[0].compute().any()


def test_processing_levels_are_computed_by_the_workers(make_scene, grid, request_of, cluster):
    values = np.random.default_rng(2).integers(0, 200, (1, 50, 50)).astype("uint16")
    scene = make_scene("a", values, nodata=0)
    steps = [
        {
            "function": "gain_bias",
            "parameter": "radiance_gain_bias",
            "index": 0,
            "data_type": "Float64",
            "data_range": [0, 100],
        }
    ]
    band = replace(scene.source.bands["b0"], processing_levels={"radiance": steps})
    coefficients = {"radiance_gain_bias": [[0.5, 10.0]]}
    source = replace(scene.source, bands={"b0": band}, coefficients=coefficients)
    for method in ("last", "mean"):
        wanted = request_of("b0", grid(0, 0, 60, 60), processing_level="radiance", method=method)
        here = mosaic([source, source], wanted).array()
        np.testing.assert_allclose(here[0, :50, :50], np.ma.masked_equal(values[0], 0) * 0.5 + 10)
        with distributed.Client(cluster):
            assert_same(mosaic([source, source], wanted, chunks=25).array(), here)


def test_lazy_arrays_run_on_a_cluster_and_any_scheduler(sources, grid, request_of, cluster):
    array, *_ = lazy_stack([sources], request_of("red nir", grid(-10, -10, 150, 170)), 64)
    values = array.compute(scheduler="synchronous")
    assert (array.compute(scheduler="threads") == values).all()
    with distributed.Client(cluster):
        assert (array.compute() == values).all()
        assert int(array.sum().compute()) == values.sum(dtype="uint64")


def test_a_piece_is_small_and_has_only_the_images_and_cutline_that_touch_it(make_scene, grid, request_of):
    sources = []
    for row in range(10):
        for column in range(10):
            scene = make_scene(
                f"s{row}-{column}", np.ones((1, 20, 20), "uint8"), place=(row * 20, column * 20)
            )
            left, top = 500_000 + column * 600, 4_200_000 - row * 600
            (west, north), (east, south) = lonlat("EPSG:32614", (left, top), (left + 600, top - 600))
            sources.append(replace(scene.source, geometry=box(west, south, east, north)))
    (west, north), (east, south) = lonlat("EPSG:32614", (500_000, 4_200_000), (503_300, 4_196_700))
    context = grid(0, 0, 200, 200, geometry=box(west, south, east, north).buffer(0.001, quad_segs=2000))
    plan = make_plan(sources, request_of("b0", context))
    cut = list(split_plan(plan, chunk_windows(plan.geobox, 50, 1), 0, "call"))
    assert len(cut) == 16
    assert max(len(piece.plan.sources) for piece in cut) <= 25
    assert cut[0].plan.cutline is None
    assert cut[-1].plan.sources == ()
    assert [piece.plan.cutline is not None for piece in cut[:4]] == [False, False, True, False]
    assert len(pickle.dumps(cut[0])) < 8000
    values, mask = render_chunk(pickle.loads(pickle.dumps(cut[2])))
    whole = mosaic(sources, request_of("b0", context))
    assert (values == whole.data[:, :50, 100:150]).all()
    assert (mask == whole.mask[:, :50, 100:150]).all()


def test_a_lazy_array_sees_files_that_were_replaced(make_scene, request_of):
    scene = make_scene("a", np.full((1, 70, 70), 1, "uint8"))
    array, *_ = lazy_stack([[scene.source]], request_of("b0", scene.own), 33)
    assert (array.compute() == 1).all()
    make_scene("a", np.full((1, 70, 70), 2, "uint8"), compress="lzw")
    assert (array.compute() == 2).all()


def test_files_of_a_network_are_opened_once_for_a_call_and_anew_after_a_failure(
    make_scene, request_of, tmp_path, monkeypatch
):
    # GDAL's file systems, as a zip's, count as networks.
    scene = make_scene("a", np.full((1, 90, 90), 4, "uint8"))
    archive, parked = tmp_path / "a.zip", tmp_path / "parked.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(scene.source.files[0], "a.tif")
    opened = []

    def spied(address, *turn):
        opened.append(address)
        return read_header(address, *turn)

    monkeypatch.setattr(headers, "read_header", spied)
    source = Source("a", (f"/vsizip/{archive}/a.tif",), scene.source.bands)
    array, *_ = lazy_stack([[source]], request_of("b0", scene.own), 30)
    assert (array.compute(scheduler="synchronous") == 4).all()
    assert opened == [source.files[0]]
    cutting._calls.clear()
    archive.rename(parked)
    with pytest.raises(RasterError, match=r"'a': cannot read band 'b0' from '/vsizip/"):
        array.compute(scheduler="synchronous")
    parked.rename(archive)
    assert (array.compute(scheduler="synchronous") == 4).all()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lazy_arrays_of_any_places_chunks_and_methods(make_scene, grid, request_of, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    found = []
    for number in range(data.draw(st.integers(1, 4))):
        values = random.integers(0, 4, (2, *data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))))
        place = data.draw(st.tuples(st.integers(-20, 30), st.integers(-20, 30)))
        scene = make_scene(f"s{number}", values.astype("uint8"), nodata=0, place=place)
        rows, columns = values.shape[1:]
        (left, top), (right, bottom) = scene.transform @ (0, 0), scene.transform @ (columns, rows)
        (west, north), (east, south) = lonlat(scene.crs, (left, top), (right, bottom))
        found.append(replace(scene.source, geometry=box(west, south, east, north)))
    context = grid(0, 0, 35, 38)
    if data.draw(st.booleans()):
        context = context.assign(crs=OTHER_ZONE)
    wanted = request_of("b1 b0", context, method=data.draw(st.sampled_from(METHODS)))
    chunks = data.draw(st.tuples(st.integers(5, 40), st.integers(5, 40)))
    array, _, fill = lazy_stack([found], wanted, chunks)
    np.testing.assert_array_equal(array.compute()[0], mosaic(found, wanted).array().filled(fill))  # type: ignore[attr-defined]


def test_a_process_keeps_the_files_of_few_calls(make_scene, request_of):
    scene = make_scene("a", np.full((1, 20, 20), 1, "uint8"))
    for _ in range(5):
        lazy_stack([[scene.source]], request_of("b0", scene.own), 10)[0].compute()
    assert len(cutting._calls) == cutting._MAX_CALLS


@pytest.mark.parametrize(
    ("data_type", "band_nodata", "nodata", "fill"),
    [
        (None, 7, None, 7),
        (None, None, None, 0),
        ("Byte", 999, None, 0),
        ("Float32", 7, None, np.nan),
        ("Float32", 7, -1, -1),
        (None, 7, 9, 9),
    ],
)
def test_masked_pixels_are_nan_or_nodata(make_scene, grid, request_of, data_type, band_nodata, nodata, fill):
    scene = make_scene("a", np.full((1, 1, 1), 5, "uint16"), nodata=band_nodata)
    wanted = request_of("b0", grid(0, 0, 1, 2), data_type=data_type)
    for values, _, found in (
        filled_stack([[scene.source]], wanted, nodata),
        lazy_stack([[scene.source]], wanted, "auto", nodata),
    ):
        np.testing.assert_equal(found, fill)
        np.testing.assert_equal(np.asarray(values).tolist(), [[[[5, fill]]]])


def test_a_nodata_that_the_type_cannot_hold_is_refused(make_scene, request_of):
    scene = make_scene("a", np.full((1, 1, 1), 5, "uint16"))
    for make in (filled_stack, lambda *given: lazy_stack(given[0], given[1], 9, given[2])):
        with pytest.raises(ValueError, match="the data type UInt16 cannot hold nodata -1"):
            make([[scene.source]], request_of("b0", scene.own), -1)


@pytest.mark.parametrize(
    "chunks", [0, -2, 1.5, "big", (1, 2, 3), (1, "2"), True, {"z": 3}, {"x": 0}, object()]
)
def test_chunks_that_are_none_are_refused_with_what_is_right(make_scene, request_of, chunks):
    scene = make_scene("a", np.full((1, 1, 1), 5, "uint16"))
    for call in (
        lambda: mosaic([scene.source], request_of("b0", scene.own), chunks=chunks),
        lambda: lazy_stack([[scene.source]], request_of("b0", scene.own), chunks),
    ):
        with pytest.raises(ValueError, match="a mapping with 'y' and 'x'"):
            call()


def test_chunks_are_an_edge_a_pair_or_a_mapping(grid, request_of, make_scene):
    scene = make_scene("a", np.full((1, 1, 1), 5, "uint16"))
    geobox = make_plan([scene.source], request_of("b0", grid(0, 0, 3000, 5000))).geobox
    expected = {
        100: (100, 100),
        (7, 9): (7, 9),
        -1: (3000, 5000),
        4000: (3000, 4000),
        "auto": (2048, 2048),
    }
    assert {chunks: chunk_shape(chunks, geobox) for chunks in expected} == expected
    assert chunk_shape({"x": -1}, geobox) == (2048, 5000)


@given(rows=st.integers(1, 9000), columns=st.integers(1, 9000), least=st.integers(1, 70))
def test_the_windows_of_a_cluster_cover_a_grid_evenly(rows, columns, least):
    found = even_windows(GeoBox((rows, columns), Affine(30, 0, 0, 0, -30, 0), "EPSG:32614"), least)
    edges = sorted({(y.start, y.stop) for y, _ in found}), sorted({(x.start, x.stop) for _, x in found})
    assert found == [(slice(*y), slice(*x)) for y in edges[0] for x in edges[1]]
    for spans, size in zip(edges, (rows, columns), strict=True):
        assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]
        assert spans[-1][1] == size
        heights = [stop - start for start, stop in spans]
        assert 0 < min(heights) >= max(heights) - 1
        assert max(heights) <= 2048
    assert len(found) >= least or rows // len(edges[0]) < 512


def test_the_limit_of_pixels_is_that_of_a_block_where_the_result_is_lazy(
    make_scene, grid, request_of, monkeypatch, tmp_path
):
    monkeypatch.setenv("LANDBRIDGE_MAX_PIXELS", "5000")
    scene = make_scene("a", np.full((1, 100, 100), 5, "uint16"))
    wanted = request_of("b0", grid(0, 0, 100, 100))
    with pytest.raises(
        ValueError, match=r"1 x 1 x 100 x 100 .* 10,000 pixels.*5,000.*download_mosaic.*chunks"
    ):
        mosaic([scene.source], wanted, chunks=50)
    assert lazy_stack([[scene.source]], wanted, 50)[0].compute().all()
    with pytest.raises(ValueError, match="10,000 pixels"):
        lazy_stack([[scene.source]], wanted, 100)
    assert download_mosaic([scene.source], wanted, tmp_path / "a.tif").exists()
    monkeypatch.setenv("LANDBRIDGE_MAX_PIXELS", "many")
    with pytest.raises(
        ValueError, match="LANDBRIDGE_MAX_PIXELS must be a whole number of pixels, got 'many'"
    ):
        mosaic([scene.source], wanted)


def test_errors_survive_pickling():
    wider = pickle.loads(pickle.dumps(WiderTypeError(np.dtype("int32"))))
    assert wider.dtype == np.dtype("int32")
    error = pickle.loads(pickle.dumps(RasterError("what", "image", ["band"], "file")))
    assert (str(error), error.image_id, error.bands, error.file) == ("what", "image", ("band",), "file")


def test_who_never_asks_loads_neither_xarray_nor_distributed():
    code = (
        "import sys, landbridge.catalog, landbridge.raster.api, landbridge.raster.output.writer\n"
        "print([name for name in ('distributed', 'tornado', 'xarray') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_without_dask_chunks_of_lazy_arrays_name_what_to_install(make_scene, request_of, monkeypatch):
    scene = make_scene("a", np.full((1, 1, 1), 5, "uint16"))
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(ImportError, match=r"landbridge\[dask\]"):
        lazy_stack([[scene.source]], request_of("b0", scene.own), 9)
    assert (mosaic([scene.source], request_of("b0", scene.own), chunks=9).data == 5).all()

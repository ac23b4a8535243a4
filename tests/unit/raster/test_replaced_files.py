"""Files that are replaced at their address: reads by GDAL give one version of them, or an error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from landbridge.geo.grids.geobox import output_grid
from landbridge.raster import RasterError, mosaic, odc_driver, read_image
from landbridge.raster.io import gdal_cache
from unit.raster.conftest import write_tiff
from unit.raster.test_odc_driver import item_of, load, pixels

# Values of the old and of the new version, so that a mix is seen.
OLD, NEW = (1, 100), (101, 200)
SHAPE = (1, 300, 310)
# Tiles that the native reader knows are warped by odc-loader's own reader; GDAL reads all of the others.
KINDS: dict[str, dict[str, object]] = {
    "tiles": {},
    "packbits": {"compress": "packbits"},
    "strips": {"tiled": False, "blockysize": 16},
    "overviews": {"overviews": True},
}


def write(path, values, *, overviews=False, **options):
    if not overviews:
        write_tiff(path, values, **options)
        return
    plain = write_tiff(f"{path}.plain", values)
    # A codec that only GDAL has here.
    options = {"blocksize": 128, "compress": "lerc", "overview_resampling": "nearest"}
    rasterio.shutil.copy(plain, path, driver="COG", **options)


@pytest.fixture(params=KINDS)
def versions(request, make_scene, server):
    """A scene, its remote source, and a function that replaces its file by a new one."""
    options = KINDS[request.param]
    plain = {key: value for key, value in options.items() if key != "overviews"}
    # Each test its own ranges, since GDAL compresses equal noise alike.
    old, new = (
        np.random.default_rng(low).integers(low, high, SHAPE).astype("uint8") for low, high in (OLD, NEW)
    )
    scene = make_scene("a", old, nodata=0, **plain)
    path = Path(scene.source.files[0])
    write(path, old, **options)
    ready = path.with_suffix(".new")
    write(ready, new, **options)
    remote = replace(scene.source, files=(f"{server.url}/{path.name}",))

    def swap():
        ready.replace(path)

    return scene, remote, new, swap


def by_odc(scene, server, resampling, grid, chunks=None):
    item = item_of(scene, nodata=0, base=server.url)
    found = load(
        [item],
        driver=odc_driver(),
        bands=["b0"],
        geobox=output_grid(grid),
        resampling=resampling,
        chunks=chunks,
    )
    return pixels(found.compute() if chunks else found)


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
def test_a_load_by_odc_reads_the_file_that_is_there_then(versions, server, resampling):
    scene, _, new, swap = versions
    assert (by_odc(scene, server, resampling, scene.own) == scene.values).all()
    swap()
    assert (by_odc(scene, server, resampling, scene.own) == new).all()


def test_a_lazy_load_by_odc_is_an_error_once_and_then_new(versions, server):
    scene, _, new, swap = versions
    item = item_of(scene, nodata=0, base=server.url)
    lazy = load(
        [item],
        driver=odc_driver(),
        bands=["b0"],
        geobox=output_grid(scene.own),
        resampling="bilinear",
        chunks={"x": 400, "y": 400},
    )
    assert (pixels(lazy.compute(scheduler="threads")) == scene.values).all()
    swap()
    try:
        found = pixels(lazy.compute(scheduler="threads"))
    except RasterError as error:
        assert "changed" in str(error)  # noqa: PT017 - both are right
        found = pixels(lazy.compute(scheduler="threads"))
    assert (found == new).all()


@pytest.mark.parametrize("method", ["near", "bilinear"])
@pytest.mark.parametrize("coarse", [False, True], ids=["full", "overview"])
def test_a_call_reads_the_file_that_is_there_then(versions, grid, request_of, method, coarse):
    scene, remote, new, swap = versions
    area = grid(0, 0, 150, 155, resolution=60) if coarse else scene.own
    wanted = request_of("b0", area, resampler=method)
    before = read_image(remote, wanted).data
    assert (before <= OLD[1]).all()
    # A program that uses GDAL itself leaves parts of the old file in its cache.
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), rasterio.open(remote.files[0]) as dataset:
        dataset.read()
    swap()
    after = read_image(remote, wanted).data
    assert (after >= NEW[0]).all()
    if not coarse:
        assert (after == new).all()


def test_gdals_own_cache_has_no_say_in_the_first_read(make_scene, request_of, server):
    old, new = (np.full(SHAPE, value, "uint8") for value in (7, 9))
    scene = make_scene("a", old, compress="packbits")
    remote = replace(scene.source, files=(f"{server.url}/a-0.tif",))
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), rasterio.open(remote.files[0]) as dataset:
        dataset.read()
    write_tiff(scene.source.files[0], new, compress="packbits")
    assert (read_image(remote, request_of("b0", scene.own)).data == new).all()
    assert (by_odc(scene, server, "bilinear", scene.own) == new).all()


@pytest.mark.parametrize("reader", ["call", "odc"])
def test_a_file_that_is_replaced_during_a_read_is_never_mixed(versions, request_of, server, reader):
    scene, remote, new, swap = versions
    path = Path(scene.source.files[0])
    kept = {path: path.read_bytes(), path.with_suffix(".new"): path.with_suffix(".new").read_bytes()}
    outcomes = set()
    for number in range(1, 12):
        for file, content in kept.items():
            file.write_bytes(content)
        server.seen.clear()

        def behave(_seen, number=number):
            if len(server.seen) == number:
                swap()

        server.behave = behave
        try:
            if reader == "odc":
                found = by_odc(scene, server, "bilinear", scene.own)
            else:
                found = read_image(remote, request_of("b0", scene.own, resampler="bilinear")).data
        except RasterError:
            outcomes.add("error")
            continue
        finally:
            done = len(server.seen)
            server.behave = None
        is_new, is_old = bool((found == new).all()), bool((found == scene.values).all())
        assert is_new or is_old
        # Pixels of the old file are right only if it was there until the end.
        assert is_new or done <= number
        outcomes.add("new" if is_new else "old")
    assert "error" in outcomes


def test_masks_of_a_replaced_file_are_its_own(make_scene, request_of, server):
    values = np.random.default_rng(1).integers(1, 200, SHAPE).astype("uint8")
    scene = make_scene("a", values)
    remote = replace(scene.source, files=(f"{server.url}/a-0.tif",))
    for seed in (1, 2):
        shown = np.random.default_rng(seed).integers(0, 2, SHAPE[1:]).astype(bool)
        plain = write_tiff(f"{scene.source.files[0]}.plain", values)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(plain, "r+") as dataset:
            dataset.write_mask(shown)
        rasterio.shutil.copy(plain, scene.source.files[0], driver="COG", blocksize=128, overviews="none")
        found = read_image(remote, request_of("b0", scene.own))
        np.testing.assert_array_equal(~found.mask[0], shown)


def test_files_that_only_gdal_can_open_are_read_anew(make_scene, request_of, server, monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_HEADERS", "X-Key: 5")
    for seed in (1, 2):
        values = np.random.default_rng(seed).integers(1, 200, SHAPE).astype("uint8")
        scene = make_scene("a", values, compress="packbits")
        remote = replace(scene.source, files=(f"{server.url}/a-0.tif",))
        assert (read_image(remote, request_of("b0", scene.own)).data == values).all()
        assert (by_odc(scene, server, "bilinear", scene.own) == values).all()


def test_a_local_file_that_is_replaced_is_read_anew(make_scene, request_of):
    for seed in (1, 2):
        values = np.random.default_rng(seed).integers(1, 200, SHAPE).astype("uint8")
        scene = make_scene("a", values, compress="packbits")
        assert (mosaic([scene.source], request_of("b0", scene.own)).data == values).all()


def test_another_version_is_refused_while_one_is_open_in_a_store(monkeypatch):
    class Stored:
        def __init__(self, version):
            self.key = ("s3://bucket/key", version)

        def check_current(self):
            """Take the file for unchanged."""

    emptied = []
    monkeypatch.setattr(gdal_cache, "_empty_cache", lambda name, version: emptied.append((name, version[1])))
    name = "s3://bucket/key"
    with gdal_cache.single_version(name, Stored(1)) as opened, gdal_cache.single_version(name, Stored(1)):
        assert opened == name
        with pytest.raises(OSError, match="changed"), gdal_cache.single_version(name, Stored(2)):
            pass
    with gdal_cache.single_version(name, Stored(2)):
        pass
    assert emptied == [(name, 1), (name, 2)]


def test_errors_do_not_tell_the_fragment(make_scene, request_of, server):
    Path(server.folder / "a-0.tif").write_bytes(b"this is no raster file")
    scene = make_scene("b", np.ones(SHAPE, "uint8"))
    remote = replace(scene.source, files=(f"{server.url}/a-0.tif",))
    with pytest.raises(RasterError) as caught:
        read_image(remote, request_of("b0", scene.own))
    assert "#" not in str(caught.value)
    assert "a-0.tif" in str(caught.value)

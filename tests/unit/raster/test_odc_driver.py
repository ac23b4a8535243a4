"""The driver for odc.stac.load: the pixels of plain odc.stac.load and of the engine."""

import pickle
from pathlib import Path

import numpy as np
import pystac
import pytest
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.geobox import output_grid
from landbridge.raster import RasterError, mosaic, read_image
from landbridge.raster.io.expiring_url import ExpiringUrl
from landbridge.raster.io.file_access import Credentials, FileAccess
from landbridge.raster.io.tile_reader import TileCache, TileReader
from support import range_server as rs
from support.lazy_import import LazyModule

dask = LazyModule("dask")
odc_stac = LazyModule("odc.stac")
odc_loader = LazyModule("odc.loader")
raster_odc = LazyModule("landbridge.raster.odc")

EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
]


def odc_driver():
    return raster_odc.odc_driver()


def item_of(scene, *, day=1, nodata=None, base=None):
    """Return a scene as a STAC item."""
    names = list(scene.source.bands)
    rows, columns = scene.values.shape[1:]
    grid = GeoBox((rows, columns), scene.transform, scene.crs)
    outline = grid.extent.to_crs("EPSG:4326")
    color = {"data_type": str(scene.values.dtype), **({} if nodata is None else {"nodata": nodata})}
    files = scene.source.files
    grouped = {"data": names} if len(files) == 1 else {name: [name] for name in names}
    assets = {
        key: {
            "href": str(file) if base is None else f"{base}/{Path(file).name}",
            "type": "image/tiff; application=geotiff",
            "roles": ["data"],
            "eo:bands": [{"name": band} for band in bands],
            "raster:bands": [color] * len(bands),
            "proj:shape": [rows, columns],
            "proj:transform": list(scene.transform)[:6],
        }
        for (key, bands), file in zip(grouped.items(), files, strict=True)
    }
    return pystac.Item.from_dict(
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": scene.source.id,
            "collection": "p",
            "stac_extensions": EXTENSIONS,
            "geometry": outline.json,
            "bbox": list(outline.boundingbox.bbox),
            "properties": {"datetime": f"2020-01-{day:02}T00:00:00Z", "proj:epsg": int(scene.crs[5:])},
            "assets": assets,
            "links": [],
        }
    )


def noise(seed, shape, dtype="uint16", nodata=0):
    values = np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)
    rows, columns = np.indices(shape[1:])
    values[:, (rows + columns) < 100] = nodata
    return values


def three(make_scene, *, dtype="uint16", nodata=0, **options):
    kinds = {"nodata": nodata, "file_nodata": nodata, **options}
    return [
        make_scene("a", noise(1, (3, 300, 310), dtype, nodata), **kinds),
        make_scene("b", noise(2, (3, 290, 300), dtype, nodata), place=(40, 30), **kinds),
        make_scene("c", noise(3, (3, 200, 220), dtype, nodata), place=(90, 60), **kinds),
    ]


def load(items, **options):
    return odc_stac.load(items, groupby=lambda *_: 0, preserve_original_order=True, **options)


def pixels(dataset):
    return np.stack([dataset[name].values[0] for name in dataset.data_vars])


@pytest.mark.parametrize("crs", ["EPSG:32614", "EPSG:3857"])
@pytest.mark.parametrize(
    "options",
    [
        {"interleave": "pixel", "predictor": 2},
        {"interleave": "band"},
        {"split": True, "predictor": 2},
        {"cog": True},
    ],
    ids=str,
)
def test_the_pixels_are_those_of_the_engine_and_of_plain_odc(make_scene, grid, request_of, options, crs):
    scenes = three(make_scene, **options)
    context = grid(-20, -20, 300, 310, crs=crs)
    items = [item_of(scene, nodata=0) for scene in scenes[::-1]]
    where = {"bands": ["b2", "b0"], "geobox": output_grid(context)}
    ours, theirs = (pixels(load(items, driver=each, **where)) for each in (odc_driver(), None))
    engine = mosaic([scene.source for scene in scenes], request_of("b2 b0", context))
    np.testing.assert_array_equal(ours, engine.data)
    differing = (ours != theirs).mean()
    # GDAL's transformer between reference systems is approximate.
    assert differing == 0 if crs == "EPSG:32614" else differing < 0.02


def test_an_overview_is_chosen_by_the_whole_grid(make_scene, grid, request_of):
    scene = make_scene("a", noise(1, (2, 512, 512)), nodata=0, file_nodata=0, cog=True)
    context = grid(0, 0, 170, 170, resolution=90)
    where = {"bands": ["b0", "b1"], "geobox": output_grid(context)}
    items = [item_of(scene, nodata=0)]
    ours, theirs = (pixels(load(items, driver=each, **where)) for each in (odc_driver(), None))
    np.testing.assert_array_equal(ours, read_image(scene.source, request_of("b0 b1", context)).data)
    np.testing.assert_array_equal(ours, theirs)
    chunked = load(items, driver=odc_driver(), chunks={"x": 50, "y": 64}, **where).compute(
        scheduler="threads"
    )
    np.testing.assert_array_equal(pixels(chunked), ours)


@pytest.mark.parametrize(
    ("dtype", "in_file", "in_item"),
    [
        ("uint16", 0, 0),
        ("uint16", None, 0),
        ("uint16", 7, None),
        ("uint16", 7, 9),
        ("uint16", None, None),
        ("int16", -5, 0),
        ("float32", None, None),
        ("float32", -1, None),
        ("float32", -1, -1),
        ("float32", float("nan"), -9),
    ],
)
def test_nodata_is_that_of_plain_odc(make_scene, grid, dtype, in_file, in_item):
    values = noise(1, (2, 100, 130), dtype, nodata=0 if in_file is None else in_file)
    if dtype == "float32":
        values[:, 60:70, 40:90] = np.nan
    scene = make_scene("a", values, file_nodata=in_file)
    where = {"bands": ["b1", "b0"], "geobox": output_grid(grid(-10, -10, 140, 120))}
    items = [item_of(scene, nodata=in_item)]
    ours, theirs = (pixels(load(items, driver=each, **where)) for each in (odc_driver(), None))
    np.testing.assert_array_equal(ours, theirs)


def test_a_wider_type_is_read_by_tiles_and_a_narrower_one_by_gdal(make_scene, grid):
    scene = make_scene("a", noise(1, (1, 100, 130)) * 300, nodata=0, file_nodata=0)
    where = {"bands": ["b0"], "geobox": output_grid(grid(-10, -10, 140, 120))}
    for dtype in ("float32", "uint32", "uint8"):
        ours, theirs = (
            pixels(load([item_of(scene, nodata=0)], driver=each, dtype=dtype, **where))
            for each in (odc_driver(), None)
        )
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("resampling", ["bilinear", "cubic", "average"])
def test_other_resampling_is_that_of_plain_odc(make_scene, grid, resampling):
    scene = make_scene("a", noise(1, (1, 100, 130)), nodata=0, file_nodata=0)
    where = {"bands": ["b0"], "geobox": output_grid(grid(3, 3, 60, 60, resolution=50))}
    ours, theirs = (
        pixels(load([item_of(scene, nodata=0)], driver=each, resampling=resampling, **where))
        for each in (odc_driver(), None)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_files_that_only_gdal_reads_are_read_too(make_scene, grid):
    scene = make_scene("a", noise(1, (2, 100, 130), "uint8"), tiled=False, blockysize=8, file_nodata=0)
    where = {"bands": ["b0", "b1"], "geobox": output_grid(grid(-5, -5, 90, 90))}
    ours, theirs = (
        pixels(load([item_of(scene, nodata=0)], driver=each, **where)) for each in (odc_driver(), None)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_a_tile_of_several_bands_is_decoded_once(make_scene, grid, monkeypatch):
    decoded = []
    unpack = TileReader._unpack
    monkeypatch.setattr(TileReader, "_unpack", lambda *a: decoded.append(1) or unpack(*a))
    scene = make_scene("a", noise(1, (3, 256, 256)), nodata=0, file_nodata=0, interleave="pixel")
    where = {"bands": ["b0", "b1", "b2"], "geobox": output_grid(grid(0, 0, 256, 256))}
    load([item_of(scene, nodata=0)], driver=odc_driver(), **where)
    assert len(decoded) == 16
    decoded.clear()
    load([item_of(scene, nodata=0)], driver=odc_driver(), chunks={}, **where).compute(scheduler="threads")
    assert len(decoded) == 16


def test_a_full_cache_keeps_its_first_tiles():
    from landbridge.raster.io.tile_reader import Tile

    cache = TileCache(200, evicts=False)
    for key in (1, 2, 3):
        assert cache.claim((key,)) is None
        cache.store((key,), Tile(np.zeros(100, np.uint8)))
    kept = [isinstance(cache.claim((key,)), Tile) for key in (1, 2, 3)]
    assert kept == [True, True, False]


def test_dask_computes_the_same_pixels_on_threads_and_in_processes(make_scene, grid):
    scenes = three(make_scene, interleave="pixel")
    items = [item_of(scene, nodata=0) for scene in scenes]
    where = {"bands": ["b0", "b2"], "geobox": output_grid(grid(-20, -20, 300, 310, crs="EPSG:3857"))}
    whole = pixels(load(items, driver=odc_driver(), **where))
    lazy = load(items, driver=odc_driver(), chunks={"x": 200, "y": 128}, **where)
    np.testing.assert_array_equal(pixels(lazy.compute(scheduler="threads")), whole)
    with dask.config.set(scheduler="processes", num_workers=2):
        np.testing.assert_array_equal(pixels(lazy.compute()), whole)


def test_keys_of_dask_tell_the_driver(make_scene, grid):
    items = [item_of(scene, nodata=0) for scene in three(make_scene)]
    where = {"bands": ["b0"], "geobox": output_grid(grid(0, 0, 30, 30)), "chunks": {}}
    names = [load(items, driver=each, **where)["b0"].data.name for each in (odc_driver(), odc_driver(), None)]
    assert names[0] == names[1] != names[2]


def test_a_load_pickles_without_tiles_and_locks(make_scene, grid):
    driver = odc_driver()
    state = driver.new_load(output_grid(grid(0, 0, 30, 30)))
    assert len(pickle.dumps((driver, state))) < 2000
    there = pickle.loads(pickle.dumps(state))
    assert there.geobox == state.geobox
    assert there.state is there.state


@pytest.mark.parametrize("spec", ["landbridge.raster.odc.Driver", "landbridge"])
def test_the_driver_has_a_name_too(make_scene, grid, spec):
    odc_loader.register_driver("landbridge", raster_odc.odc_driver)
    try:
        scene = make_scene("a", noise(1, (1, 100, 130)), nodata=0)
        found = load([item_of(scene, nodata=0)], driver=spec, bands=["b0"], geobox=output_grid(scene.own))
        np.testing.assert_array_equal(pixels(found), scene.values)
    finally:
        odc_loader.unregister_driver("landbridge")


@pytest.mark.parametrize("chunks", [None, {}], ids=["eager", "dask"])
def test_a_missing_file_is_an_error_or_left_out(make_scene, grid, chunks, caplog):
    scenes = three(make_scene)
    items = [item_of(scene, nodata=0) for scene in scenes]
    where = {"bands": ["b1"], "geobox": output_grid(grid(0, 0, 300, 310)), "chunks": chunks}
    without = pixels(load(items[1:], driver=odc_driver(), **where))
    Path(scenes[0].source.files[0]).unlink()
    with pytest.raises(RasterError, match=r"cannot read band 2 of '.*a-0.tif'"):
        load(items, driver=odc_driver(), fail_on_error=True, **where).compute()
    found = pixels(load(items, driver=odc_driver(), fail_on_error=False, **where))
    np.testing.assert_array_equal(found, without)
    assert "a-0.tif" in caplog.text


def test_each_remote_header_and_tile_is_requested_once(make_scene, grid, server):
    scenes = three(make_scene, interleave="pixel")
    where = {"bands": ["b0", "b1", "b2"], "geobox": output_grid(grid(-20, -20, 300, 310))}
    local = pixels(load([item_of(scene, nodata=0) for scene in scenes], driver=odc_driver(), **where))
    far = [item_of(scene, nodata=0, base=server.url) for scene in scenes]
    np.testing.assert_array_equal(pixels(load(far, driver=odc_driver(), **where)), local)
    assert len(server.seen) == 2 * 3


class Sign:
    """Signer whose signatures the server demands."""

    def __call__(self, href):
        return f"{href}?signature=very-secret"


def test_signatures_are_in_no_graph_log_or_error(make_scene, grid, server, caplog):
    scenes = three(make_scene)
    server.behave = lambda seen: None if seen.query == "signature=very-secret" else rs.refuse(403)
    items = [item_of(scene, nodata=0, base=server.url) for scene in scenes]
    where = {
        "bands": ["b0"],
        "geobox": output_grid(grid(0, 0, 300, 310)),
        "patch_url": lambda href: raster_odc.SignedOnOpen(href, Sign()),
    }
    local = load([item_of(scene, nodata=0) for scene in scenes], **{**where, "patch_url": None})
    lazy = load(items, driver=odc_driver(), chunks={"x": 200, "y": 200}, **where)
    assert b"very-secret" not in pickle.dumps(lazy)
    np.testing.assert_array_equal(pixels(lazy.compute(scheduler="threads")), pixels(local))
    Path(scenes[1].source.files[0]).unlink()
    for resampling in ("nearest", "bilinear"):
        with pytest.raises(RasterError, match=r"b-0\.tif") as caught:
            load(items, driver=odc_driver(), resampling=resampling, **where)
        assert "very-secret" not in str(caught.value) + repr(caught.value.__cause__)
        load(items, driver=odc_driver(), resampling=resampling, fail_on_error=False, **where)
    smooth = load(items[:1], driver=odc_driver(), resampling="bilinear", **where)
    assert (pixels(smooth) > 0).any()
    assert "very-secret" not in caplog.text
    assert "b-0.tif" in caplog.text


class SignByToken:
    """Signer whose addresses are opened by a token; the first one that it gives is refused."""

    def __init__(self):
        left = ["an-old-token", "very-secret"]
        credentials = Credentials(lambda: {"bearer": left.pop(0) if len(left) > 1 else left[0]})
        self.access = FileAccess("source 'here'", "http", (), credentials, "set THE_TOKEN")

    def __call__(self, href):
        return ExpiringUrl(href, access=self.access)


@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("options", [{}, {"compress": "packbits"}], ids=["tiles", "gdal"])
def test_files_are_opened_by_tokens(make_scene, grid, server, caplog, options, resampling):
    scenes = three(make_scene, **options)
    where = {"bands": ["b0"], "geobox": output_grid(grid(0, 0, 300, 310)), "resampling": resampling}
    local = pixels(load([item_of(scene, nodata=0) for scene in scenes], driver=odc_driver(), **where))
    items = [item_of(scene, nodata=0, base=server.url) for scene in scenes]
    sign = SignByToken()
    where["patch_url"] = lambda href: raster_odc.SignedOnOpen(href, sign)
    server.behave = lambda _: rs.refuse(401)
    with pytest.raises(RasterError, match=r"source 'here': set THE_TOKEN") as caught:
        load(items, driver=odc_driver(), **where)
    assert "very-secret" not in str(caught.value) + repr(caught.value.__cause__) + caplog.text
    server.behave = lambda seen: (
        None if seen.headers.get("authorization") == "Bearer very-secret" else rs.refuse(401)
    )
    # The refusal is not remembered. On this thread, which is the main one, and on others.
    for pool in (None, 2):
        sign = SignByToken()
        found = load(items, driver=odc_driver(), pool=pool, **where)
        np.testing.assert_array_equal(pixels(found), local)

"""Pixels of files whose URLs must be signed, through the object API."""

import traceback

import numpy as np
import pytest
import rasterio

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, File, Image, ImageCollection
from landbridge.raster import RasterError
from support import range_server as rs

SHAPE = (40, 60)
QUERY = "X-Signature=5i9nature%2Fa"


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with rs.serving(folder) as running:
        running.behave = lambda seen: None if seen.query == QUERY else rs.refuse(403)
        yield running


@pytest.fixture
def values():
    return np.random.default_rng(1).integers(1, 9000, (2, *SHAPE)).astype("uint16")


@pytest.fixture
def far(banded, remote, server, values):
    """An image whose file is on a server that requires signed URLs."""
    with rasterio.open(
        server.folder / "far.tif",
        "w",
        driver="GTiff",
        width=SHAPE[1],
        height=SHAPE[0],
        count=2,
        dtype="uint16",
        crs="EPSG:32621",
        transform=rasterio.Affine(30, 0, 600000, 0, -30, 7000000),
        tiled=True,
        blockxsize=32,
        blockysize=32,
        compress="deflate",
    ) as dataset:
        dataset.write(values)
    return remote(
        banded,
        "far",
        -55.5,
        62.6,
        files=[File(href=f"{server.url}/far.tif")],
        cs_code="EPSG:32621",
        geotrans=(600000, 30, 0, 7000000, 0, -30),
        x_pixels=SHAPE[1],
        y_pixels=SHAPE[0],
    )


@pytest.fixture
def signing(stack):
    """A client with an asset signer."""
    client = CatalogClient(
        stack.url, auth=Auth(token=stack.token), asset_signer=lambda href: f"{href}?{QUERY}"
    )
    yield client
    client.close()


def told(error):
    seen = []
    while error is not None:
        seen += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


def test_every_way_to_pixels_signs(far, signing, values, frame, tmp_path):
    image = Image.get(far.id, client=signing)
    pixels, info = image.ndarray("red nir", raster_info=True)
    assert (pixels == values).all()
    assert info["files"] == [far.files[0].href]
    images = ImageCollection([image])
    assert (images.mosaic("red nir", frame)[:, :, : SHAPE[1]] == values).all()
    assert (images.stack("red nir", frame)[0, :, :, : SHAPE[1]] == values).all()
    one = image.download("red nir", dest=tmp_path / "one.tif")
    (each,) = images.download("red nir", image.geocontext, dest=[tmp_path / "each.tif"])
    whole = images.download_mosaic("red nir", frame, dest=tmp_path / "all.tif")
    for path in (one, each, whole):
        with rasterio.open(path) as dataset:
            assert (dataset.read()[:, :, : SHAPE[1]] == values).all()


def test_without_a_signer_the_server_refuses(far, tmp_path):
    with pytest.raises(RasterError, match="403 Forbidden"):
        far.ndarray("red")


def test_images_of_several_clients_are_signed_by_their_own(far, signing, images, values, frame):
    mixed = ImageCollection([*images, Image.get(far.id, client=signing)])
    assert (mixed.mosaic("red nir", frame)[:, :, : SHAPE[1]] == values).all()


def test_failures_do_not_tell_of_the_signature(far, signing, server, frame, tmp_path):
    (server.folder / "far.tif").unlink()
    image = Image.get(far.id, client=signing)
    images = ImageCollection([image])
    calls = [
        lambda: image.ndarray("red"),
        lambda: images.mosaic("red", frame),
        lambda: images.stack("red", frame),
        lambda: image.download("red", dest=tmp_path / "a.tif"),
        lambda: images.download("red", frame, dest=[tmp_path / "b.tif"]),
        lambda: images.download_mosaic("red", frame, dest=tmp_path / "c.tif"),
    ]
    for call in calls:
        with pytest.raises((RasterError, RuntimeError), match="404 Not Found") as caught:
            call()
        text = told(caught.value) + "".join(traceback.format_exception(caught.value))
        assert far.files[0].href in text
        assert "5i9nature" not in text
    assert not list(tmp_path.glob("*.tif"))
    assert "5i9nature" not in repr(signing) + repr(image)


def test_a_signer_may_be_set_later(far, client, values):
    client.asset_signer = lambda href: f"{href}?{QUERY}"
    assert (far.ndarray("red") == values[0]).all()

"""Signed addresses: pixels are read by them, and nothing else ever shows them."""

import logging
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from landbridge.raster import RasterError, Request, download_mosaic, mosaic, read_image, stack
from landbridge.raster.io.headers import read_header
from landbridge.raster.io.redact import redact_url
from landbridge.raster.plan.plan import make_plan
from support import range_server as rs

pytestmark = pytest.mark.timeout(60)

SECRETS = ("5i9nature", "t0ken", "passw0rd")
QUERY = "X-Signature=5i9nature%2Fa%3D&token=t0ken"


def sign(query, href):
    return f"{href}?{query}"


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with rs.serving(folder) as running:
        running.behave = lambda seen: None if seen.query == QUERY else rs.refuse(403)
        yield running


@pytest.fixture
def signed(make_scene, server):
    def make(name="a b", **options):
        values = np.random.default_rng(1).integers(1, 200, (2, 170, 150)).astype("uint8")
        scene = make_scene(name, values, **options)
        path = Path(scene.source.files[0])
        path.rename(server.folder / path.name)
        href = f"{server.url}/{quote(path.name)}"
        return replace(
            scene, source=replace(scene.source, files=(href,), sign=partial(sign, QUERY))
        ), server.folder / path.name

    return make


def told(error):
    """All that an error, and those that led to it, tell."""
    texts = ["".join(traceback.format_exception(error))]
    pending, seen = [error], set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        texts += [str(each), repr(each), repr(vars(each)), *getattr(each, "__notes__", [])]
        pending += [each.__cause__, each.__context__]
    return "\n".join(texts)


def is_clean(text):
    return not any(secret in text for secret in SECRETS)


KINDS = {"tiles": {}, "gdal": {"compress": "packbits"}}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_read_by_the_signed_address(signed, request_of, server, kind, caplog):
    caplog.set_level(logging.DEBUG)
    scene, _ = signed(**KINDS[kind])
    raster = read_image(scene.source, request_of("b0 b1", scene.own))
    assert (raster.data == scene.values).all()
    assert raster.files == tuple(raster.info()["files"]) == scene.source.files
    assert is_clean(repr(raster) + repr(raster.info()) + caplog.text)
    assert {seen.query for seen in server.seen} == {QUERY}


def test_the_signer_is_called_once_for_each_file_that_is_opened(signed, request_of):
    scene, _ = signed()
    hrefs = []

    def counting(href):
        hrefs.append(href)
        return sign(QUERY, href)

    source = replace(scene.source, sign=counting)
    stack([[source]] * 2, request_of("b0", scene.own))
    assert hrefs == list(scene.source.files)
    hrefs.clear()
    mosaic([source], request_of("b0 b1", scene.own))
    assert hrefs == list(scene.source.files)


def test_files_on_this_machine_are_not_signed(make_scene, request_of):
    scene = make_scene("a", np.ones((1, 9, 9), "uint8"))
    source = replace(scene.source, sign=lambda href: pytest.fail(f"{href} needs no signature"))
    assert read_image(source, request_of("b0", scene.own)).data.all()


def _gone(path, server):
    path.unlink()


def _forbidden(path, server):
    server.behave = lambda _: rs.refuse(403)


def _failing(path, server):
    server.behave = lambda _: rs.refuse(500)


def _closed(path, server):
    server.shutdown()
    server.server_close()


def _corrupt(path, server):
    content = path.read_bytes()
    path.write_bytes(content[:-9000] + b"\xff" * 9000)


def _no_raster(path, server):
    path.write_bytes(b"no raster at all" * 99)


@pytest.mark.parametrize("harm", [_gone, _forbidden, _failing, _corrupt, _no_raster])
@pytest.mark.parametrize("kind", KINDS)
def test_no_error_or_log_shows_the_signature(
    signed, request_of, server, monkeypatch, caplog, tmp_path, kind, harm
):
    from landbridge.raster.io.gdal_settings import GDAL_OPTIONS

    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)
    caplog.set_level(logging.DEBUG)
    scene, path = signed(**KINDS[kind])
    harm(path, server)
    wanted = request_of("b0 b1", scene.own)
    calls = [
        lambda: read_image(scene.source, wanted),
        lambda: download_mosaic([scene.source] * 2, wanted, tmp_path / "out.tif"),
    ]
    if kind == "tiles":
        # GDAL's threads would wait for each other with Python's lock held, and the server for that.
        calls.append(lambda: stack([[scene.source], [scene.source]], wanted))
    # One of the warper's: other ways lead to GDAL there.
    calls.append(lambda: read_image(scene.source, request_of("b0 b1", scene.own, resampler="cubic")))
    for call in calls:
        with pytest.raises(RasterError, match="'a b'") as caught:
            call()
        assert caught.value.file == scene.source.files[0]
        assert is_clean(told(caught.value))
    assert is_clean(caplog.text + "".join(repr(record.__dict__) for record in caplog.records))


def test_an_address_that_was_signed_before_is_not_shown_either(signed, request_of, server):
    scene, path = signed()
    href = f"{scene.source.files[0]}?{QUERY}".replace("http://", "http://user:passw0rd@")
    source = replace(scene.source, files=(href,), sign=None)
    raster = read_image(source, request_of("b0 b1", scene.own))
    assert (raster.data == scene.values).all()
    assert raster.info()["files"] == [f"{scene.source.files[0]}?…"]
    path.unlink()
    with pytest.raises(RasterError, match="404") as caught:
        read_image(source, request_of("b0 b1", scene.own))
    assert is_clean(told(caught.value))
    assert caught.value.file == f"{scene.source.files[0]}?…"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host/a.tif?sig=1&b=2", "https://host/a.tif?…"),
        ("https://me:secret@host/a.tif", "https://host/a.tif"),
        ("/vsicurl/https://host/a.tif?sig=1", "/vsicurl/https://host/a.tif?…"),
        ("/vsicurl?max_retry=2&url=https%3A%2F%2Fhost%2Fa.tif%3Fsig%3D1", "/vsicurl?…"),
        ("s3://bucket/a.tif", "s3://bucket/a.tif"),
        ("/data/what?.tif", "/data/what?.tif"),
    ],
)
def test_what_of_an_address_is_shown(address, shown):
    assert redact_url(address) == shown


@pytest.mark.parametrize("kind", KINDS)
def test_reprs_of_the_engines_own_values(signed, request_of, kind):
    scene, _ = signed(**KINDS[kind])
    header = read_header(sign(QUERY, scene.source.files[0]))
    wanted = Request(("b0",), scene.own)
    plan = make_plan([scene.source], wanted)
    assert is_clean(repr([header, header.tiff, header.tiff and header.tiff.file, scene.source, wanted, plan]))


def test_a_signer_that_fails_is_an_error_of_its_own(signed, request_of):
    scene, _ = signed()

    def lost(href):
        raise LookupError("no key for that")

    with pytest.raises(RasterError, match=r"'a b'.*the signer raised LookupError") as caught:
        read_image(replace(scene.source, sign=lost), request_of("b0", scene.own))
    assert isinstance(caught.value.__cause__, LookupError)
    for answer in (None, b"http://host/", ""):
        with pytest.raises(
            RasterError, match=r"'a b'.*the signer returned (NoneType|bytes|str) instead of a URL"
        ):
            read_image(replace(scene.source, sign=lambda _, a=answer: a), request_of("b0", scene.own))

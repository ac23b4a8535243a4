"""Files in S3: tiles are read here, all else by GDAL's own driver."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landbridge.raster import RasterError, mosaic, read_image
from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.headers import read_header
from landbridge.raster.io.remote_file import RemoteFile
from support import range_server as rs
from support.s3_server import BUCKET, OWNER

KEYS = {
    "AWS_ACCESS_KEY_ID": OWNER.access,
    "AWS_SECRET_ACCESS_KEY": OWNER.secret,
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture
def put(s3_server, monkeypatch):
    """Put an image's files into the bucket, and have the environment lead there."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)

    def upload(source, folder="2020/a b", bucket=BUCKET):
        keys = [f"{folder}/{Path(path).name}" for path in source.files]
        for key, path in zip(keys, source.files, strict=True):
            s3_server.bucket(bucket).put(key, Path(path).read_bytes())
        return replace(source, files=tuple(f"s3://{bucket}/{key}" for key in keys))

    return upload


def noise(seed, shape, dtype="uint16"):
    return np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)


@pytest.mark.parametrize("split", [False, True], ids=["multi", "split"])
def test_tiles_are_read_from_s3(make_scene, grid, request_of, put, split):
    scenes = [make_scene("a", noise(1, (2, 300, 300)), split=split), make_scene("b", noise(2, (2, 150, 130)))]
    sources = [scene.source for scene in scenes]
    remote = [put(source) for source in sources]
    assert isinstance(open_file(remote[0].files[0]), RemoteFile)
    wanted = request_of("b0 b1", grid(0, 0, 300, 300))
    assert (mosaic(remote, wanted).data == mosaic(sources, wanted).data).all()


@pytest.mark.parametrize(
    "options", [{"tiled": False, "blockysize": 8}, {"compress": "jpeg", "photometric": "minisblack"}], ids=str
)
def test_other_files_are_read_from_s3_by_gdal(make_scene, request_of, put, options):
    scene = make_scene("a", noise(1, (2, 170, 150), "uint8"), **options)
    remote = put(scene.source, "other")
    wanted = request_of("b0 b1", scene.own)
    assert (read_image(remote, wanted).data == read_image(scene.source, wanted).data).all()
    assert read_header(remote.files[0]).tiff is None


def test_credentials_that_only_gdal_finds_make_it_read(make_scene, request_of, put, monkeypatch, tmp_path):
    scene = make_scene("a", noise(1, (2, 170, 150)))
    remote = put(scene.source)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "credentials").write_text(
        f"[default]\naws_access_key_id = {OWNER.access}\naws_secret_access_key = {OWNER.secret}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert open_file(remote.files[0]) is None
    assert (read_image(remote, request_of("b0 b1", scene.own)).data == scene.values).all()


def test_gdals_own_words_for_an_endpoint_do_too(make_scene, request_of, put, s3_server, monkeypatch):
    scene = make_scene("a", noise(1, (2, 170, 150)))
    remote = put(scene.source)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name, value in {
        "AWS_S3_ENDPOINT": s3_server.url.removeprefix("http://"),
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }.items():
        monkeypatch.setenv(name, value)
    assert open_file(remote.files[0]) is None
    assert (read_image(remote, request_of("b0 b1", scene.own)).data == scene.values).all()


def test_unsigned_requests(make_scene, request_of, put, monkeypatch):
    scene = make_scene("a", noise(1, (2, 170, 150)))
    remote, private = put(scene.source, bucket="public"), put(scene.source)
    for name in KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "YES")
    assert isinstance(open_file(remote.files[0]), RemoteFile)
    assert (read_image(remote, request_of("b0 b1", scene.own)).data == scene.values).all()
    with pytest.raises(RasterError, match=r"'a'.*403"):
        read_image(private, request_of("b0 b1", scene.own))


def test_a_bucket_of_another_region_is_left_to_gdal(put, monkeypatch, tmp_path):
    with rs.serving(tmp_path) as server:
        # As S3 does; GDAL looks at the region it says.
        server.behave = lambda _: rs.refuse(301)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        assert open_file(f"s3://{BUCKET}/a.tif") is None
        assert server.seen


@pytest.mark.parametrize("options", [{}, {"tiled": False, "blockysize": 8}], ids=["tiles", "strips"])
def test_what_is_missing_or_cannot_be_reached_is_an_error(make_scene, request_of, put, monkeypatch, options):
    scene = make_scene("a", noise(1, (2, 170, 150)), **options)
    remote = put(scene.source)
    gone = replace(remote, files=(f"s3://{BUCKET}/nowhere.tif",))
    wanted = request_of("b0 b1", scene.own)
    with pytest.raises(RasterError, match=rf"'a'.*s3://{BUCKET}/nowhere.tif") as caught:
        read_image(gone, wanted)
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in repr(caught.value)
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(RasterError, match="cannot be reached"):
            read_image(remote, wanted)
    assert (read_image(remote, wanted).data == scene.values).all()

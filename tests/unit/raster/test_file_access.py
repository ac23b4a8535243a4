"""Files that are opened by credentials: tokens, signatures and keys of S3, by both readers."""

import base64
import copy
import logging
import pickle
import threading
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from landbridge.raster import RasterError, mosaic, read_image
from landbridge.raster.errors import CredentialsError
from landbridge.raster.io.expiring_url import ExpiringUrl
from landbridge.raster.io.file_access import Credentials, FileAccess
from landbridge.raster.io.gdal_settings import GDAL_OPTIONS
from landbridge.raster.io.headers import read_header
from landbridge.raster.io.object_stores import stored_file
from landbridge.raster.io.remote_file import RemoteFile
from landbridge.raster.plan.plan import make_plan
from support import range_server as rs

pytestmark = pytest.mark.timeout(120)

SECRET = "t0p-5ecret-t0ken"
SIGNATURE = "sv=2024&sig=5i9nature%2Fa%3D"


@pytest.fixture(autouse=True)
def _quick_gdal(monkeypatch):
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with rs.serving(folder) as running:
        yield running


def noise(seed, shape=(2, 170, 150)):
    return np.random.default_rng(seed).integers(1, 200, shape).astype("uint8")


def as_jp2(path):
    """Replace a GeoTIFF by a lossless JPEG 2000 file of several blocks; return its path."""
    target = path.with_suffix(".jp2")
    with rasterio.open(path) as dataset:
        profile = {
            "driver": "JP2OpenJPEG",
            "blockxsize": 64,
            "blockysize": 64,
            "quality": "100",
            "reversible": "YES",
            "count": dataset.count,
            "width": dataset.width,
            "height": dataset.height,
            "dtype": dataset.dtypes[0],
            "crs": dataset.crs,
            "transform": dataset.transform,
        }
        with rasterio.open(target, "w", **profile) as written:
            written.write(dataset.read())
            written.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * (dataset.count - 1)]
    path.unlink()
    return target


@pytest.fixture
def served(make_scene, server):
    """Put an image's file below a folder of the server, as tiles, as strips for GDAL, or as JPEG 2000."""

    def make(kind="tiles", name="a", folder="", **options):
        scene = make_scene(
            name, noise(len(name)), **({"compress": "packbits"} if kind == "gdal" else {}), **options
        )
        path = Path(scene.source.files[0])
        path = as_jp2(path) if kind == "jp2" else path
        (server.folder / folder).mkdir(parents=True, exist_ok=True)
        path.rename(server.folder / folder / path.name)
        return scene, f"{folder}/{path.name}" if folder else path.name

    return make


KINDS = ["tiles", "gdal", "jp2"]


def opened_by(source, address, access):
    return replace(source, files=(address,), sign=lambda href: ExpiringUrl(href, access=access))


def bearer(*tokens, advice="set THE_TOKEN"):
    """An access by tokens, each given once; the last one for ever."""
    left = list(tokens)

    def fetch():
        return {"bearer": left.pop(0) if len(left) > 1 else left[0]}

    return FileAccess("source 'here'", "http", (), Credentials(fetch), advice)


def needs_token(token=SECRET):
    def behave(seen):
        return None if seen.headers.get("authorization") == f"Bearer {token}" else rs.refuse(401)

    return behave


def everything_of(error):
    """All that an error, and those that led to it, say."""
    texts = ["".join(traceback.format_exception(error))]
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


# Tokens
@pytest.mark.parametrize("kind", KINDS)
def test_a_token_is_sent_and_shown_nowhere(served, request_of, server, kind, caplog):
    caplog.set_level(logging.DEBUG)
    scene, name = served(kind)
    server.behave = needs_token()
    source = opened_by(scene.source, f"{server.url}/{name}", bearer(SECRET))
    raster = read_image(source, request_of("b0 b1", scene.own))
    assert (raster.data == scene.values).all()
    assert {seen.headers.get("authorization") for seen in server.seen} == {f"Bearer {SECRET}"}
    assert raster.info()["files"] == [f"{server.url}/{name}"]
    shown = repr(raster) + repr(raster.info()) + repr(source)
    assert SECRET not in shown + caplog.text + "".join(repr(each.__dict__) for each in caplog.records)


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_to_another_host_gets_no_token(served, request_of, server, tmp_path, kind):
    scene, name = served(kind)
    other = tmp_path / "other"
    other.mkdir()
    (server.folder / name).rename(other / name)
    with rs.serving(other) as elsewhere:
        # Another name of this machine is another host.
        target = elsewhere.url.replace("127.0.0.1", "localhost")
        server.behave = lambda seen: needs_token()(seen) or rs.redirect(f"{target}{seen.path}")
        source = opened_by(scene.source, f"{server.url}/{name}", bearer(SECRET))
        assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()
        assert elsewhere.seen
        assert not [seen for seen in elsewhere.seen if "authorization" in seen.headers]


def expiring_after(server, count, first, second):
    """Accept the first token for some requests only, and the second one afterwards."""

    def behave(seen):
        given = seen.headers.get("authorization", "").removeprefix("Bearer ") or seen.query
        used = sum(1 for each in server.seen if first in (each.headers.get("authorization") or each.query))
        return None if given == (first if used <= count and second not in told else second) else refuse()

    told: set[str] = set()

    def refuse():
        told.add(second)
        return rs.refuse(403)

    return behave


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_expires_amid_a_mosaic_is_fetched_again(served, request_of, server, grid, kind):
    scenes = [served(kind, name) for name in ("a", "bb", "ccc")]
    access = bearer("first-token-1", "second-token-2")
    server.behave = expiring_after(server, 2, "first-token-1", "second-token-2")
    sources = [opened_by(scene.source, f"{server.url}/{name}", access) for scene, name in scenes]
    wanted = request_of("b0 b1", scenes[0][0].own)
    found = mosaic(sources, wanted).data
    assert (found == scenes[-1][0].values).all()
    used = [seen.headers["authorization"].removeprefix("Bearer ") for seen in server.seen]
    assert {"first-token-1", "second-token-2"} == set(used)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_that_expires_amid_a_mosaic_is_asked_for_again(served, request_of, server, kind):
    scene, name = served(kind)
    asked = []

    def sign(href):
        asked.append(href)
        return f"{href}?sig=first-one" if len(asked) == 1 else f"{href}?sig=second-one"

    server.behave = expiring_after(server, 1, "sig=first-one", "sig=second-one")
    source = replace(scene.source, files=(f"{server.url}/{name}",), sign=sign)
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()
    assert len(asked) == 2


@pytest.mark.parametrize("requests", range(8))
@pytest.mark.parametrize("kind", KINDS)
def test_a_token_may_expire_before_any_request(served, request_of, server, kind, requests):
    scene, name = served(kind)
    server.behave = expiring_after(server, requests, "first-token-1", "second-token-2")
    source = opened_by(scene.source, f"{server.url}/{name}", bearer("first-token-1", "second-token-2"))
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()
    # Another method reads other windows, by GDAL.
    smooth = read_image(source, request_of("b0 b1", scene.own, resampler="cubic")).data
    assert (smooth == scene.values).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_stays_refused_is_an_error_that_says_what_to_set(served, request_of, server, kind):
    scene, name = served(kind)
    server.behave = needs_token("another")
    fetched = []

    def fetch():
        fetched.append(1)
        return {"bearer": SECRET}

    access = FileAccess("source 'here'", "http", (), Credentials(fetch), "set THE_TOKEN")
    source = opened_by(scene.source, f"{server.url}/{name}", access)
    with pytest.raises(RasterError, match=r"'a'.*401.*source 'here': set THE_TOKEN") as caught:
        read_image(source, request_of("b0 b1", scene.own))
    assert SECRET not in everything_of(caught.value)
    assert len(fetched) == 2
    assert len({seen.path for seen in server.seen}) == 1
    # The refusal is not remembered.
    server.behave = needs_token()
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()


def test_missing_credentials_are_an_error_before_any_request(served, request_of, server):
    scene, name = served()

    def fetch():
        raise CredentialsError("source 'here' needs a token: set THE_TOKEN")

    source = opened_by(
        scene.source, f"{server.url}/{name}", FileAccess("source 'here'", "http", (), Credentials(fetch))
    )
    with pytest.raises(RasterError, match="source 'here' needs a token: set THE_TOKEN"):
        read_image(source, request_of("b0", scene.own))
    assert not server.seen


@pytest.mark.parametrize("ranges", [False, True])
def test_a_login_page_is_an_error_of_access(served, request_of, server, ranges):
    scene, name = served()
    (server.folder / "login").write_bytes(b"\n<!DOCTYPE html><html><body>Earthdata Login</body></html>")

    def page(answer):
        content = (server.folder / "login").read_bytes()
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if ranges:
            headers["Content-Range"] = f"bytes 0-{len(content) - 1}/{len(content)}"
        answer.send(206 if ranges else 200, content, headers)

    server.behave = lambda seen: page if seen.path == "/login" else rs.redirect(f"{server.url}/login")
    source = opened_by(scene.source, f"{server.url}/{name}", bearer(SECRET))
    with pytest.raises(RasterError, match=r"web page instead of the file.*source 'here': set THE_TOKEN"):
        read_image(source, request_of("b0", scene.own))
    # Without an access there is nothing to configure, and the message still says what happened.
    with pytest.raises(RasterError, match="web page instead of the file"):
        read_image(replace(scene.source, files=(f"{server.url}/{name}",)), request_of("b0", scene.own))


# S3
def keys(name, **settings):
    values = {
        "access_key_id": f"KEY{name}",
        "secret_access_key": f"s3cr3t-of-{name}",
        "token": f"s3ss10n-{name}",
    }
    return FileAccess(
        f"source {name!r}", "s3", tuple(settings.items()), Credentials(lambda: values), f"set KEY_OF_{name}"
    )


@pytest.fixture
def ambient(monkeypatch):
    """The environment's settings for another S3 service, which must not be used."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AMBIENTKEY",
        "AWS_SECRET_ACCESS_KEY": "ambient-secret",
        "AWS_SESSION_TOKEN": "ambient-session",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_REGION": "xx-ambient-1",
        "AWS_DEFAULT_REGION": "xx-ambient-1",
        "AWS_REQUEST_PAYER": "requester",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_NO_SIGN_REQUEST": "YES",
        "AWS_SKIP_SIGNATURE": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", KINDS)
def test_buckets_with_keys_of_their_own_in_one_mosaic(
    served, request_of, server, ambient, grid, kind, caplog
):
    caplog.set_level(logging.DEBUG)
    first, first_name = served(kind, "a", "one", place=(0, 0))
    second, second_name = served(kind, "bb", "two", place=(0, 150))
    third, third_name = served(kind, "ccc", "open", place=(0, 300))
    endpoint = ("endpoint", server.url)
    accesses = [
        keys("One", endpoint=server.url, region="eu-central-1"),
        keys("Two", endpoint=server.url, region="us-west-2", request_payer="true"),
        FileAccess("source 'open'", "s3", (endpoint, ("region", "af-south-1"))),
    ]
    sources = [
        opened_by(scene.source, f"s3://{name}", access)
        for (scene, name), access in zip(
            [(first, first_name), (second, second_name), (third, third_name)], accesses, strict=True
        )
    ]
    found = mosaic(sources, request_of("b0 b1", grid(0, 0, 170, 450))).data
    assert (found == np.concatenate([first.values, second.values, third.values], axis=2)).all()
    for bucket, key, region, payer, session in [
        ("one", "KEYOne", "eu-central-1", None, "s3ss10n-One"),
        ("two", "KEYTwo", "us-west-2", "requester", "s3ss10n-Two"),
    ]:
        seen = [each for each in server.seen if each.path.startswith(f"/{bucket}/")]
        assert seen
        for each in seen:
            assert f"Credential={key}/" in each.headers["authorization"]
            assert f"/{region}/s3/" in each.headers["authorization"]
            assert each.headers.get("x-amz-request-payer") == payer
            assert each.headers.get("x-amz-security-token") == session
    anonymous = [each for each in server.seen if each.path.startswith("/open/")]
    assert anonymous
    assert not [each for each in anonymous if "authorization" in each.headers]
    assert not [each for each in anonymous if "x-amz-request-payer" in each.headers]
    shown = caplog.text + "".join(repr(each.__dict__) for each in caplog.records) + repr(sources)
    assert not [secret for secret in ("s3cr3t-of", "s3ss10n", "ambient-secret") if secret in shown]


@pytest.mark.parametrize("kind", KINDS)
def test_refused_keys_are_an_error_that_says_what_to_set(served, request_of, server, ambient, kind):
    scene, name = served(kind, "a", "one")
    server.behave = lambda _: rs.refuse(403)
    source = opened_by(scene.source, f"s3://{name}", keys("One", endpoint=server.url))
    with pytest.raises(
        RasterError, match=r"403.*source 'One': set KEY_OF_One|source 'One': set KEY"
    ) as caught:
        read_image(source, request_of("b0", scene.own))
    assert "s3cr3t" not in everything_of(caught.value)
    assert "s3ss10n" not in everything_of(caught.value)


# Azure
def azure(server, *signatures):
    left = list(signatures)

    def fetch():
        signature = left.pop(0) if len(left) > 1 else left[0]
        return {"sas_token": signature, "expires_at": datetime.now(UTC) + timedelta(hours=1)}

    settings = {
        "account_name": "account",
        "container_name": "container",
        "endpoint": f"{server.url}/account",
    }
    return FileAccess("source 'pc'", "azure", tuple(settings.items()), Credentials(fetch), "try again")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refusal", [403, 409])
def test_signatures_of_azure_are_renewed(served, request_of, server, kind, refusal, caplog):
    caplog.set_level(logging.DEBUG)
    scene, name = served(kind, "a b", "account/container/some folder")
    server.behave = lambda seen: None if seen.query == SIGNATURE else rs.refuse(refusal)
    access = azure(server, "sv=2024&sig=01d-s1gnature", SIGNATURE)
    address = f"{server.url}/{name}".replace(" ", "%20")
    source = opened_by(scene.source, address, access)
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()
    texts = caplog.text + repr(source)
    assert not [secret for secret in ("01d-s1gnature", "5i9nature") if secret in texts]
    server.behave = lambda _: rs.refuse(refusal)
    with pytest.raises(RasterError, match="source 'pc': try again") as caught:
        read_image(source, request_of("b0 b1", scene.own))
    texts = everything_of(caught.value)
    assert not [secret for secret in ("01d-s1gnature", "5i9nature") if secret in texts]


def test_a_file_outside_of_the_container_gets_no_signature(server):
    address = ExpiringUrl(f"{server.url}/account/other/a.tif", access=azure(server, SIGNATURE))
    with pytest.raises(ValueError, match="does not lie in the container"):
        stored_file(address)


# Secrets
def test_pickles_and_reprs_have_no_secret(served, server, request_of):
    scene, name = served()
    server.behave = needs_token()
    access = bearer(SECRET)
    address = ExpiringUrl(f"{server.url}/{name}", access=access)
    header = read_header(address)
    assert isinstance(header.tiff.file, RemoteFile)
    target = stored_file(address)
    wanted = request_of("b0", scene.own)
    plan = make_plan([opened_by(scene.source, address, access)], wanted)
    values = [header, header.tiff, header.tiff.file, header.tiff.file.connection, address, access, plan]
    values += [access.credentials, access.credential(), header.tiff.file.key, target.store]
    assert SECRET not in "".join(map(repr, values)) + "".join(map(str, values))
    restored = pickle.loads(pickle.dumps(address))
    assert restored == address
    assert restored.access is None
    assert SECRET.encode() not in pickle.dumps(address)
    for secret in (access, access.credentials, access.credential()):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(secret)
        with pytest.raises(TypeError):
            copy.deepcopy(secret)
    encoded = base64.b64encode(SECRET.encode())
    assert encoded not in pickle.dumps(header.tiff.file.key)


def test_gdal_gets_no_secret_on_the_main_thread(served, server):
    """Options of the main thread are those of all threads, whose requests may go to other hosts."""
    from landbridge.raster.io.gdal import dataset_of

    assert threading.current_thread() is threading.main_thread()
    _, name = served("gdal")
    server.behave = needs_token()
    address = ExpiringUrl(f"{server.url}/{name}", access=bearer(SECRET))
    with pytest.raises(RuntimeError, match="engine's threads only"), dataset_of(address):
        pass
    assert read_header(address).count == 2


# Credentials
def test_a_credential_is_fetched_once_for_all_threads_and_again_before_it_expires(monkeypatch):
    now = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    fetched = []

    def fetch():
        fetched.append(len(fetched))
        return {"bearer": f"t{len(fetched)}", "expires_at": datetime.fromtimestamp(now[0] + 600, UTC)}

    credentials = Credentials(fetch)
    threads = [threading.Thread(target=credentials.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fetched) == 1
    now[0] += 530
    assert credentials.get().values == {"bearer": "t1"}
    now[0] += 20
    assert credentials.get().values == {"bearer": "t2"}


def test_a_refused_credential_is_replaced_once():
    given = iter(["one", "two", "two"])
    credentials = Credentials(lambda: {"bearer": next(given)})
    first = credentials.get()
    assert credentials.renew(first)
    # The refusal of a request that was sent before.
    assert credentials.renew(first)
    second = credentials.get()
    assert second.values == {"bearer": "two"}
    assert not credentials.renew(second)


def test_a_failure_that_took_long_is_not_waited_for_by_each_thread(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("landbridge.raster.io.file_access.time.monotonic", lambda: now[0])
    asked = []

    def fetch():
        asked.append(now[0])
        now[0] += 30
        raise CredentialsError("the service does not answer")

    credentials = Credentials(fetch)
    for _ in range(3):
        with pytest.raises(CredentialsError, match="does not answer"):
            credentials.get()
    assert asked == [100.0]
    now[0] += 10
    with pytest.raises(CredentialsError):
        credentials.get()
    assert len(asked) == 2

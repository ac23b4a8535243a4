"""Signers of sources: credentials of each kind, what is sent to whom, and what is shown nowhere."""

import json
import os
import pickle
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landbridge.catalog.client.asset_urls import ImageUrlSigner, UnpickledUrls, UrlSigner
from landbridge.catalog.pixels import engine_inputs
from landbridge.geo import AOI
from landbridge.mappings.sources.model import AccessRule, SourceTable
from landbridge.raster import Band, RasterError, Request, Source, mosaic, read_image
from landbridge.raster.errors import CredentialsError
from landbridge.raster.io.expiring_url import ExpiringUrl, access_of
from landbridge.raster.io.object_stores import stored_file
from landbridge.sources import registry
from landbridge.sources.access import credentials, known_signer, services, signer
from landbridge.sources.access.source_signer import forget
from support import range_server as rs
from support.s3_server import FIRST, SECOND

pytestmark = pytest.mark.timeout(120)

SECRETS = ("t0ken-of-a-user", "passw0rd", "s3cr3t-key", "s3ss10n", "sig=5i9")
SIDE = 64


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    """No credentials of this machine, and none of an earlier test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "EARTHDATA_", "CDSE_", "PC_SDK_", "LANDBRIDGE_SOURCE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANDBRIDGE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget()
    yield
    forget()


def configure(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with rs.serving(folder) as running:
        yield running


def pixels(value):
    return np.full((1, SIDE, SIDE), value, "uint8")


def put(server, name, value=7, column=0):
    path = server.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        width=SIDE,
        height=SIDE,
        dtype="uint8",
        crs="EPSG:32614",
        transform=from_origin(500_000 + column * SIDE * 10, 4_200_000, 10, 10),
        tiled=True,
        blockxsize=32,
        blockysize=32,
        compress="deflate",
    ) as dataset:
        dataset.write(pixels(value))
    return name


def grid(columns=1):
    bounds = (500_000, 4_200_000 - SIDE * 10, 500_000 + columns * SIDE * 10, 4_200_000)
    return AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(SIDE, SIDE * columns))


def source(href, sign):
    return Source(href.rpartition("/")[2], (href,), {"b": Band("b", "Byte")}, sign=sign)


def read(href, sign):
    return read_image(source(href, sign), Request(("b",), grid())).data


def table(*rules, id="here", url="https://api.example.org/stac"):
    return SourceTable(id, url, access=rules)


# Files without credentials
def test_files_without_a_rule_are_read_by_their_href(server):
    sign = signer(table(AccessRule(("https://elsewhere.example.org/",), "bearer")))
    href = f"{server.url}/{put(server, 'a.tif')}"
    assert sign(href) is href
    assert (read(href, sign) == 7).all()


def test_public_buckets_are_read_without_a_signature(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AMBIENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-key")
    put(server, "open/a.tif")
    rule = AccessRule(("s3://open/",), "public", "ap-southeast-2", server.url)
    assert (read("s3://open/a.tif", signer(table(rule))) == 7).all()
    assert not [seen for seen in server.seen if "authorization" in seen.headers]


# Tokens
@pytest.fixture
def guarded(server):
    server.behave = lambda seen: (
        None if seen.headers.get("authorization") == "Bearer t0ken-of-a-user" else rs.refuse(401)
    )
    href = f"{server.url}/{put(server, 'a.tif')}"
    return href, table(AccessRule((f"{server.url}/",), "bearer"), id="my-source")


def test_a_token_comes_from_the_environment_or_from_config(guarded, monkeypatch, tmp_path):
    href, rules = guarded
    with pytest.raises(
        RasterError,
        match=r"source 'my-source' needs a token.*LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN, or token in "
        r"\[sources.my-source\] of config.toml",
    ):
        read(href, signer(rules))
    configure(tmp_path, '[sources.my-source]\ntoken = "t0ken-of-a-user"\n')
    assert (read(href, signer(rules)) == 7).all()
    forget()
    configure(tmp_path, '[sources.my-source]\ntoken = "another"\n')
    monkeypatch.setenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN", "t0ken-of-a-user")
    assert (read(href, signer(rules)) == 7).all()


def test_a_new_token_is_found_when_the_old_one_is_refused(guarded, monkeypatch):
    href, rules = guarded
    monkeypatch.setenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN", "an-old-one")
    with pytest.raises(RasterError, match=r"401.*source 'my-source': set LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN"):
        read(href, signer(rules))
    monkeypatch.setenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN", "t0ken-of-a-user")
    assert (read(href, signer(rules)) == 7).all()


def test_a_config_that_others_may_read_is_an_error(guarded, tmp_path):
    href, rules = guarded
    configure(tmp_path, '[sources.my-source]\ntoken = "t0ken-of-a-user"\n')
    (tmp_path / "config.toml").chmod(0o644)
    with pytest.raises(RasterError, match="chmod 600") as caught:
        read(href, signer(rules))
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "a,b", "line\nbreak", "ü"])
def test_what_cannot_be_a_token_is_refused_before_it_is_sent(guarded, server, monkeypatch, token):
    href, rules = guarded
    monkeypatch.setenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN", token)
    with pytest.raises(RasterError, match="characters that no token has") as caught:
        read(href, signer(rules))
    assert token not in str(caught.value)
    assert not server.seen


@pytest.mark.parametrize("prefixes", [("",), ("https://",)])
def test_a_rule_for_all_addresses_sends_the_token_to_the_api_only(prefixes, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCE_HERE_TOKEN", "t0ken-of-a-user")
    sign = signer(table(AccessRule(prefixes, "bearer")))
    assert access_of(sign("https://api.example.org/files/a.tif")) is not None
    for href in (
        "https://example.org/a.tif",
        "http://api.example.org/a.tif",
        "https://api.example.org.evil.net/a.tif",
        "https://api.example.org@evil.net/a.tif",
        "https://api.example.org:81/a.tif",
    ):
        assert access_of(sign(href)) is None


# Earthdata
EARTHDATA = AccessRule(kind="earthdata", region="us-west-2")


@pytest.fixture
def earthdata(server, monkeypatch):
    """A host of files that leads strangers to a login page, and the service of logins beside it."""
    asked = []

    def page(answer):
        answer.send(200, b"<!DOCTYPE html><html>Earthdata Login</html>", {"Content-Type": "text/html"})

    def token(answer):
        asked.append(answer.headers.get("Authorization"))
        answer.rfile.read(int(answer.headers.get("Content-Length") or 0))
        body = {"access_token": "t0ken-of-a-user", "token_type": "Bearer", "expiration_date": "12/31/2099"}
        answer.send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def behave(seen):
        if seen.path == "/login":
            return page
        if seen.path == "/api/users/find_or_create_token":
            return token
        given = seen.headers.get("authorization")
        return None if given == "Bearer t0ken-of-a-user" else rs.redirect(f"{server.url}/login")

    server.behave = behave
    monkeypatch.setattr(rs.Answer, "do_POST", rs.Answer._answer, raising=False)
    monkeypatch.setenv("EARTHDATA_HOST", server.url)
    href = f"{server.url}/protected/{put(server, 'protected/a.tif').rpartition('/')[2]}"
    rule = AccessRule((f"{server.url}/protected/",), "earthdata", "us-west-2")
    return SimpleNamespace(href=href, sign=signer(table(rule, id="lpcloud")), asked=asked)


def test_earthdata_takes_a_token(earthdata, monkeypatch):
    monkeypatch.setenv("EARTHDATA_TOKEN", "t0ken-of-a-user")
    assert (read(earthdata.href, earthdata.sign) == 7).all()
    assert not earthdata.asked


def test_earthdata_gives_a_token_to_a_user(earthdata, monkeypatch, tmp_path, server):
    host = urlsplit(server.url).netloc
    (tmp_path / "netrc").write_text(f"machine {host} login me password passw0rd\n")
    assert (read(earthdata.href, earthdata.sign) == 7).all()
    forget()
    (tmp_path / "netrc").unlink()
    monkeypatch.setenv("EARTHDATA_USERNAME", "me")
    monkeypatch.setenv("EARTHDATA_PASSWORD", "passw0rd")
    assert (read(earthdata.href, earthdata.sign) == 7).all()
    assert earthdata.asked == ["Basic bWU6cGFzc3cwcmQ="] * 2


def test_earthdata_without_a_login_says_what_to_set(earthdata, server):
    with pytest.raises(
        RasterError, match=r"source 'lpcloud' needs an Earthdata login .*: set EARTHDATA_TOKEN"
    ):
        read(earthdata.href, earthdata.sign)
    assert not server.seen


def test_a_login_page_of_earthdata_is_an_error_of_access(earthdata, monkeypatch):
    monkeypatch.setenv("EARTHDATA_TOKEN", "an-old-one")
    with pytest.raises(
        RasterError, match=r"web page instead of the file.*source 'lpcloud': set EARTHDATA_TOK"
    ):
        read(earthdata.href, earthdata.sign)


def test_keys_of_earthdata_are_obstores(monkeypatch):
    """The provider of obstore is called as it is now: its errors become ours."""
    monkeypatch.setattr(services, "_LPDAAC_KEYS", "http://127.0.0.1:9/s3credentials")
    monkeypatch.setattr(
        "obstore.auth.earthdata.default_requests_session", lambda: __import__("requests").Session()
    )
    monkeypatch.setenv("EARTHDATA_TOKEN", "t0ken-of-a-user")
    address = signer(table(AccessRule(("s3://lp-prod-protected/",), "earthdata", "us-west-2")))(
        "s3://lp-prod-protected/a.tif"
    )
    with pytest.raises(CredentialsError, match=r"127.0.0.1:9 gave no keys of S3 \(ConnectionError\)"):
        stored_file(address)


# The Planetary Computer
@pytest.fixture
def computer(server, monkeypatch):
    """Blobs of two accounts that need signatures, and the service that gives them."""
    state = SimpleNamespace(round=1, asked=[], life=3600.0, broken=0)

    def signature(seen):
        return f"sv=1&sig=5i9-{'-'.join(seen.path.strip('/').split('/')[:2])}-{state.round}"

    def token(answer):
        if state.broken:
            state.broken -= 1
            return answer.send(503, headers={"Retry-After": "0"})
        place = answer.path.removeprefix("/api/sas/v1/token/")
        state.asked.append((place, answer.headers.get("Ocp-Apim-Subscription-Key")))
        expiry = datetime.now(UTC) + timedelta(seconds=state.life)
        body = {
            "msft:expiry": expiry.isoformat().replace("+00:00", "Z"),
            "token": f"sv=1&sig=5i9-{place.replace('/', '-')}-{state.round}",
        }
        return answer.send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def behave(seen):
        if seen.path.startswith("/api/sas/"):
            return token
        if seen.query != signature(seen):
            return rs.refuse(403 if seen.query else 409)
        return None

    server.behave = behave
    monkeypatch.setenv("PC_SDK_SAS_URL", f"{server.url}/api/sas/v1/token")
    rule = AccessRule((f"{server.url}/",), "planetary-computer", endpoint=server.url)
    state.table = table(rule, id="planetary-computer")
    return state


def test_one_signature_is_fetched_for_each_container(computer, server, monkeypatch):
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "subscription")
    sign = signer(computer.table)
    names = [f"acc{n % 2}/cont/scene {n}/a b.tif" for n in range(6)]
    for n, name in enumerate(names):
        put(server, name, value=n + 1, column=n)
    hrefs = [f"{server.url}/{name.replace(' ', '%20')}" for name in names]
    found = mosaic([source(href, sign) for href in hrefs], Request(("b",), grid(6))).data
    assert (found == np.concatenate([pixels(n + 1) for n in range(6)], axis=2)).all()
    assert sorted(computer.asked) == [("acc0/cont", "subscription"), ("acc1/cont", "subscription")]
    blobs = [seen for seen in server.seen if not seen.path.startswith("/api/")]
    assert blobs
    assert not [seen for seen in blobs if "ocp-apim-subscription-key" in seen.headers]


def test_a_signature_that_expires_amid_a_mosaic_is_fetched_again(computer, server):
    sign = signer(computer.table)
    names = [put(server, f"acc/cont/{n}.tif", n + 1, n) for n in range(6)]
    behave = server.behave

    def expiring(seen):
        if len(server.gets(".tif")) == 4:
            computer.round = 2
        return behave(seen)

    server.behave = expiring
    found = mosaic([source(f"{server.url}/{name}", sign) for name in names], Request(("b",), grid(6))).data
    assert (found == np.concatenate([pixels(n + 1) for n in range(6)], axis=2)).all()
    assert [place for place, _ in computer.asked] == ["acc/cont"] * 2


def test_a_signature_is_kept_until_it_expires(computer, server):
    sign = signer(computer.table)
    href = f"{server.url}/{put(server, 'acc/cont/a.tif')}"
    assert (read(href, sign) == 7).all()
    assert (read(href, signer(computer.table)) == 7).all()
    assert len(computer.asked) == 1
    forget()
    computer.life = 0.0
    for _ in range(2):
        assert (read(href, sign) == 7).all()
    assert len(computer.asked) > 2


def test_the_service_of_signatures_may_be_busy(computer, server):
    computer.broken = 2
    href = f"{server.url}/{put(server, 'acc/cont/a.tif')}"
    assert (read(href, signer(computer.table)) == 7).all()
    computer.broken = 99
    forget()
    with pytest.raises(RasterError, match=r"Credentials for the file cannot be fetched: .* answered 503"):
        read(href, signer(computer.table))


def test_blobs_of_the_real_hosts_and_nothing_else_are_signed():
    rules = (
        AccessRule(("https://ai4edatasetspublicassets.blob.core.windows.net/",)),
        AccessRule(("https://*.blob.core.windows.net/",), "planetary-computer"),
    )
    sign = signer(table(*rules, id="planetary-computer"))
    access = access_of(sign("https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/10/B04.tif"))
    assert dict(access.settings) == {
        "account_name": "sentinel2l2a01",
        "container_name": "sentinel2-l2",
        "endpoint": "https://sentinel2l2a01.blob.core.windows.net",
    }
    for href in (
        "https://ai4edatasetspublicassets.blob.core.windows.net/c/a.tif",
        "http://sentinel2l2a01.blob.core.windows.net/c/a.tif",
        "https://sentinel2l2a01.blob.core.windows.net.evil.net/c/a.tif",
        "https://evil.net/x.blob.core.windows.net/c/a.tif",
        # Somebody else has signed it.
        "https://sentinel2l2a01.blob.core.windows.net/c/a.tif?sig=1",
    ):
        assert access_of(sign(href)) is None


# S3
def keys_of(address):
    return dict(access_of(address).credential().values)


def test_keys_come_from_the_environment_config_profile_or_boto3(monkeypatch, tmp_path):
    rule = AccessRule(("s3://usgs-landsat/",), "s3", "us-west-2", requester_pays=True)
    sign = signer(table(rule, id="usgs"))
    address = sign("s3://usgs-landsat/a.TIF")
    with pytest.raises(
        CredentialsError,
        match=r"source 'usgs' needs keys of S3 .* LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID and "
        r"LANDBRIDGE_SOURCE_USGS_SECRET_ACCESS_KEY, or AWS_ACCESS_KEY_ID .* \[sources.usgs\] .* charged",
    ):
        keys_of(address)
    (tmp_path / "aws-credentials").write_text(
        "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s3cr3t-key\n"
        "[other]\naws_access_key_id = OTHER\naws_secret_access_key = s3cr3t-key\n"
    )
    found = []
    own = "LANDBRIDGE_SOURCE_USGS"
    for variables in [
        {},
        {"AWS_PROFILE": "other"},
        {"AWS_ACCESS_KEY_ID": "VARIABLE", "AWS_SECRET_ACCESS_KEY": "s3cr3t-key"},
        {f"{own}_PROFILE": "default"},
        {f"{own}_ACCESS_KEY_ID": "HALF"},
        {f"{own}_ACCESS_KEY_ID": "OWN", f"{own}_SECRET_ACCESS_KEY": "s3cr3t-key"},
    ]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        forget()
        found.append(keys_of(sign("s3://usgs-landsat/a.TIF"))["access_key_id"])
    assert found == ["DEFAULT", "OTHER", "VARIABLE", "DEFAULT", "DEFAULT", "OWN"]
    configure(tmp_path, '[sources.usgs]\naccess_key_id = "CONFIG"\nsecret_access_key = "s3cr3t-key"\n')
    monkeypatch.delenv("LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID")
    forget()
    assert keys_of(sign("s3://usgs-landsat/a.TIF"))["access_key_id"] == "CONFIG"
    assert access_of(address).setting("request_payer") == "true"


def test_keys_of_another_service_are_not_sent(monkeypatch):
    """The variables of AWS's tools are for one service: that of their endpoint."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AMBIENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-key")
    elsewhere = AccessRule(("s3://eodata/",), "s3", "default", "https://eodata.dataspace.copernicus.eu")
    aws = AccessRule(("s3://usgs-landsat/",), "s3", "us-west-2")
    sign = signer(table(elsewhere, aws, id="cdse"))
    with pytest.raises(CredentialsError, match=r"source 'cdse' needs keys of S3.*CDSE_S3_ACCESS_KEY"):
        keys_of(sign("s3://eodata/a.jp2"))
    assert keys_of(sign("s3://usgs-landsat/a.TIF"))["access_key_id"] == "AMBIENT"
    forget()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://eodata.dataspace.copernicus.eu/")
    assert keys_of(sign("s3://eodata/a.jp2"))["access_key_id"] == "AMBIENT"
    with pytest.raises(CredentialsError, match="needs keys of S3"):
        keys_of(sign("s3://usgs-landsat/a.TIF"))
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "OWN")
    monkeypatch.setenv("CDSE_S3_SECRET_KEY", "s3cr3t-key")
    forget()
    assert keys_of(sign("s3://eodata/a.jp2"))["access_key_id"] == "OWN"


def test_a_missing_profile_is_named_by_its_kind(monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCE_HERE_PROFILE", "nobody")
    address = signer(table(AccessRule(("s3://a/",), "s3")))("s3://a/b.tif")
    with pytest.raises(CredentialsError, match="boto3 gives no keys of S3: ProfileNotFound"):
        stored_file(address)


def test_a_file_of_the_web_is_no_file_of_s3(server):
    rule = AccessRule((f"{server.url}/",), "s3", alternate="s3")
    with pytest.raises(RasterError, match=r"source 'here' reads files from S3, and .*/a.tif' is no address"):
        read(f"{server.url}/a.tif", signer(table(rule)))


def test_two_services_of_s3_in_one_mosaic(monkeypatch, s3_server, server):
    """Buckets of a real service with keys, regions and payers of their own, beside the environment's."""
    tables = []
    for n, (bucket, key) in enumerate((("first", FIRST), ("second", SECOND))):
        content = (server.folder / put(server, f"{n}.tif", n + 1, n)).read_bytes()
        s3_server.bucket(bucket).put("2020/a b.tif", content)
        monkeypatch.setenv(f"LANDBRIDGE_SOURCE_{bucket.upper()}_ACCESS_KEY_ID", key.access)
        monkeypatch.setenv(f"LANDBRIDGE_SOURCE_{bucket.upper()}_SECRET_ACCESS_KEY", key.secret)
        rule = AccessRule((f"s3://{bucket}/",), "s3", f"region-{n}", s3_server.url, requester_pays=bool(n))
        tables.append(table(rule, id=bucket))
    sources = [source(f"s3://{each.id}/2020/a b.tif", signer(each)) for each in tables]
    found = mosaic(sources, Request(("b",), grid(2))).data
    assert (found == np.concatenate([pixels(1), pixels(2)], axis=2)).all()
    other = table(AccessRule(("s3://second/",), "s3", "region-0", s3_server.url), id="first")
    with pytest.raises(RasterError, match="403"):
        read("s3://second/2020/a b.tif", signer(other))


# Secrets
KINDS = [
    AccessRule(("https://tokens.example.org/",), "bearer"),
    AccessRule(("https://earthdata.example.org/",), "earthdata"),
    AccessRule(("s3://keys/",), "s3"),
    AccessRule(("s3://earthdata/",), "earthdata"),
    AccessRule(("https://*.blob.core.windows.net/",), "planetary-computer"),
]


@pytest.fixture
def secrets(monkeypatch, tmp_path):
    for name, value in {
        "TOKEN": "t0ken-of-a-user",
        "PASSWORD": "passw0rd",
        "ACCESS_KEY_ID": "KEY",
        "SECRET_ACCESS_KEY": "s3cr3t-key",
        "SESSION_TOKEN": "s3ss10n",
    }.items():
        monkeypatch.setenv(f"LANDBRIDGE_SOURCE_HERE_{name}", value)
    monkeypatch.setattr(
        services, "planetary_computer_signature", lambda *_: {"sas_token": "sv=1&sig=5i9", "expires_at": None}
    )
    keys = {"access_key_id": "K", "secret_access_key": "s3cr3t-key", "token": "s3ss10n", "expires_at": None}
    monkeypatch.setattr(services, "earthdata_keys", lambda _: keys)


@pytest.mark.parametrize("rule", KINDS, ids=lambda rule: rule.kind)
def test_secrets_are_in_no_repr_and_no_pickle(secrets, rule):
    sign = signer(table(rule))
    (prefix,) = rule.prefixes
    address = sign(f"{prefix.replace('*', 'account')}container/a.tif")
    target = stored_file(address)
    access = access_of(address)
    credential = access.credential()
    assert any(secret in "".join(credential.secrets) for secret in SECRETS)
    values = [sign, address, str(address), access, access.credentials, credential, target.store, target]
    shown = "".join(f"{value!r}{value!s}" for value in values)
    shown += repr(getattr(target.store, "config", None)) + repr(getattr(target.store, "prefix", None))
    dumped = pickle.dumps(sign) + pickle.dumps(address)
    assert not [secret for secret in SECRETS if secret in shown or secret.encode() in dumped]
    for value in (access, credential, access.credentials):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(value)


def test_a_signer_of_another_process_finds_its_own_credentials(guarded, monkeypatch, server):
    href, rules = guarded
    monkeypatch.setenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN", "t0ken-of-a-user")
    dumped = pickle.dumps(source(href, signer(rules)))
    assert b"t0ken" not in dumped
    assert len(pickle.dumps(signer(rules))) < 1000
    monkeypatch.delenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN")
    forget()
    restored = pickle.loads(dumped)
    with pytest.raises(RasterError, match="set LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN"):
        read_image(restored, Request(("b",), grid()))
    monkeypatch.setenv("LANDBRIDGE_SOURCE_MY_SOURCE_TOKEN", "t0ken-of-a-user")
    assert (read_image(restored, Request(("b",), grid())).data == 7).all()


def test_redirects_of_a_service_of_credentials_are_not_followed(server, monkeypatch):
    server.behave = lambda _: rs.redirect(f"{server.url}/elsewhere")
    monkeypatch.setattr(rs.Answer, "do_POST", rs.Answer._answer, raising=False)
    monkeypatch.setenv("EARTHDATA_HOST", server.url)
    with pytest.raises(CredentialsError, match="answered 302"):
        services.earthdata_token("me", "passw0rd")
    assert len(server.seen) == 1


def test_the_names_of_variables():
    assert credentials.variable("planetary-computer", "token") == "LANDBRIDGE_SOURCE_PLANETARY_COMPUTER_TOKEN"


# Which signer counts
def test_files_of_sources_in_ones_own_catalog_are_signed(monkeypatch):
    rules = (AccessRule(("https://tokens.example.org/",), "bearer"), AccessRule(("",), "bearer"))
    registry.add(table(*rules, id="docs-mine"))
    try:
        sign = known_signer()
        assert access_of(sign("https://tokens.example.org/a.tif")).name == "source 'docs-mine'"
        # A rule for all addresses is for its own API's items only.
        assert access_of(sign("https://api.example.org/a.tif")) is None
        restored = pickle.loads(pickle.dumps(sign))
        assert access_of(restored("https://tokens.example.org/a.tif")).name == "source 'docs-mine'"
        monkeypatch.setenv("LANDBRIDGE_SOURCES", "")
        assert access_of(known_signer()("https://tokens.example.org/a.tif")) is None
    finally:
        registry.remove("docs-mine")


def client(**changes):
    given = {
        "asset_signer": None,
        "signs_assets": False,
        "source": None,
        "store": None,
        "url": "https://catalog.example.org",
    }
    return SimpleNamespace(**{**given, **changes})


def image(client, *hrefs):
    return SimpleNamespace(_client=client, files=[SimpleNamespace(href=href) for href in hrefs])


def test_the_clients_own_signer_comes_first_then_the_sources_then_the_services(monkeypatch):
    rules = table(AccessRule(("https://tokens.example.org/",), "bearer"))
    foreign = "https://tokens.example.org/a.tif"
    own, of_source, plain = engine_inputs.url_signers(
        [
            image(client(asset_signer=str.upper, source=rules)),
            image(client(source=rules)),
            image(client()),
        ]
    )
    assert own is str.upper
    assert access_of(of_source(foreign)).name == "source 'here'"
    assert access_of(plain(foreign)) is None
    # A service that signs its files may refer to files of a source too.
    stored = "https://catalog.example.org/assets/a.tif"
    asked = []

    def answer(*arguments, **options):
        asked.append(arguments[2]["hrefs"])
        now = datetime.now(UTC)
        signed = [f"{href}?sig={len(asked)}" for href in arguments[2]["hrefs"]]
        return (
            {"hrefs": signed, "expires": (now + timedelta(hours=1)).isoformat()},
            {"date": now.strftime("%a, %d %b %Y %H:%M:%S GMT")},
        )

    service = client(source=rules, signs_assets=True, request_with_headers=answer)
    (sign,) = engine_inputs.url_signers([image(service, stored, foreign)])
    assert isinstance(sign, ImageUrlSigner)
    assert sign(stored) == f"{stored}?sig=1"
    assert access_of(sign(foreign)).name == "source 'here'"
    assert asked == [[stored]]
    # A refused URL is replaced, the current one is not.
    assert sign.renew(stored, f"{stored}?sig=1") == f"{stored}?sig=2"
    assert sign.renew(stored, f"{stored}?sig=1") == f"{stored}?sig=2"
    restored = pickle.loads(pickle.dumps(sign))
    assert isinstance(restored, UnpickledUrls)
    assert restored(stored) == f"{stored}?sig=2"
    assert access_of(restored(foreign)).name == "source 'here'"


def test_a_url_of_the_service_that_is_refused_is_signed_again(server):
    href = f"{server.url}/assets/{put(server, 'assets/a.tif').rpartition('/')[2]}"
    rounds = []

    def answer(*arguments, **options):
        rounds.append(len(rounds) + 1)
        now = datetime.now(UTC)
        return (
            {
                "hrefs": [f"{each}?sig={rounds[-1]}" for each in arguments[2]["hrefs"]],
                "expires": (now + timedelta(hours=1)).isoformat(),
            },
            {"date": now.strftime("%a, %d %b %Y %H:%M:%S GMT")},
        )

    server.behave = lambda seen: None if seen.query == "sig=2" else rs.refuse(403)
    service = client(url=server.url, request_with_headers=answer)
    sign = ImageUrlSigner(UrlSigner(service, [href]), [href])
    assert isinstance(sign(href), ExpiringUrl)
    assert (read(href, sign) == 7).all()
    assert rounds == [1, 2]

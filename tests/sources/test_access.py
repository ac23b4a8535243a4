"""Credentials of replayed providers: what expires, what is missing, and what goes to whom."""

import contextlib
import traceback

import numpy as np
import pytest

from landbridge.catalog import Image, ImageCollection
from landbridge.exceptions import BadRequestError
from landbridge.raster import RasterError
from landbridge.sources.access.source_signer import forget
from sources import oracle
from sources.columns import COLUMNS, RGB, Site, area
from support.replay import replayed
from support.replay.as_source import used, variables

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _no_headers_on_disk(monkeypatch):
    """Each test opens its files: headers of an earlier one would spare requests."""
    monkeypatch.setenv("LANDBRIDGE_CACHE", "off")
    forget()
    yield
    forget()


@contextlib.contextmanager
def sites(*names, count=12):
    with contextlib.ExitStack() as stack:
        providers = [stack.enter_context(replayed(name, count)) for name in names]
        stack.enter_context(used(*providers))
        yield [Site(COLUMNS[name], provider) for name, provider in zip(names, providers, strict=True)]


def same(found, wanted):
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_array_equal(np.ma.filled(found, 0), np.ma.filled(wanted, 0))


def everything_of(error):
    texts = ["".join(traceback.format_exception(error))]
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize("reads", [1, 2, 4])
def test_signatures_that_expire_amid_a_mosaic_are_fetched_again(reads):
    with sites("planetary-computer") as (site,):
        files, record = site.provider.files, site.records[1]
        seen = []

        def expiring(request):
            seen.append(request)
            if len(seen) == reads:
                files.expire()

        files.behave = expiring
        images = ImageCollection([site.image(each) for each in site.records[:2]])
        found = images.mosaic(RGB, geocontext=area(record, resolution=oracle.finest(record, RGB)))
        same(found, oracle.stacked(record, RGB))
        assert len({request.query.get("sig") for request in seen}) == 2
        # Also a signature that was kept from an earlier call.
        files.expire()
        found = site.image(record).ndarray(
            RGB, geocontext=area(record, resolution=oracle.finest(record, RGB))
        )
        same(found, oracle.stacked(record, RGB))


@pytest.mark.parametrize(
    ("name", "unset", "says"),
    [
        (
            "lpcloud",
            ["EARTHDATA_TOKEN"],
            r"source 'lpcloud' needs an Earthdata login .*: set EARTHDATA_TOKEN",
        ),
        (
            "usgs",
            ["LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID"],
            r"'usgs' needs keys of S3 .*LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID.*\[sources.usgs\].*charged",
        ),
        (
            "cdse",
            ["LANDBRIDGE_SOURCE_CDSE_SECRET_ACCESS_KEY"],
            r"source 'cdse' needs keys of S3 .*CDSE_S3_ACCESS_KEY and CDSE_S3_SECRET_KEY",
        ),
    ],
)
def test_missing_credentials_are_named(name, unset, says):
    with sites(name) as (site,), variables(dict.fromkeys([*unset, "NETRC"]) | {"NETRC": "/nowhere"}):
        with pytest.raises((RasterError, BadRequestError), match=says):
            site.image(site.records[0]).ndarray("red")
        assert not site.provider.files.seen


@pytest.mark.parametrize(
    ("name", "changed", "says"),
    [
        ("lpcloud", {"EARTHDATA_TOKEN": "an-old-t0ken"}, r"401.*source 'lpcloud': set EARTHDATA_TOKEN"),
        (
            "usgs",
            {"LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID": "an-old-t0ken"},
            r"403.*source 'usgs': set LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID",
        ),
        (
            "cdse",
            {"LANDBRIDGE_SOURCE_CDSE_ACCESS_KEY_ID": "an-old-t0ken"},
            r"source 'cdse': set LANDBRIDGE_SOURCE_CDSE_ACCESS_KEY_ID",
        ),
    ],
)
def test_refused_credentials_are_named_and_not_shown(name, changed, says):
    with sites(name) as (site,), variables(changed):
        with pytest.raises((RasterError, BadRequestError), match=says) as caught:
            site.image(site.records[0]).ndarray("red")
        assert "an-old-t0ken" not in everything_of(caught.value)
        assert "secret-of-the-tests" not in everything_of(caught.value)


def test_sources_in_one_stack_get_their_own_credentials_only():
    with sites("planetary-computer", "lpcloud", "usgs") as each:
        pixels = []
        for site in each:
            record = site.records[1]
            images = ImageCollection([Image.get(f"{one.prefixed}:{one.records[1].id}") for one in each])
            resolution = oracle.finest(record, RGB)
            found = images.stack(RGB, geocontext=area(record, resolution=resolution), data_type="Float64")
            wanted = oracle.stacked(record, RGB)
            pixels.append(wanted.count())
            same(found[each.index(site)], wanted)
        assert min(pixels) > 0
        computer, earthdata, usgs = (site.provider.files for site in each)
        assert {"sig"} <= {name for request in computer.seen for name in request.query}
        assert not [request for request in computer.seen if "authorization" in request.headers]
        assert {request.headers.get("authorization") for request in earthdata.seen} == {
            f"Bearer {earthdata.token}"
        }
        assert not [request for request in [*earthdata.seen, *usgs.seen] if request.query]
        assert {request.headers.get("x-amz-request-payer") for request in usgs.seen} == {"requester"}
        assert all(f"Credential={usgs.key}/" in request.headers["authorization"] for request in usgs.seen)


def test_odc_stacs_own_driver_gets_signed_urls():
    with sites("planetary-computer") as (site,):
        record = site.records[1]
        images = ImageCollection([site.image(record)])
        place = area(record, resolution=oracle.finest(record, RGB))
        for driver in ("rio", None):
            found = images.to_dataset(RGB, geocontext=place, **({"driver": driver} if driver else {}))
            wanted = oracle.stacked(record, RGB)
            for layer, band in zip(wanted, RGB, strict=True):
                shown = found[band].values.squeeze()
                assert (shown[~np.ma.getmaskarray(layer)] == layer.compressed().reshape(-1)).all()

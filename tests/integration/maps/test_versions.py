"""Entity tags of tiles: exact, and known before a pixel is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integration.maps.conftest import Maps, tile_path
from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    import pytest


def test_an_unchanged_tile_is_not_rendered_again(maps: Maps, monkeypatch: pytest.MonkeyPatch):
    product = maps.product()
    maps.image(product, "one")
    paths = [
        tile_path(product, "png"),
        f"/collections/{product}/preview.png",
        f"/collections/{product}/items/one/bbox/9,9,12,12.png",
        f"/collections/{product}/point/10.5,10.5",
    ]
    tags = [maps("GET", path).headers["etag"] for path in paths]
    assert len(set(tags)) == len(tags)

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("rendered")

    pool = maps.service.app.state.render_pool
    monkeypatch.setattr(pool, "render", refuse)
    monkeypatch.setattr(pool, "point", refuse)
    for path, tag in zip(paths, tags, strict=True):
        answer = maps("GET", path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert "max-age=60" in answer.headers["cache-control"]


def test_the_tag_changes_with_all_that_the_pixels_depend_on_and_with_nothing_else(maps: Maps):
    product, other = maps.product(), maps.product()
    maps.image(product, "one", datetime="2024-01-01T00:00:00Z")
    path = tile_path(product, "png")

    def tag(**params: str) -> str:
        answer = maps("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.headers["etag"]

    tags = [tag()]
    maps.image(other, "other")
    maps.image(product, "elsewhere", corner=(-50.0, 10.0))
    assert tag() == tags[0]
    tags += [tag(rescale="0,100"), tag(tilesize="512"), tag(bands="nir"), tag(resampling="bilinear")]
    assert len({*tags}) == 5

    bands = maps.ok("GET", f"/collections/{product}")["bands"]
    for band in bands:
        band["catalog:display_range"] = [0, 50]
    maps.ok("PATCH", f"/collections/{product}", json={"bands": bands})
    tags.append(tag())
    maps.image(product, "two", 2, datetime="2025-01-01T00:00:00Z")
    tags.append(tag())
    maps.ok(
        "PATCH",
        f"/collections/{product}/items/two",
        json={"geometry": None} and {"properties": {"datetime": "2019-01-01T00:00:00Z"}},
    )
    tags.append(tag())
    maps.ok("DELETE", f"/collections/{product}/items/two")
    assert len({*tags}) == len(tags)
    assert tag() == tags[5]


def test_only_what_everybody_sees_is_kept_by_shared_caches(maps: Maps):
    reader = maps.token(Principal("ann", org="acme"))
    private = maps.product(**{"catalog:readers": ["user:ann"]})
    public = maps.product(**{"catalog:readers": ["public"]})
    for product in (private, public):
        maps.image(product, "one")

    def cached(path: str, token: str | None) -> str:
        answer = maps("GET", path, token)
        assert answer.status_code == 200, answer.text
        return answer.headers["cache-control"].partition(",")[0]

    assert cached(tile_path(private), reader) == "private"
    assert cached(tile_path(public), reader) == cached(tile_path(public), None) == "public"
    assert cached(tile_path(public), maps.token(Principal("zoe"))) == "public"
    both = maps.ok("POST", "/searches/register", json={"collections": [private, public]})["id"]
    everything = maps.ok("POST", "/searches/register", reader, json={})["id"]
    for search in (both, everything):
        assert cached(f"/searches/{search}/tiles/WorldCRS84Quad/2/4/1.npy?bands=red", None) == "private"
    one = maps.ok("POST", "/searches/register", json={"collections": [public]})["id"]
    assert cached(f"/searches/{one}/preview.npy", None) == "public"

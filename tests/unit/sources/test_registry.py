"""The registry of sources: shipped, added, of the user's files; and the command `landbridge sources`."""

import json
import os
import socket

import pytest
from click.testing import CliRunner

from landbridge import sources
from landbridge.catalog import CatalogClient
from landbridge.cli import main
from landbridge.exceptions import ConfigError, ServerError
from landbridge.mappings.sources import shipped, shipped_texts
from landbridge.mappings.sources.documents import SourceDocuments
from landbridge.sources import files, registry

TABLE = """
id = "mine"
url = "https://stac.example.org/v1"
title = "My imagery"

[[products]]
collection = "scenes"
ids = ["esa:sentinel-2:l2a:v1"]

[[products]]
collection = "landsat"
ids = ["usgs:oli"]
where = { platform = ["landsat-8", "landsat-9"] }

[[products]]
collection = "landsat"
ids = ["usgs:etm"]
where = { platform = "landsat-7" }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("LANDBRIDGE_SOURCES")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["sources", *arguments])


def test_every_shipped_table_is_named_after_its_id_and_parses():
    assert shipped_texts()
    assert [shipped(name).id for name in shipped_texts()] == list(shipped_texts())


def test_sources_are_listed_own_ones_first_then_shipped_ones_by_rank(folder):
    (folder / "sources").mkdir()
    (folder / "sources" / "mine.toml").write_text(TABLE)
    listed = sources.list()
    assert listed[0].id == "mine"
    assert sorted(one.id for one in listed[1:]) == sorted(shipped_texts())
    assert [one.rank for one in listed[1:]] == sorted(one.rank for one in listed[1:])


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [("", []), ("earth-search", ["earth-search"]), (" earth-search , ", ["earth-search"])],
)
def test_the_variable_bounds_and_orders_the_sources(monkeypatch, chosen, ids):
    monkeypatch.setenv("LANDBRIDGE_SOURCES", chosen)
    assert [one.id for one in sources.list()] == ids
    assert (registry.claim("esa:sentinel-2:l2a:v1") is None) is (not ids)


def test_an_unknown_name_in_the_variable_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCES", "earth-search,nowhere")
    with pytest.raises(ConfigError, match=r"LANDBRIDGE_SOURCES names 'nowhere'.*earth-search"):
        sources.list()


def test_a_table_of_config_toml_is_a_source_and_replaces_a_shipped_one(folder):
    (folder / "config.toml").write_text('[sources.earth-search]\nurl = "https://mirror.example.org"\n')
    assert sources.get("earth-search").url == "https://mirror.example.org"
    assert [one.id for one in sources.list()].count("earth-search") == 1


def test_credentials_of_a_source_do_not_make_a_source_and_are_no_keys_of_its_table(folder):
    (folder / "config.toml").write_text('[sources.earth-search]\ntoken = "secret"\n')
    (folder / "config.toml").chmod(0o600)
    assert sources.get("earth-search").url == shipped("earth-search").url
    assert files.credentials_of("earth-search", os.environ) == {"token": "secret"}


def test_a_config_file_with_credentials_that_others_may_read_is_refused(folder):
    (folder / "config.toml").write_text('[sources.earth-search]\nsecret_access_key = "secret"\n')
    (folder / "config.toml").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600") as error:
        sources.list()
    assert "secret_access_key" not in str(error.value)


def test_an_invalid_file_is_an_error_that_names_file_and_key(folder):
    (folder / "sources").mkdir()
    (folder / "sources" / "mine.toml").write_text(TABLE.replace("collection = ", "colection = ", 1))
    with pytest.raises(ConfigError, match=r"mine\.toml: products\[0\]\.colection"):
        sources.list()


def test_a_changed_file_counts_at_once(folder):
    (folder / "sources").mkdir()
    file = folder / "sources" / "mine.toml"
    file.write_text(TABLE)
    assert sources.get("mine").title == "My imagery"
    file.write_text(TABLE.replace("My imagery", "Renamed"))
    os.utime(file, ns=(1, 1))
    assert sources.get("mine").title == "Renamed"


def test_a_source_is_added_and_removed_in_python(folder):
    table = sources.add("added", "https://stac.example.org", title="Added")
    assert sources.get("added") == table
    assert registry.claim("added:anything") == table
    sources.remove("added")
    with pytest.raises(sources.SourceNotFoundError, match="'added'"):
        sources.get("added")
    with pytest.raises(LookupError, match="shipped"):
        sources.remove("earth-search")


@pytest.mark.parametrize(
    ("arguments", "keys", "message"),
    [
        (("a b", "https://x.org"), {}, "letters, digits"),
        (("added",), {}, "url is missing"),
        (("added", "ftp://x.org"), {}, "http"),
        (("added", "https://u:p@x.org"), {}, "password"),
        (("added", "https://x.org"), {"kind": "zip"}, "source added: kind is 'zip'"),
        (("added", "https://x.org"), {"kin": "api"}, "kin is not a key"),
    ],
)
def test_an_invalid_source_is_refused_with_the_reason(arguments, keys, message):
    with pytest.raises(ConfigError, match=message):
        sources.add(*arguments, **keys)


def test_an_id_belongs_to_the_first_source_that_has_it(folder):
    assert registry.claim("esa:sentinel-2:l2a:v1").id == "earth-search"
    (folder / "sources").mkdir()
    (folder / "sources" / "mine.toml").write_text(TABLE)
    assert registry.claim("esa:sentinel-2:l2a:v1").id == "mine"
    assert registry.claim("earth-search:sentinel-2-c1-l2a").id == "earth-search"
    assert registry.claim("local:fields") is None


@pytest.mark.parametrize(
    ("id", "product"),
    [
        ("esa:sentinel-2:l2a:v1:S2A_T32", "esa:sentinel-2:l2a:v1"),
        ("earth-search:some-collection:S2A_T32", "earth-search:some-collection"),
        ("earth-search:some-collection:S2A:T32", "earth-search:some-collection"),
        ("local:fields:2024", None),
        ("esa:sentinel-2:l2a:v1", None),
        ("plain", None),
    ],
)
def test_the_id_of_an_image_has_the_id_of_its_product(id, product):
    assert registry.image_product(id) == product


def test_rows_of_one_collection_are_products_of_their_own(folder):
    (folder / "sources").mkdir()
    (folder / "sources" / "mine.toml").write_text(TABLE)
    documents = SourceDocuments(sources.get("mine"))
    assert documents.product_ids("landsat") == ["usgs:oli", "usgs:etm"]
    assert documents.product_ids("other") == ["mine:other"]
    assert documents.collection_id("usgs:etm") == "landsat"
    assert documents.collection_id("mine:landsat") == "landsat"
    assert documents.row("mine:landsat") is None, "the whole collection, not one platform"
    item = {"id": "a", "collection": "landsat", "properties": {"platform": "landsat-8"}}
    assert documents.has_item(item, "usgs:oli")
    assert not documents.has_item(item, "usgs:etm")
    assert documents.item(item, "usgs:oli") == {**item, "collection": "usgs:oli"}


def test_the_command_lists_shows_adds_and_removes_sources(folder):
    assert run("add", "mine", "https://stac.example.org/v1", "--title", "Mine").exit_code == 0
    assert (folder / "sources" / "mine.toml").exists()
    assert run("list").output.startswith("mine\tapi\t0 products\thttps://stac.example.org/v1\n")
    assert json.loads(run("list", "--json").output)[0]["id"] == "mine"
    assert run("show", "mine").output.startswith("Mine (mine)\n")
    assert json.loads(run("show", "earth-search", "--json").output)["id"] == "earth-search"
    assert run("remove", "mine").output == "Removed mine.\n"
    result = run("remove", "mine")
    assert result.exit_code == 1
    assert "You added no source 'mine'." in result.output


def test_the_command_adds_a_file_and_reports_a_wrong_one(folder):
    good, bad = folder / "good.toml", folder / "bad.toml"
    good.write_text(TABLE)
    bad.write_text(TABLE.replace('url = "', 'urls = "'))
    assert run("add", str(good)).exit_code == 0
    assert sources.get("mine").products[0].collection == "scenes"
    result = run("add", str(bad))
    assert result.exit_code == 1
    assert "bad.toml: urls is not a key" in result.output


def test_each_id_is_listed_once_by_the_source_that_is_asked_for_it():
    found = [(table.id, document["id"]) for table, documents in registry.listed() for document in documents]
    ids = [name for _, name in found]
    assert sorted(ids) == sorted(set(ids))
    assert all(registry.claim(name).id == table for table, name in found)


def test_a_name_that_cannot_be_resolved_is_asked_for_twice_at_most(monkeypatch):
    asked = []

    def not_known(*arguments, **_kwargs):
        asked.append(arguments)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_known)
    with pytest.raises(ServerError, match=r"stac\.invalid could not be reached"):
        CatalogClient("https://stac.invalid", retries=5).get("/")
    assert 1 <= len(asked) <= 2

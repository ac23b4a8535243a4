"""Older documents become STAC 1.1; all others are not touched."""

from __future__ import annotations

import copy

import pystac
import pytest

from landbridge.stac_api.documents import upgrade
from landbridge.stac_api.documents.upgrade import migrated
from landbridge.stac_api.errors import BadRequestError

ITEM = {
    "type": "Feature",
    "id": "i",
    "geometry": None,
    "properties": {"datetime": "2020-01-01T00:00:00Z"},
    "assets": {},
    "links": [],
}
EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0", None, 1, "", "x"])
@pytest.mark.parametrize(
    "names", [None, [], ["mine"], ["https://stac-extensions.github.io/eo/v1.0.0/schema.json"]]
)
def test_a_document_that_is_not_older_is_the_same_object_and_pystac_is_not_asked(monkeypatch, version, names):
    monkeypatch.setattr(upgrade, "_by_pystac", None)
    document = {**ITEM, "stac_version": version, "stac_extensions": names}
    assert migrated(document, {}) is document


@pytest.mark.parametrize("version", ["0.6.0", "0.8.1", "0.9.0", "1.0.0-beta.2", "1.0.0-rc.1"])
def test_a_migration_leaves_the_document_as_it_was(version):
    document = {**ITEM, "stac_version": version, "stac_extensions": ["eo", "projection"]}
    document["properties"] = {
        **ITEM["properties"],
        "eo:cloud_cover": 5,
        "eo:epsg": 32635,
        "eo:bands": [{"name": "a"}],
    }
    document["assets"] = {"a": {"href": "a.tif", "eo:bands": [0] if version < "1" else [{"name": "a"}]}}
    before = copy.deepcopy(document)
    done = migrated(document, {})
    assert document == before
    assert done["stac_version"] == pystac.get_stac_version()
    assert EO in done["stac_extensions"]
    assert done["assets"]["a"]["eo:bands"] == [{"name": "a"}]
    assert done["properties"]["eo:bands"] == [{"name": "a"}]


def test_bands_by_number_are_those_of_the_item_else_of_its_collection():
    document = {**ITEM, "stac_version": "0.8.0", "stac_extensions": ["eo"]}
    document["assets"] = {"a": {"href": "a.tif", "eo:bands": [1, 7, -1]}}
    bands = [{"name": "a"}, {"name": "b"}]
    for parent in ({"properties": {"eo:bands": bands}}, {"summaries": {"eo:bands": bands}}):
        first, *others = migrated(document, parent)["assets"]["a"]["eo:bands"]
        assert first == {"name": "b"}
        assert [set(other) for other in others] == [{"description"}, {"description"}]
    own = {**document, "properties": {**ITEM["properties"], "eo:bands": [{"name": "x"}, {"name": "y"}]}}
    assert migrated(own, {"properties": {"eo:bands": bands}})["assets"]["a"]["eo:bands"][0] == {"name": "y"}


def test_documents_that_pystac_cannot_migrate_are_refused_with_advice():
    document = {"id": "c", "stac_version": "0.9.0", "stac_extensions": ["eo"], "summaries": []}
    with pytest.raises(BadRequestError, match=r"'c' says that it is STAC 0\.9\.0 .*`stac_version`"):
        migrated(document)


@pytest.mark.parametrize("parent", [None, {}], ids=["collection", "item"])
@pytest.mark.parametrize("version", ["0.8.0", "0.9.0", "1.0.0-beta.2", "1.0.0-rc.4", "1.0.0", "1.1.0"])
def test_a_document_is_migrated_once(parent, version):
    names = [*sorted(upgrade._SHORT), "mgrs", "mine"]
    document = {**ITEM, "stac_version": version, "stac_extensions": names}
    if parent is None:
        document = {"id": "c", "stac_version": version, "stac_extensions": names, "license": "various"}
    done = migrated(document, parent)
    assert {"mgrs", "mine"} <= set(done["stac_extensions"])
    assert migrated(done, parent) is done


@pytest.mark.parametrize(
    "part", [{"stac_extensions": 5}, {"properties": None}, {"properties": []}, {"assets": "a"}]
)
def test_a_document_of_another_shape_is_left_to_the_checks(part):
    document = {**ITEM, "stac_version": "0.9.0", "stac_extensions": ["eo"], **part}
    assert migrated(document, {}) is document

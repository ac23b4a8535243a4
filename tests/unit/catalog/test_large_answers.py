"""Large answers and downloads do not change process-wide state."""

import gc
import os
import stat

import orjson
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from landbridge.atomic_files import write_atomically
from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image
from landbridge.catalog import properties as p
from landbridge.catalog.client import http
from support.replay_server import ReplayServer, bare_collection

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.fixture
def small_is_large(monkeypatch):
    monkeypatch.setattr(http, "_LARGE", 0)


@pytest.fixture
def no_process_wide_change(monkeypatch):
    def refuse(*_):
        raise AssertionError("this would change the whole process")

    for owner, name in (
        (gc, "disable"),
        (gc, "enable"),
        (gc, "freeze"),
        (gc, "set_threshold"),
        (os, "umask"),
    ):
        monkeypatch.setattr(owner, name, refuse)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), st.lists(VALUES, max_size=5), st.booleans())
def test_entries_of_an_answer_are_the_same_when_they_are_parsed_one_by_one(members, entries, pretty):
    answer = members | {"features": entries}
    content = orjson.dumps(answer, option=orjson.OPT_INDENT_2 if pretty else 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "_LARGE", 0)
        found = http.parse_json(content, "features")
    assert len(found["features"]) == len(entries)
    assert list(found.pop("features")) == list(answer.pop("features"))
    assert found == answer


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize(
    "content", [b'{"features": {"a": 1}}', b'{"a": [1]}', b"[1, 2]", b"5", b'{"features": null}']
)
def test_an_answer_without_the_entries_is_parsed_completely(content):
    assert http.parse_json(content, "features") == orjson.loads(content)
    assert http.parse_json(b"", "features") is None
    with pytest.raises(ValueError, match=r"JSON|unexpected|line"):
        http.parse_json(b'{"features": [1}', "features")


@pytest.mark.usefixtures("no_process_wide_change")
def test_a_large_page_is_read_without_a_change_of_the_collector():
    item = {
        "type": "Feature", "collection": "c", "links": [], "assets": {},
        "properties": {"datetime": "2020-01-01T00:00:00Z", "title": "x" * 900},
        "geometry": {"type": "Point", "coordinates": [1, 2]},
    }  # fmt: skip
    api = ReplayServer([bare_collection("c")], [{**item, "id": f"i{number}"} for number in range(1200)])
    try:
        client = CatalogClient(url=api.url, auth=Auth(user="local", org="local"), retries=0)
        # The page is larger than the size from which entries are parsed one by one.
        assert 1000 * len(orjson.dumps(item)) > http._LARGE
        images = Image.search(client).filter(p.product_id == "c").limit(1000).collect()
        assert [one.name for one in images] == [f"i{number}" for number in range(1000)]
        assert shapely.get_x(images[5].geometry) == 1
    finally:
        api.stop()


@pytest.mark.usefixtures("no_process_wide_change")
def test_a_downloaded_file_has_the_mode_of_new_files_without_a_change_of_the_umask(tmp_path):
    path, plain = tmp_path / "blob", tmp_path / "plain"
    plain.write_bytes(b"")
    write_atomically(path, [b"a", b"b"])
    assert path.read_bytes() == b"ab"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)

    def broken():
        yield b"c"
        raise OSError("the connection broke")

    with pytest.raises(OSError, match="broke"):
        write_atomically(path, broken())
    assert path.read_bytes() == b"ab"
    assert sorted(tmp_path.iterdir()) == [path, plain]

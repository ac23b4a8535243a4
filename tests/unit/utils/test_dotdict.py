"""Semantics 12.9: dicts and lists with attributes."""

import pytest

from landbridge.utils import DotDict, DotList


def test_entries_are_attributes_to_any_depth():
    plain = {"a": {"b": [{"c": 1}]}, "items": 2}
    dotted = DotDict(plain)
    assert dotted.a.b[0].c == 1
    dotted.a.b[0].c = 5
    dotted.new = {"d": 1}
    assert dotted.new.d == 1
    assert dotted.asdict() == {"a": {"b": [{"c": 5}]}, "items": 2, "new": {"d": 1}}
    assert type(dotted.asdict()["a"]) is dict
    assert dotted["items"] == 2
    del dotted.new
    with pytest.raises(AttributeError, match="new"):
        _ = dotted.new
    with pytest.raises(KeyError):
        _ = dotted["new"]


def test_all_ways_of_reading_convert():
    dotted = DotDict(a={"x": 1}, b=[{"y": 2}])
    assert type(dotted.get("a")) is DotDict
    assert dotted.get("none", {"z": 1}).z == 1
    assert [type(value) for value in dotted.values()] == [DotDict, DotList]
    assert dict(dotted.items())["b"][0].y == 2
    assert dotted.setdefault("c", {"z": 1}).z == 1
    assert dotted.pop("a").x == 1
    assert dotted.pop("a", None) is None
    with pytest.raises(KeyError):
        dotted.pop("a")
    assert dotted.popitem() == ("c", {"z": 1})


def test_lists_convert_and_give_plain_copies():
    dotted = DotList([{"a": 1}, [{"b": 2}], {"c": 3}])
    assert [type(one) for one in dotted] == [DotDict, DotList, DotDict]
    assert dotted[1:][0][0].b == 2
    assert dotted.pop().c == 3
    assert dotted.aslist() == [{"a": 1}, [{"b": 2}]]
    assert type(dotted.aslist()[0]) is dict
    assert repr(DotDict(a=1)) == "DotDict({'a': 1})"

"""Organizations of a stack, and the names that organizations may have."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings.organizations import Organizations, name_problem, organization_of

NAMES = st.text("aZ0_.-", min_size=1, max_size=3)
METHODS = st.sampled_from(["with_name", "with_default", "without_name"])
CHANGES = st.lists(st.tuples(METHODS, NAMES), max_size=8)


@given(CHANGES)
def test_changed_organizations_survive_their_file_and_always_contain_the_default(changes):
    found = Organizations()
    for change, name in changes:
        if change == "without_name" and (name not in found.names or name == found.default):
            with pytest.raises(ValueError, match=name):
                found.without_name(name)
            continue
        found = getattr(found, change)(name)
        assert (name in found.names) is (change != "without_name")
        assert found.default in found.names
        assert len(set(found.names)) == len(found.names)
    assert Organizations.from_json(found.to_json()) == found


def test_without_a_default_every_organization_can_be_removed():
    found = Organizations().with_default(None)
    assert (found.default, found.names) == (None, ("local",))
    assert found.without_name("local").names == ()
    assert Organizations.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        {"version": 2, "default": "a", "names": ["a"]},
        {"version": 1, "default": "a", "names": ["b"]},
        {"version": 1, "default": ["a"], "names": [["a"]]},
        {"version": 1, "default": "a"},
        {"version": 1, "default": "a:b", "names": ["a:b"]},
        {"version": 1, "default": None, "names": "abc"},
    ],
)
def test_an_invalid_file_is_refused(content):
    with pytest.raises(ValueError, match=r"."):
        Organizations.from_json(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize("name", ["", " ", "a b", "a:b", "a/b", "ä", "a\n", "x" * 256, "blobs"])
def test_invalid_names(name):
    assert name_problem(name)


@given(NAMES, st.text(max_size=5))
def test_an_id_begins_with_an_organization_if_something_follows_the_colon(name, rest):
    assert name_problem(name) is None
    assert organization_of(f"{name}:{rest}") == (name if rest else None)
    assert organization_of(name) is None


@pytest.mark.parametrize("text", ["", ":", ":x", "a b:x", "blobs:x", "ä:x", "a/b:x"])
def test_other_texts_begin_with_no_organization(text):
    assert organization_of(text) is None

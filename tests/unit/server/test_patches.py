"""JSON Patches: what they make, and how much a `copy` may duplicate."""

import jsonpatch
import pytest

from landbridge.stac_api.documents import incoming
from landbridge.stac_api.errors import BadRequestError

COPY = {"op": "copy", "from": "/properties", "path": "/properties/x"}


def document(text: int) -> dict:
    return {"id": "a", "geometry": None, "properties": {"text": "x" * text}}


@pytest.mark.parametrize("times", [1, 3])
def test_copies_make_what_jsonpatch_makes(times):
    operations = [{**COPY, "path": f"/properties/x{n}"} for n in range(times)]
    assert incoming.patched(document(10), operations) == jsonpatch.JsonPatch(operations).apply(document(10))


def test_patches_leave_the_document_as_it_was():
    before = document(10)
    incoming.patched(before, [COPY])
    assert before == document(10)


def test_copies_that_duplicate_too_much_together_are_refused():
    half = incoming.MOST_COPIED_BYTES // 2 - 100
    text = {"op": "copy", "from": "/properties/text", "path": "/properties/x"}
    assert incoming.patched(document(half), [text] * 2)["properties"]["x"] == "x" * half
    with pytest.raises(BadRequestError, match=r"duplicate 3,\d+,\d+ bytes or more; 2,097,152 are"):
        incoming.patched(document(half), [text] * 3)


def test_copies_in_a_document_that_gets_too_large_are_refused():
    large = {**document(10), "b": "y" * (incoming.MOST_PATCHED_BYTES - 100)}
    with pytest.raises(BadRequestError, match=r"makes a document of .* 8,388,608 are the most"):
        incoming.patched(large, [COPY] * 3)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "copy", "from": "/nope", "path": "/b"},
        {"op": "copy", "path": "/b"},
        {"op": "copy", "from": 3, "path": "/b"},
        {"op": "copy", "from": "/properties"},
    ],
)
def test_wrong_copies_raise_what_jsonpatch_raises(operation):
    with pytest.raises((jsonpatch.JsonPatchException, jsonpatch.JsonPointerException)):
        incoming.patched(document(10), [operation])

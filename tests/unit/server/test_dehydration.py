"""Dehydration against a base item loses nothing, or says that the item has to be stored whole."""

from __future__ import annotations

import json
from typing import Any

import hydraters
import orjson
from hypothesis import given
from hypothesis import strategies as st

from landbridge.stac_api.pgstac import dehydration

SCALARS = st.sampled_from([None, 0, 1, 0.0, 1.0, True, False, "a", "", dehydration.MARKER])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
ASSETS = st.dictionaries(
    st.sampled_from(["red", "nir"]),
    st.dictionaries(st.sampled_from(["href", "a", "b"]), VALUES, max_size=3),
    max_size=2,
)


@st.composite
def near(draw: Any, base: Any) -> Any:
    if draw(st.integers(0, 4)) == 0:
        return draw(VALUES)
    if isinstance(base, dict):
        return {key: draw(near(value)) for key, value in base.items() if draw(st.integers(0, 3))}
    return [draw(near(value)) for value in base] if isinstance(base, list) else base


def item(assets: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": "i",
        "collection": "c",
        "geometry": {"type": "P", "coordinates": []},
        "assets": assets,
    }


def are_assets(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())


def written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(data=st.data())
def test_dehydrated_values_are_restored(data: Any) -> None:
    assets = data.draw(ASSETS)
    base = {"type": "Feature", "collection": "c", "stac_version": "1.1.0", "assets": assets}
    made = dehydration.Base(orjson.loads(orjson.dumps(base)), number=7)
    for _ in range(2):  # the second time, what is known of the first is used
        mine = item(data.draw(near(assets).filter(are_assets)))
        text = made.dehydrate(mine)
        if text is None:
            back = orjson.loads(dehydration.whole(mine, 9))
            assert back.pop(dehydration.BASE_ITEM_ID) == 9
            dehydration.hydrate({}, back, has_markers=dehydration.MARKER in written(back))
        else:
            back = orjson.loads(text)
            assert back.pop(dehydration.BASE_ITEM_ID) == 7
            theirs = orjson.loads(orjson.dumps(back))
            dehydration.hydrate(base, back, has_markers=dehydration.MARKER in text)
            # Hydration by pgstac's clients gives the same.
            hydraters.hydrate(base, theirs)
            assert written(theirs["assets"]) == written(mine["assets"])
        assert written(back["assets"]) == written(mine["assets"])


def test_the_members_of_a_geometry_that_its_column_does_not_keep_are_in_the_content() -> None:
    made = dehydration.Base({})
    mine = item({})
    assert "geometry" not in orjson.loads(made.dehydrate(mine) or "")
    mine["geometry"]["bbox"] = [0, 0, 1, 1]
    assert orjson.loads(made.dehydrate(mine) or "")["geometry"] == mine["geometry"]

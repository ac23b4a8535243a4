"""Properties are registered with pgstac under the cast of their type."""

from __future__ import annotations

from landbridge.stac_api.pgstac.queryable_types import registrations


def test_properties_are_registered_with_the_cast_of_their_type():
    found = {name: cast for name, _, cast in registrations()}
    assert found["eo:cloud_cover"] == "to_float"
    assert found["published"] == "to_tstz"
    assert found["keywords"] == "to_text_array"
    assert found["platform"] is None
    assert found["catalog:start_datetime"] == "to_tstz"
    assert not {"id", "collection", "geometry", "datetime"} & found.keys()
    assert len(found) == len(registrations())

"""Organizations of the operator: they change nothing for other callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from access.people import OWNER
from access.service import OPERATOR
from integration.conftest import stac_collection
from landbridge.mappings.organizations import Organizations
from landbridge.stac_api.access import tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(("any_organization", "owner"), [(True, "org:esa"), (False, "org:local")])
def test_only_the_operator_makes_products_of_every_organization(
    serve: Callable[..., Any], tmp_path: Path, any_organization: bool, owner: str
) -> None:
    file = tmp_path / "organizations.json"
    file.write_text(Organizations("local", ("local", "acme", "esa")).to_json())
    name = f"x-{any_organization}"
    with serve(any_organization=any_organization, organizations_file=file) as service:
        made = service.request("POST", "/collections", OPERATOR, json=stac_collection(f"esa:{name}"))
        assert (made.status_code, made.json()["id"]) == (201, f"esa:{name}")
        assert made.json()["catalog:owners"] == ["user:local", owner]
        me = service.request("GET", "/access/me", OPERATOR).json()
        assert (me["organizations"], me["any_organization"]) == (["local", "acme", "esa"], any_organization)

        ann = tokens.create_token(service.app.state.landbridge.database_url, OWNER)[0]
        assert service.request("GET", "/access/me", ann).json()["organizations"] == []
        for id_ in (f"{other}:{name}" for other in ("esa", "local", "beta")):
            refused = service.request("POST", "/collections", ann, json=stac_collection(id_))
            assert refused.status_code == 403
        own = service.request("POST", "/collections", ann, json=stac_collection(name))
        assert (own.status_code, own.json()["id"]) == (201, f"acme:{name}")
        # Nor does the operator's organization give ann what the operator made for another one.
        assert service.request("GET", f"/collections/esa:{name}", ann).status_code == 404

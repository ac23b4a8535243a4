"""The operator of a service and its organizations."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from landbridge.mappings.organizations import Organizations
from landbridge.stac_api.access.operator import Operator
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.core.settings import Settings


def settings(**given: Any) -> Settings:
    return Settings(database_url="postgresql:///x", store_url="file:///x", **given)


@pytest.mark.parametrize(("given", "org"), [("", None), (" ", None), ("acme", "acme"), (" acme ", "acme")])
def test_an_empty_organization_is_none(monkeypatch: pytest.MonkeyPatch, given: str, org: str | None):
    monkeypatch.setenv("LANDBRIDGE_ORG", given)
    found = Operator(settings()).principal()
    assert found.org == org
    assert found.owners == (("user:local", f"org:{org}") if org else ("user:local",))
    assert found.prefix == (org or "local")


def test_an_empty_user_is_the_default_one_as_for_clients(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LANDBRIDGE_USER", "")
    assert Operator(settings()).principal().user == "local"


@pytest.mark.parametrize("given", ["a b", "a:b", "blobs"])
def test_an_invalid_organization_is_refused(monkeypatch: pytest.MonkeyPatch, given: str):
    monkeypatch.setenv("LANDBRIDGE_ORG", given)
    with pytest.raises(ValidationError, match=f"organization '{given}'"):
        settings()


def test_a_changed_file_counts_at_once(tmp_path: Path):
    path = tmp_path / "organizations.json"
    operator = Operator(settings(organizations_file=path))
    assert (operator.principal().org, operator.principal().organizations) == ("local", ())
    for default, names in (("acme", ("local", "acme")), (None, ("acme",)), ("b", ("acme", "b"))):
        new = path.with_suffix(".new")
        new.write_text(Organizations(default, names).to_json())
        new.replace(path)
        assert (operator.principal().org, operator.principal().organizations) == (default, names)
        assert operator.principal() is operator.principal()
    path.unlink()
    assert operator.principal().org == "local"


def test_an_organization_that_is_set_takes_precedence_over_the_file(tmp_path: Path):
    path = tmp_path / "organizations.json"
    path.write_text(Organizations("acme", ("acme", "b")).to_json())
    found = Operator(settings(organizations_file=path, org="set")).principal()
    assert (found.org, found.organizations) == ("set", ("acme", "b"))
    assert {"org:set", "org:acme", "org:b"} <= found.subjects


def test_an_invalid_file_is_reported_and_the_settings_count(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "organizations.json"
    path.write_text("{")
    assert Operator(settings(organizations_file=path)).principal().org == "local"
    assert str(path) in caplog.text


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("esa:x", "org:esa"),
        ("esa:a:b", "org:esa"),
        ("esa", "org:esa"),
        ("x", "org:acme"),
        ("acme:x", "org:acme"),
    ],
)
def test_objects_of_an_operator_of_any_organization_belong_to_that_of_their_ids(name: str, owner: str):
    operator = Principal("me", "acme", operator=True, any_organization=True, organizations=("esa",))
    assert operator.owners_of(name) == ("user:me", owner)
    assert Principal("me", "acme", operator=True).owners_of(name) == ("user:me", "org:acme")


def test_without_an_organization_the_users_ids_belong_to_the_user():
    assert Principal("me", operator=True, any_organization=True).owners_of("me:x") == ("user:me",)

"""Ids of several organizations on one embedded stack, whose user is its operator."""

import io
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from landbridge.auth import Auth
from landbridge.catalog import Band, Blob, CatalogClient, GenericBand, Product, properties
from landbridge.exceptions import ConflictError
from landbridge.stac_api.embedded import organizations
from landbridge.stac_api.embedded.home_directory import Home


def _script(id_: str) -> Product:
    """Do what a script does that names its organization in its ids, on every run."""
    product = Product.get_or_create(id=id_, name="Cloud masks")
    product.save()
    band = GenericBand.get_or_create(product.named_id("mask"), data_type="Byte")
    band.update(data_range=(0, 1), display_range=(0, 1), band_index=0)
    band.save()
    if not Blob.exists(name="notes", namespace=f"{id_}-notes"):
        Blob(name="notes", namespace=f"{id_}-notes").upload(io.BytesIO(b"1"))
    return product


@pytest.mark.parametrize("organization", ["earthrise", "local"])
def test_a_script_with_an_organization_in_its_ids_runs_twice(organization: str):
    id_ = f"{organization}:tpa-{uuid.uuid4().hex[:6]}"
    assert Product.namespace_id(id_) == id_
    for _ in range(2):
        CatalogClient.clear_all_default_clients()  # a run begins with a new client
        product = _script(id_)
        assert product.id == id_
        assert product.owners == ["user:local", f"org:{organization}"]
        blob = Blob.get(name="notes", namespace=f"{id_}-notes")
        assert blob.id == f"data/{id_}-notes/notes"
        assert blob.owners == product.owners
        assert [band.id for band in product.bands()] == [f"{id_}:mask"]
    assert Product.search().filter(properties.id == id_).count() == 1
    with pytest.raises(ConflictError):
        Product(id=id_, name="Another").save()


def test_an_id_without_an_organization_gets_the_default_one(new_id: Any):
    product = Product(id=new_id(), name="N")
    short = product.id
    product.save()
    assert product.id == f"local:{short}"


@pytest.fixture
def other(stack: Any) -> Iterator[str]:
    """A further organization of the stack, of this test."""
    home, name = Home(stack.home), f"org-{uuid.uuid4().hex[:6]}"
    organizations.add(home, name)
    yield name
    organizations.remove(home, name)


def test_the_running_stack_and_new_clients_know_an_added_organization(stack: Any, other: str):
    clients = CatalogClient(), CatalogClient(stack.url, auth=Auth(token=stack.token))
    for client in clients:
        assert other in client.auth.organizations
        assert f"org:{other}" in client.auth.owner_subjects
        assert Blob.namespace_id(other, client=client) == other
        assert Product.namespace_id("esa:x", client=client) == "esa:x"
        assert Product.namespace_id("x", client=client) == "local:x"
    blob = Blob(name="n", namespace=other, client=clients[0])
    blob.upload_data("1")
    assert blob.owners == ["user:local", f"org:{other}"]
    assert blob.user_is_owner(clients[1].auth)


def test_an_own_product_stands_for_the_source_that_has_its_id(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCES", "earth-search")
    id_ = "esa:sentinel-2:l2a:v1"

    def names() -> list[str]:
        assert Product.search().count() == sum(1 for _ in Product.search())
        return [one.name for one in Product.search().sort("name") if one.id == id_]

    of_source = names()
    assert len(of_source) == 1
    product = Product(id=id_, name="Scenes of ours")
    product.save()
    try:
        assert product.id == id_
        assert Product.get(id_) == product
        assert product.images().count() == 0
        band = GenericBand(product=product, name="x", data_type="Byte", band_index=0)
        band.update(data_range=(0, 1), display_range=(0, 1))
        band.save()
        assert Band.get(f"{id_}:x") == band
        assert [each.name for each in Product.get(id_).bands()] == ["x"]
        assert names() == ["Scenes of ours"]
        CatalogClient.clear_all_default_clients()
        assert names() == ["Scenes of ours"]
        # Other tests may have made products of this name.
        assert id_ not in {one.id for one in Product.search().filter(properties.name == of_source[0])}
        assert Product.get_or_create(id_, name="Scenes of ours").state == "saved"
    finally:
        for each in product.bands():
            each.delete()
        Product.delete(id_)
    assert names() == of_source

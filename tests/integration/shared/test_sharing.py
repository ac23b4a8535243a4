"""Several people at one service, each with a token: who they are, what they share, what they see."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from landbridge.auth import Auth
from landbridge.catalog import Blob, CatalogClient, Product, SpectralBand
from landbridge.cli import main
from landbridge.exceptions import ForbiddenError, NotFoundError, UnauthorizedError

from .conftest import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Callable

ROLES = {"owner": (True, True, True), "writer": (False, True, True), "reader": (False, False, True)}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["catalog", *arguments])


def rights(thing: Any) -> tuple[bool, bool, bool]:
    return thing.user_is_owner(), thing.user_can_write(), thing.user_can_read()


def band(product: Product, name: str, client: CatalogClient) -> SpectralBand:
    return SpectralBand(
        product=product, name=name, band_index=0, data_type="UInt16", data_range=(0, 10000),
        display_range=(0, 4000), client=client,
    )  # fmt: skip


@pytest.fixture
def product(people: dict[str, CatalogClient]) -> Product:
    """A product of ann's with a band."""
    made = Product(id=f"p-{uuid.uuid4().hex[:8]}", name="Flood extents", client=people["ann"])
    made.save()
    band(made, "red", people["ann"]).save()
    return Product.get(made.id, client=people["ann"])


@pytest.fixture
def blob(people: dict[str, CatalogClient]) -> Blob:
    """A blob of ann's."""
    made = Blob(name=f"b-{uuid.uuid4().hex[:8]}", client=people["ann"])
    made.upload_data("the text")
    return made


@pytest.fixture(params=["product", "blob"])
def thing(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_a_client_gets_the_caller_of_its_token(people: dict[str, CatalogClient]) -> None:
    ann, ben = people["ann"].auth, people["ben"].auth
    assert (ann.user, ann.org, ann.groups, ann.email) == ("ann", "acme", ("flood",), "ann@acme.test")
    assert ben.subjects == {"user:ben", "org:brick", "group:flood", "email:ben@brick.test"}


def test_ids_and_owners_are_the_callers(product: Product, blob: Blob) -> None:
    assert product.id.startswith("acme:p-")
    assert set(product.owners) == {"user:ann", "org:acme"}
    assert blob.namespace == "acme:ann"
    assert rights(product) == rights(blob) == (True, True, True)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("subject", ["user:ben", "org:brick", "group:flood", "email:ben@brick.test"])
def test_the_client_reports_rights_by_the_access_lists(
    people: dict[str, CatalogClient], as_user: Callable[[str], None], thing: Any, role: str, subject: str
) -> None:
    kind = type(thing)
    assert kind.get(thing.id, client=people["ben"]) is None
    if role == "owner" and not subject.startswith(("user:", "org:")):
        return  # owners are users and organizations
    as_user("ann")
    group = f"{kind.__name__.lower()}s"
    done = run(group, f"add-{role}", thing.id, subject)
    assert done.exit_code == 0, done.output

    found = kind.get(thing.id, client=people["ben"])
    assert rights(found) == ROLES[role]
    assert kind.get(thing.id, client=people["cat"]) is None
    listed = getattr(found, f"{role}s")
    assert listed == [subject] if role != "owner" else {*listed} == {"user:ann", "org:acme", subject}

    assert run(group, f"remove-{role}", thing.id, subject).exit_code == 0
    assert kind.get(thing.id, client=people["ben"]) is None


def test_everybody_may_read_what_is_public(
    people: dict[str, CatalogClient], as_user: Callable[[str], None], service: Any, thing: Any
) -> None:
    as_user("ann")
    assert run(f"{type(thing).__name__.lower()}s", "add-reader", thing.id, "public").exit_code == 0
    nobody = CatalogClient(service.url, auth=Auth())
    for client in (people["cat"], nobody):
        assert rights(type(thing).get(thing.id, client=client)) == (False, False, True)
    nobody.close()


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_only_owners_share(
    people: dict[str, CatalogClient], as_user: Callable[[str], None], thing: Any, role: str
) -> None:
    as_user("ann")
    group = f"{type(thing).__name__.lower()}s"
    assert run(group, f"add-{role}", thing.id, "user:ben").exit_code == 0
    as_user("ben")
    refused = run(group, "add-reader", thing.id, "user:cat")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: ")
    assert "Traceback" not in refused.output
    as_user("cat")
    hidden = run(group, "add-reader", thing.id, "user:cat")
    assert (hidden.exit_code, "There is no" in hidden.stderr) == (2, True)
    as_user("ann")
    assert getattr(type(thing).get(thing.id), f"{role}s") == ["user:ben"]


def test_ownership_moves_in_two_steps_and_is_never_empty(
    people: dict[str, CatalogClient], as_user: Callable[[str], None], thing: Any
) -> None:
    group = f"{type(thing).__name__.lower()}s"
    as_user("ann")
    for subject in ("user:ben", "org:brick"):
        assert run(group, "add-owner", thing.id, subject).exit_code == 0
    as_user("ben")
    for subject in ("user:ann", "org:acme"):
        assert run(group, "remove-owner", thing.id, subject).exit_code == 0
    assert type(thing).get(thing.id, client=people["ann"]) is None
    assert run(group, "remove-owner", thing.id, "user:ben").exit_code == 0
    last = run(group, "remove-owner", thing.id, "org:brick")
    assert last.exit_code == 1, last.output
    assert type(thing).get(thing.id).owners == ["org:brick"]


def test_a_reader_changes_nothing(people: dict[str, CatalogClient], product: Product) -> None:
    product.readers = ["user:ben"]
    product.save()
    theirs = Product.get(product.id, client=people["ben"])
    theirs.description = "mine now"
    with pytest.raises(ForbiddenError):
        theirs.save()
    with pytest.raises(ForbiddenError):
        band(theirs, "nir", people["ben"]).save()
    with pytest.raises(ForbiddenError):
        theirs.delete()


def test_a_writer_changes_all_but_the_lists(people: dict[str, CatalogClient], product: Product) -> None:
    product.writers = ["user:ben"]
    product.save()
    theirs = Product.get(product.id, client=people["ben"])
    theirs.description = "better"
    theirs.save()
    mine = Product.get(product.id, client=people["ann"])
    assert (mine.description, mine.writers) == ("better", ["user:ben"])
    assert set(mine.owners) == {"user:ann", "org:acme"}


def test_a_token_that_may_only_read_writes_nothing(service: Any, product: Product) -> None:
    client = service.client(replace(PEOPLE["ann"], rights=frozenset({"read"})))
    found = Product.get(product.id, client=client)
    found.description = "changed"
    with pytest.raises(ForbiddenError, match="may only read"):
        found.save()
    client.close()


def test_an_unknown_token_is_an_error_that_says_so(service: Any) -> None:
    client = CatalogClient(service.url, auth=Auth(token="lb_unknown"))
    with pytest.raises(UnauthorizedError, match="LANDBRIDGE_TOKEN") as raised:
        Product.get("acme:p", client=client)
    assert "lb_unknown" not in str(raised.value)
    client.close()


def test_readers_of_a_blob_read_its_data(people: dict[str, CatalogClient], blob: Blob) -> None:
    blob.readers = ["user:ben"]
    blob.save()
    assert Blob.get(blob.id, client=people["ben"]).data() == b"the text"
    with pytest.raises(NotFoundError):
        Blob.get_data(blob.id, client=people["cat"])

"""Semantics section 3: ids, names and prefixes."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.auth import Auth
from landbridge.catalog import AttributeValidationError, Band, Blob, CatalogClient, Image, Product
from landbridge.mappings import image


def _client(**who):
    return CatalogClient(url="http://127.0.0.1:9", auth=Auth(**who))


@pytest.mark.parametrize(
    ("id_", "expected"), [("x", "org:x"), ("org:x", "org:x"), ("org", "org:org"), ("other:x", "org:other:x")]
)
def test_product_ids_are_prefixed_by_the_organization_3_1(id_, expected):
    assert Product.namespace_id(id_, client=_client(org="org", user="me")) == expected


def test_product_ids_are_prefixed_by_the_user_without_an_organization_3_1():
    assert Product.namespace_id("x", client=_client(org=None, user="me")) == "me:x"


@pytest.mark.parametrize(
    ("id_", "expected"),
    [("x", "org:x"), ("org:x", "org:x"), ("two:x", "two:x"), ("other:x", "org:other:x"), ("two", "org:two"),
     ("two:", "org:two:"), (":x", "org::x")],
)  # fmt: skip
def test_ids_keep_the_prefixes_of_further_organizations_3_1(id_, expected):
    client = _client(org="org", user="me", organizations=("org", "two"))
    assert Product.namespace_id(id_, client=client) == expected


@pytest.mark.parametrize(
    ("id_", "expected"),
    [("x", "org:x"), ("other:x", "other:x"), ("a b:x", "org:a b:x"), ("other", "org:other")],
)
def test_an_operator_makes_ids_of_every_organization_3_1(id_, expected):
    operator = _client(org="org", user="me", any_organization=True)
    embedded = CatalogClient(auth=Auth(org="org", user="me"))
    for client in (operator, pickle.loads(pickle.dumps(operator)), embedded):
        assert Product.namespace_id(id_, client=client) == expected
        assert Blob.namespace_id(id_, client=client) == expected


@given(
    st.text("aoé: /.-", max_size=6),
    st.sampled_from([None, "o", "a"]),
    st.lists(st.sampled_from(["a", "o", "ao"]), unique=True),
    st.booleans(),
)
def test_a_completed_id_or_namespace_is_not_completed_again(name, org, organizations, any_organization):
    client = _client(
        user="me", org=org, organizations=tuple(organizations), any_organization=any_organization
    )
    for complete in (Product.namespace_id, Blob.namespace_id):
        completed = complete(name, client=client)
        assert complete(completed, client=client) == completed
        assert completed.endswith(name)


def test_a_token_alone_leaves_the_identity_on_the_embedded_stack_as_configured(monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_ORG", "acme")
    client = CatalogClient(auth=Auth(token="t"))
    assert (client.auth.org, client.auth.token) == ("acme", "t")
    assert Product.namespace_id("x", client=client) == "acme:x"


def test_name_and_product_id_make_the_id_3_2():
    assert Image(name="x", product_id="org:p").id == "org:p:x"
    band = Image(id="org:p:x")
    assert (band.product_id, band.name) == ("org:p", "x")
    assert Image(name="x").id is None


@pytest.mark.parametrize("value", ["x", ":x", "p:"])
def test_an_id_without_product_or_name_is_refused_3_2(value):
    with pytest.raises(AttributeValidationError, match="id"):
        Image(id=value)


def test_a_name_from_the_service_may_have_a_colon_3_2(client):
    item = image.to_stac({"id": "local:p:i", "acquired": "2020-01-02T00:00:00Z"}) | {"id": "a:b"}
    found = Image._from_record(item, client)
    assert (found.id, found.product_id, found.name) == ("local:p:a:b", "local:p", "a:b")


def test_names_are_made_valid_3_3():
    assert Band.make_valid_name("a b//c-é.1") == "a_b_c-_.1"
    assert Image.make_valid_name("x") == "x"
    assert Image(name="not / checked").name == "not / checked"


def test_named_id_of_an_unsaved_product_3_4():
    assert Product(id="x").named_id("b") == "x:b"

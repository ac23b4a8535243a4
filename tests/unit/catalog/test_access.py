"""Semantics 12.2: access lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.auth import Auth
from landbridge.catalog import Band, Blob, CatalogClient, Image, Product

ME = Auth(user="me", org="acme", groups=("g",), email="me@x.org")


@pytest.mark.parametrize(
    ("lists", "rights"),
    [
        ({"owners": ["user:me"]}, (True, True, True)),
        ({"owners": ["org:acme"]}, (True, True, True)),
        ({"writers": ["group:g"]}, (False, True, True)),
        ({"writers": ["email:me@x.org"]}, (False, True, True)),
        ({"writers": ["email:Me@X.org"]}, (False, True, True)),
        ({"readers": ["org:acme"]}, (False, False, True)),
        ({"readers": ["org:other"]}, (False, False, False)),
    ],
)
@pytest.mark.parametrize("kind", [Product, Blob])
def test_owners_write_and_writers_read_12_2(kind, lists, rights):
    shared = kind(**{"owners": [], "writers": [], "readers": [], **lists})
    assert (shared.user_is_owner(ME), shared.user_can_write(ME), shared.user_can_read(ME)) == rights


_SUBJECTS = st.lists(
    st.sampled_from([*sorted(ME.subjects), "user:you", "org:other", "group:h", "email:you@x.org"]),
    max_size=3,
)


@given(owners=_SUBJECTS, writers=_SUBJECTS, readers=_SUBJECTS)
def test_each_right_includes_the_lesser_ones_12_2(owners, writers, readers):
    product = Product(owners=owners, writers=writers, readers=readers)
    owns, writes, reads = product.user_is_owner(ME), product.user_can_write(ME), product.user_can_read(ME)
    assert owns <= writes <= reads
    assert reads == bool(ME.subjects & {*owners, *writers, *readers})


def test_access_lists_are_checked_for_the_clients_caller_by_default_12_2():
    client = CatalogClient("http://127.0.0.1:9", auth=Auth(user="you", org=None))
    product = Product(client=client, owners=["user:you"], writers=[], readers=[])
    assert product.user_is_owner()
    assert not product.user_is_owner(ME)
    assert not Product(owners=["user:you"], writers=[], readers=[]).user_is_owner()


@pytest.mark.parametrize("question", ["user_is_owner", "user_can_write", "user_can_read"])
def test_an_unsaved_object_has_no_lists_12_2(question):
    with pytest.raises(TypeError, match="Product x has no owners: it has not been saved"):
        getattr(Product(id="x"), question)()


def test_bands_and_images_have_no_lists_12_2():
    for kind in (Band, Image):
        assert not hasattr(kind, "user_is_owner")
        assert not {"owners", "writers", "readers"} & set(kind.ATTRIBUTES)

"""Ids: every id can be split into the parts it was made of, or the parts are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog import AttributeValidationError, Band, Blob, ClassBand, Image, Product, SpectralBand
from landbridge.exceptions import BadRequestError
from landbridge.mappings import ids

TEXTS = st.text(st.sampled_from("ab:/.~ -_é\n\u202e\u200b,") | st.characters(), max_size=6)
HIDDEN = ["a\nb", "a\x00", "\u202eabc", "a\u200b", "\ud800", "a\u2028"]


@given(TEXTS, TEXTS, st.sampled_from([Image, SpectralBand, ClassBand]))
def test_ids_of_images_and_bands_are_taken_apart_into_their_parts(product_id, name, kind):
    try:
        one = kind(name=name, product_id=product_id)
    except AttributeValidationError:
        assert ids.name_problem(name) or ids.product_id_problem(product_id)
        return
    assert ids.split(one.id) == (product_id, name)
    again = kind(id=one.id)
    assert (again.product_id, again.name, again.id) == (product_id, name, one.id)
    product = Product(id=product_id)
    assert product.named_id(name) == one.id


@given(TEXTS, TEXTS)
def test_ids_of_blobs_are_taken_apart_into_their_parts(namespace, name):
    try:
        one = Blob(namespace=namespace, name=name)
    except AttributeValidationError:
        return
    if one.namespace and one.name:
        identifier = ids.blob_id("data", one.namespace, one.name)
        assert ids.split_blob_id(identifier) == ("data", one.namespace, one.name)
        assert ids.split_blob_item_id(ids.blob_item_id(one.namespace, one.name)) == (one.namespace, one.name)


@given(TEXTS)
def test_a_name_that_was_made_valid_can_be_one(name):
    made = Band.make_valid_name(name)
    assert not made or ids.name_problem(made) is None


@pytest.mark.parametrize("name", ["r:x", ":x", "x:", ":", "", *HIDDEN])
@pytest.mark.parametrize("kind", [Image, SpectralBand])
def test_a_name_that_would_store_another_object_is_refused_in_the_constructor(kind, name):
    with pytest.raises(AttributeValidationError, match="'name' cannot be"):
        kind(name=name, product_id="org:p")
    one = kind(product_id="org:p")
    with pytest.raises(BadRequestError, match="'name' cannot be"):
        one.name = name
    assert one.name is one.id is None


def test_the_error_proposes_a_name():
    with pytest.raises(ValueError, match="use 'r_x'"):
        SpectralBand(name="r:x", product_id="org:p")


@pytest.mark.parametrize("value", ["", " a", "a ", "blobs:data", "a\tb", *HIDDEN])
def test_product_ids_with_invisible_characters_or_of_blob_collections_are_refused(value):
    for make in (lambda: Product(id=value), lambda: Image(name="x", product_id=value)):
        with pytest.raises(AttributeValidationError, match="cannot be"):
            make()


def test_the_namespace_of_a_blob_has_no_slash():
    with pytest.raises(AttributeValidationError, match="'namespace' cannot be"):
        Blob(namespace="a/b", name="c")

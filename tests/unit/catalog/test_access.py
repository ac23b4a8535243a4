"""Semantics 12.2: access lists."""

import pytest

from landbridge.auth import Auth
from landbridge.catalog import Product

ME = Auth(user="me", org="acme", groups=("g",), email="me@x.org")


@pytest.mark.parametrize(
    ("lists", "rights"),
    [
        ({"owners": ["user:me"]}, (True, True, True)),
        ({"owners": ["org:acme"]}, (True, True, True)),
        ({"writers": ["group:g"]}, (False, True, True)),
        ({"writers": ["email:me@x.org"]}, (False, True, True)),
        ({"readers": ["org:acme"]}, (False, False, True)),
        ({"readers": ["org:other"]}, (False, False, False)),
    ],
)
def test_owners_write_and_writers_read_12_2(lists, rights):
    product = Product(**{"owners": [], "writers": [], "readers": [], **lists})
    assert (product.user_is_owner(ME), product.user_can_write(ME), product.user_can_read(ME)) == rights


def test_an_unsaved_object_has_no_lists_12_2():
    with pytest.raises(TypeError):
        Product(id="x").user_is_owner()

"""Warnings of deprecated calls."""

import warnings
from typing import Any

import pytest

from landbridge.porting import deprecations


def test_a_warning_names_both_calls_and_the_users_line():
    with pytest.warns(
        DeprecationWarning, match="^scenes.search is deprecated. Use Product.images instead.$"
    ) as caught:
        deprecations.warn_deprecated("scenes.search", "Product.images")
    assert [warning.filename for warning in caught] == [__file__]


def test_frames_of_the_adapters_are_not_the_users_line():
    # An adapter with an inner function, as a module of the distribution.
    code = "def search():\n    def inner():\n        warn('scenes.search', 'Product.images')\n    inner()\n"
    adapter: dict[str, Any] = {
        "__name__": "landbridge.porting.scenes.search",
        "warn": deprecations.warn_deprecated,
    }
    exec(compile(code, "adapter.py", "exec"), adapter)
    with pytest.warns(DeprecationWarning, match="scenes.search") as caught:
        adapter["search"]()
    assert [warning.filename for warning in caught] == [__file__]


def test_a_line_warns_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", DeprecationWarning)
        for _ in range(3):
            deprecations.warn_deprecated("scenes.search", "Product.images")
        deprecations.warn_deprecated("scenes.search", "Product.images")
    assert len(caught) == 2

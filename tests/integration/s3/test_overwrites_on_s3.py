"""Reads of overwritten images from objects in S3."""

import pytest

from integration.catalog.conftest import *
from integration.catalog.test_overwrites import *


@pytest.fixture  # type: ignore[no-redef]
def objects(store):
    return store

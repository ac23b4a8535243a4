"""Fixtures of tests that need no stack."""

import pytest

from scripted import Scripted


@pytest.fixture
def service():
    """A service that answers as the test tells it to."""
    scripted = Scripted()
    yield scripted
    scripted.stop()

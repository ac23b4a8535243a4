"""Fixtures of tests that need no stack."""

import pytest

from support.scripted_server import ScriptedServer


@pytest.fixture
def service():
    """A service that answers as the test tells it to."""
    scripted = ScriptedServer()
    yield scripted
    scripted.stop()

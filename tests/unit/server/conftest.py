"""Fixtures with which synchronous tests run coroutines."""

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture
def run():
    return asyncio.run

"""Shared pieces of the server: atomic replacement of files, and polling of the database."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING

import pytest

from landbridge.stac_api.core.files import Replacement
from landbridge.stac_api.core.polling import poll

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "target"
    target.write_text("old")
    return target


@pytest.mark.parametrize("durable", [False, True])
def test_the_old_content_stays_until_the_new_is_complete(target: Path, durable: bool) -> None:
    replacement = Replacement(target, target.with_name("incomplete"))
    with replacement.open(0o600) as file:
        file.write(b"new")
    assert target.read_text() == "old"
    replacement.commit(durable=durable)
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_discarded_replacement_leaves_the_old_content(target: Path) -> None:
    replacement = Replacement(target, target.with_name("incomplete"))
    with replacement.open() as file:
        file.write(b"half of the n")
    replacement.discard()
    replacement.discard()
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_an_existing_file_or_link_is_not_opened_as_the_incomplete_file(target: Path) -> None:
    incomplete = target.with_name("incomplete")
    incomplete.symlink_to(target)
    with pytest.raises(FileExistsError):
        Replacement(target, incomplete).open()
    assert target.read_text() == "old"


@pytest.mark.parametrize(("seconds", "last"), [(0.0, 1), (30.0, 3)])
def test_polling_ends_with_a_final_result_or_the_time(seconds: float, last: int) -> None:
    results = iter(range(1, 10))

    async def query() -> int:
        return next(results)

    assert asyncio.run(poll(query, lambda result: result == 3, seconds)) == last

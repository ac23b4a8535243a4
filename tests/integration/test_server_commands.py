"""`landbridge-server`, configured by the environment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from landbridge.stac_api.__main__ import main
from support import s3_server
from support.embedded_stack import empty_database

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def configured(stack: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", stack.database)
    monkeypatch.setenv("LANDBRIDGE_STORE_URL", (tmp_path / "store").as_uri())
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "a token of this test")


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_service_needs_a_database(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LANDBRIDGE_DATABASE_URL", raising=False)
    assert main([command]) == 2
    assert "LANDBRIDGE_DATABASE_URL" in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
def test_a_setting_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANDBRIDGE_JOB_TRIES", "0")
    assert main(["doctor"]) == 2
    said = capsys.readouterr().err
    assert "job_tries" in said
    assert "a token of this test" not in said


@pytest.mark.usefixtures("configured")
def test_a_migrated_database_has_nothing_to_migrate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "nothing to migrate\n"


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("command", ["serve", "work", "doctor"])
def test_a_database_that_is_not_migrated_is_refused(
    command: str, stack: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with empty_database(stack.database, "not_migrated") as url:
        monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", url)
        assert main([command]) == 2
    assert "Migrate it: landbridge-server migrate" in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
def test_the_api_is_served_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    port = s3_server.free_port()
    environment = {**os.environ, "LANDBRIDGE_WORKER": "false"}
    command = [sys.executable, "-m", "landbridge.stac_api", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = httpx.get(f"http://127.0.0.1:{port}/")
                    break
                assert time.monotonic() < deadline
            assert answer.json()["type"] == "Catalog"
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) in (0, -signal.SIGTERM)
    assert (tmp_path / "store").is_dir()

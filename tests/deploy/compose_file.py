"""The services of docker-compose.yml, as Docker Compose itself reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "compose"
PROGRAMS = Path(sysconfig.get_path("scripts"))


def services(**variables: str) -> dict[str, Any]:
    """Return the services, with variables as `.env` sets them."""
    command = [str(PROGRAMS / "docker-compose"), "--file", str(ROOT / "docker-compose.yml")]
    command += ["--env-file", os.devnull, "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found

"""Duration of `landbridge port` on a folder of 200 scripts, a fresh process each time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.frame import Contest, Peer, job

if TYPE_CHECKING:
    from collections.abc import Iterator

_CORPUS = Path(__file__).parents[1] / "porting" / "corpus" / "scripts"
_FILES = 200
_TIMES = 6  # each file has several scripts, as long as public ones are


@job("porting")
def report_on_a_folder() -> Iterator[Contest]:
    scripts = [path.read_text() for path in sorted(_CORPUS.glob("*.py"))]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_FILES):
            chosen = [scripts[(number + turn) % len(scripts)] for turn in range(_TIMES)]
            Path(folder, f"script_{number}.py").write_text("\n".join(chosen))

        def port() -> None:
            command = [sys.executable, "-m", "landbridge.cli", "port", folder, "--json"]
            done = subprocess.run(command, capture_output=True, check=False)
            assert done.returncode in {0, 1}, done.stderr

        yield Contest(port, [Peer("aim", 5.0)], runs=3)

"""The process that reads what users send: `python -m landbridge.stac_api.uploads.child`.

It runs away from the API, so that a broken file may take GDAL down and not the server, with a bound on its
memory, without the server's environment (and so without its credentials), and ends with its parent. It takes
one JSON request a line, `{"task": "check"|"convert", "job": {...}}`, and answers each by one line.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import tempfile
from typing import IO, Any

from landbridge.stac_api.uploads import ingest
from landbridge.stac_api.uploads.work import MEMORY, IngestError, Job

_PR_SET_PDEATHSIG = 1  # prctl(2)
_MOST_ERRORS = 2**20  # bytes


class Errors:
    """What is printed as errors here: kept in memory while a request is served, then passed on."""

    def __init__(self) -> None:
        self._out = os.dup(2)
        self._kept = os.memfd_create("errors") if hasattr(os, "memfd_create") else _unnamed()
        os.dup2(self._kept, 2)
        os.dup2(2, 1)  # what a library prints must not be taken for an answer

    def said(self) -> str:
        """All of it since the last request."""
        return os.pread(self._kept, _MOST_ERRORS, 0).decode("utf-8", "replace")

    def pass_on(self) -> None:
        """Print it, and begin anew."""
        text = os.pread(self._kept, _MOST_ERRORS, 0)
        os.ftruncate(self._kept, 0)
        os.lseek(self._kept, 0, os.SEEK_SET)
        os.write(self._out, text)


def _unnamed() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def main() -> None:
    """Serve requests until the parent closes its end."""
    _end_with_parent()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        errors = Errors()
        _bound_memory(int(os.environ[MEMORY]))
        _answer(answers, {"ready": True})
        for line in sys.stdin:
            request = json.loads(line)
            answer = _carry_out(request["task"], Job.from_json(request["job"]), errors)
            errors.pass_on()
            _answer(answers, answer)


def _answer(answers: IO[str], document: dict[str, Any]) -> None:
    answers.write(json.dumps(document) + "\n")
    answers.flush()


def _carry_out(task: str, job: Job, errors: Errors) -> dict[str, Any]:
    try:
        if task == "check":
            ingest.check(job)
            return {"ok": None}
        return {"ok": ingest.convert(job, errors.said).to_json()}
    except IngestError as error:
        return {"error": "files", "text": str(error)}
    except OSError as error:
        # What GDAL raises is an IngestError by now: this is our own disk.
        return {"error": "space", "text": str(error)}
    except MemoryError:
        return {"error": "memory"}


def _bound_memory(limit: int) -> None:
    """Refuse this process more private memory than it has already and may have yet.

    What of the system counts private memory (Linux) follows; elsewhere the parent's watch has to do.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _end_with_parent() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    main()

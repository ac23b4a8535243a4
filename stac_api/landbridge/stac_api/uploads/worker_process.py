"""The processes that read what users send: `python -m landbridge.stac_api.uploads.worker_process`.

They run away from the API, so that a broken file may take GDAL down and not the server, with a bound on their
memory, without the server's environment (and so without its credentials), in reach of nothing but their job
(`sandbox`), and end with their parent. One process has all imported and forks another for each job: a job
costs milliseconds of starting, and what a file does to the process that reads it meets no other job.

Requests come one a line, `{"task": "check"|"convert"|"end", "job": {...}}`, each answered by one line; the
first of a job is answered by the id of the process that takes the job, too.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from typing import IO, Any

from landbridge.stac_api.uploads import ingest, sandbox
from landbridge.stac_api.uploads.messages import MEMORY, IngestError, Job

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
    """Serve jobs until the parent closes its end."""
    _end_with_parent()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        errors = Errors()
        _bound_memory(int(os.environ[MEMORY]))
        sandbox.limit_gdal()
        _answer(answers, {"ready": True})
        while first := _line():
            if (worker := os.fork()) == 0:
                _end_with_parent()
                _answer(answers, {"pid": os.getpid()})
                _serve(first, answers, errors)
                os._exit(0)
            _, status = os.waitpid(worker, 0)
            errors.pass_on()
            if os.WIFSIGNALED(status):
                os.kill(os.getpid(), os.WTERMSIG(status))  # so that the parent learns of it
            if status != 0:
                sys.exit(1)
            _answer(answers, {"ready": True})


def _line() -> bytes:
    """The next request, empty at the end."""
    # The parent waits for the answer before it sends the next, so a read never takes in two.
    parts = []
    while part := os.read(0, 2**16):
        parts.append(part)
        if part.endswith(b"\n"):
            break
    return b"".join(parts)


def _serve(first: bytes, answers: IO[str], errors: Errors) -> None:
    """Carry out the requests of one job."""
    sandbox.enter(Job.from_json(json.loads(first)["job"]))
    line = first
    while line and (request := json.loads(line))["task"] != "end":
        answer = _carry_out(request["task"], Job.from_json(request["job"]), errors)
        errors.pass_on()
        _answer(answers, answer)
        line = _line()


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
    except Exception as error:  # noqa: BLE001 - whatever it is, the server is told and goes on
        traceback.print_exc()
        return {"error": "defect", "text": type(error).__name__}


def _bound_memory(limit: int) -> None:
    """Refuse this process more private memory, and core dumps; where it isn't counted, the parent watches."""
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

"""Worker process that reads and converts uploaded files (`python -m` this module).

It is separate from the API, so that a broken file may crash GDAL and not the server. It has a limit on its
memory, none of the server's environment (and so no credentials), access to the files of its job only
(`sandbox`), and ends with its parent. A fork server imports all libraries once and forks a process for each
job: a job starts within milliseconds, and no file can harm the process of another job.

Requests are lines of JSON, `{"task": "check"|"convert"|"end", "request": {...}}`, and so are the answers. The
first request of a job is also answered by the id of the job's process.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import IO, Any

from landbridge.stac_api.sandbox.worker_process import (
    end_with_parent,
    leave_out_unused_libraries,
    limit_memory,
)

if __name__ == "__main__":
    leave_out_unused_libraries()

from landbridge.stac_api.uploads import conversion, sandbox
from landbridge.stac_api.uploads.messages import MEMORY_VARIABLE, ConversionRequest, IngestError

_MAX_ERRORS = 2**20  # bytes


class CapturedErrors:
    """Standard error of this process: kept in memory while a request is served, then printed."""

    def __init__(self) -> None:
        self._out = os.dup(2)
        self._memory = os.memfd_create("errors") if hasattr(os, "memfd_create") else _unnamed()
        os.dup2(self._memory, 2)
        os.dup2(2, 1)  # the output of a library must not be mistaken for an answer

    def text(self) -> str:
        """Return the errors printed since the last request."""
        return os.pread(self._memory, _MAX_ERRORS, 0).decode("utf-8", "replace")

    def pass_on(self) -> None:
        """Print the errors and clear them."""
        text = os.pread(self._memory, _MAX_ERRORS, 0)
        os.ftruncate(self._memory, 0)
        os.lseek(self._memory, 0, os.SEEK_SET)
        os.write(self._out, text)


def _unnamed() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    end_with_parent()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        errors = CapturedErrors()
        limit_memory(int(os.environ[MEMORY_VARIABLE]))
        sandbox.limit_gdal()
        _answer(answers, {"ready": True})
        while first := _read_line():
            if (pid := os.fork()) == 0:
                end_with_parent()
                _answer(answers, {"pid": os.getpid()})
                _serve(first, answers, errors)
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            errors.pass_on()
            if os.WIFSIGNALED(status):
                os.kill(os.getpid(), os.WTERMSIG(status))  # so that the parent sees the signal
            if status != 0:
                sys.exit(1)
            _answer(answers, {"ready": True})


def _read_line() -> bytes:
    """Read the next request; empty at the end."""
    # The parent waits for the answer before it sends the next request, so a read never returns two of them.
    parts = []
    while part := os.read(0, 2**16):
        parts.append(part)
        if part.endswith(b"\n"):
            break
    return b"".join(parts)


def _serve(first: bytes, answers: IO[str], errors: CapturedErrors) -> None:
    """Serve the requests of one job."""
    sandbox.enter(ConversionRequest.from_json(json.loads(first)["request"]))
    line = first
    while line and (message := json.loads(line))["task"] != "end":
        answer = _run(message["task"], ConversionRequest.from_json(message["request"]), errors)
        errors.pass_on()
        _answer(answers, answer)
        line = _read_line()


def _answer(answers: IO[str], document: dict[str, Any]) -> None:
    answers.write(json.dumps(document) + "\n")
    answers.flush()


def _run(task: str, request: ConversionRequest, errors: CapturedErrors) -> dict[str, Any]:
    try:
        if task == "check":
            conversion.check(request)
            return {"ok": None}
        return {"ok": conversion.convert(request, errors.text).to_json()}
    except IngestError as error:
        return {"error": "files", "text": str(error)}
    except OSError as error:
        # GDAL's errors are IngestErrors by now, so this is the worker's own disk.
        return {"error": "space", "text": str(error)}
    except MemoryError:
        return {"error": "memory"}
    except Exception as error:  # noqa: BLE001 - reported to the server, which goes on
        traceback.print_exc()
        return {"error": "defect", "text": type(error).__name__}


if __name__ == "__main__":
    main()

"""Requests for byte ranges of one file that are sent before the bytes are needed."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

from landbridge.raster.io.file_protocol import ByteRange

__all__ = ["Answer", "Budget", "ReadAhead"]

Answer = Future[list[tuple[ByteRange, memoryview]]]
"""Answer of a request: the bytes of its ranges."""


class Budget:
    """Largest number of bytes that are read ahead and not used yet; bytes that are never used count on."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = Lock()

    def reserve(self, size: int) -> bool:
        """Reserve bytes; return False if there are not so many."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def release(self, size: int) -> None:
        """Return bytes that were used."""
        with self._lock:
            self._left += size


@dataclass(frozen=True, slots=True)
class _Expected:
    answer: Answer
    budget: Budget


class ReadAhead:
    """Byte ranges of a file that are on their way."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._expected: dict[ByteRange, _Expected] = {}

    def start(
        self,
        ranges: Iterable[ByteRange],
        budget: Budget,
        send: Callable[[Sequence[ByteRange]], Iterable[tuple[Answer, Sequence[ByteRange]]]],
    ) -> None:
        """Send requests for ranges that are not on their way yet, as far as the budget allows."""
        with self._lock:
            new = [each for each in ranges if each not in self._expected and budget.reserve(each[1])]
            for answer, its_ranges in send(new):
                self._expected.update(dict.fromkeys(its_ranges, _Expected(answer, budget)))

    def take(self, ranges: Sequence[ByteRange]) -> tuple[dict[Answer, set[ByteRange]], list[ByteRange]]:
        """Return the answers that contain ranges, which are then forgotten, and the ranges of none."""
        answers: dict[Answer, set[ByteRange]] = {}
        others = []
        with self._lock:
            for each in ranges:
                expected = self._expected.pop(each, None)
                if expected is None:
                    others.append(each)
                    continue
                expected.budget.release(each[1])
                answers.setdefault(expected.answer, set()).add(each)
        return answers, others

    def cancel(self) -> None:
        """Forget all ranges, and cancel the requests that were not sent yet."""
        with self._lock:
            expected = [*self._expected.values()]
            self._expected.clear()
        for each in expected:
            each.answer.cancel()

"""Tokens that end running calls."""

import threading
import time

from landbridge.raster.errors import RenderCancelledError, RenderDeadlineError

__all__ = ["CancelToken"]


class CancelToken:
    """Token that ends the calls it is passed to: when it is cancelled, or after a number of seconds.

    Calls look at it before each block and each image, so that a call ends when the image that is being read
    is done. Its threads have then stopped, and the files are closed.

    Parameters
    ----------
    seconds : float, optional
        Seconds from now after which calls end; by default they may take any time.

    Raises
    ------
    ValueError
        If `seconds` is negative or not a number.

    Examples
    --------
    >>> from landbridge.raster import CancelToken
    >>> token = CancelToken(seconds=10)
    >>> # mosaic(sources, request, cancel=token)
    >>> token.cancel()
    >>> token.is_cancelled
    True
    """

    def __init__(self, seconds: float | None = None) -> None:
        """Start the time."""
        if seconds is not None and not seconds >= 0:
            raise ValueError(f"seconds must not be negative, got {seconds}")
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._cancelled = threading.Event()

    def __repr__(self) -> str:
        return f"CancelToken(seconds={self._seconds})"

    @property
    def is_cancelled(self) -> bool:
        """True if `cancel` was called or the time is over."""
        return self._cancelled.is_set() or self._is_late

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until calls end, 0 if the time is over; None without a limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def cancel(self) -> None:
        """End the calls that have the token; any thread may call it, also before the calls begin."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise an error if calls that have the token must end.

        Raises
        ------
        RenderCancelledError
            If `cancel` was called.
        RenderDeadlineError
            If the time is over.
        """
        if self._cancelled.is_set():
            raise RenderCancelledError("the call was cancelled before its pixels were complete")
        if self._is_late:
            raise RenderDeadlineError(
                f"the call took more than its limit of {self._seconds:g} seconds: ask for fewer images or "
                "pixels, or allow more time"
            )

    @property
    def _is_late(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

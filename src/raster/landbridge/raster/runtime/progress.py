"""Progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Protocol


class Progress(Protocol):
    """Receiver of progress reports."""

    def update(self, n: float = 1) -> Any:
        """Count further units as done."""
        ...


class _Silent:
    def update(self, n: float = 1) -> None:
        pass


def _bar_class() -> Any:
    """Return the class of bars for this terminal or notebook.

    `tqdm.auto` warns in a notebook without ipywidgets, and then shows the bar of a terminal.
    """
    if find_spec("ipywidgets") is None:
        from tqdm import tqdm
    else:
        from tqdm.auto import tqdm
    return tqdm


@contextmanager
def progress_bar(
    progress: bool | None, total: float, description: str, unit: str = "px"
) -> Iterator[Progress]:
    """Show a bar while a call runs: always if `progress` is True, on a terminal if None, never if False."""
    if progress is False:
        yield _Silent()
        return
    with _bar_class()(
        total=total,
        desc=description,
        unit=unit,
        unit_scale=True,
        disable=None if progress is None else False,
        leave=False,
    ) as bar:
        yield bar

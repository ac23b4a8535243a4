"""Charts of counts over time, as inline SVG."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from landbridge.notebook.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["MOST_BARS", "bar_chart", "timeline"]

_WIDTH, _HEIGHT, _LABELS = 420, 76, 14
_BINS = 60
_WIDEST_BAR = 40
MOST_BARS = 100
"""Most bars of a `bar_chart` that can be told apart."""


def timeline(dates: Sequence[datetime], counts: Sequence[int] | None = None) -> Html:
    """Return a chart of the number of dates in equal intervals; an empty text if there are none.

    Each date stands for as many as `counts` says, by default for one.
    """
    if not dates:
        return Html()
    seconds = [date.timestamp() if date.tzinfo else date.replace(tzinfo=UTC).timestamp() for date in dates]
    first, last = min(seconds), max(seconds)
    bins = [0] * _BINS
    for each, count in zip(seconds, counts or [1] * len(dates), strict=True):
        bins[min(_BINS - 1, int((each - first) / ((last - first) or 1) * _BINS))] += count
    start, stop = f"{min(dates):%Y-%m-%d}", f"{max(dates):%Y-%m-%d}"
    if first == last:
        bins, stop = [sum(bins)], ""
    top = max(bins)
    label = f"at most {top:,} per bar" if len(bins) > 1 and top > 1 else ""
    return _bars([(count, f"{count:,}") for count in bins], (start, label, stop))


def bar_chart(bars: Sequence[tuple[str, int, str]]) -> Html:
    """Return a chart of bars: each its label, its height and the text that is shown when pointed at."""
    if not bars:
        return Html()
    labels = (bars[0][0], f"most: {max(count for _, count, _ in bars):,}", bars[-1][0])
    if len(bars) == 1:
        labels = (bars[0][0], "", "")
    return _bars([(count, text) for _, count, text in bars], labels)


def _bars(bars: Sequence[tuple[int, str]], labels: tuple[str, str, str]) -> Html:
    """Return bars side by side, with labels below the left end, the middle and the right end."""
    base = _HEIGHT - _LABELS
    step = min(_WIDTH / len(bars), _WIDEST_BAR)
    gap = 1 if step > 3 else 0
    top = max((count for count, _ in bars), default=0) or 1
    parts = []
    for index, (count, text) in enumerate(bars):
        height = max(2, round(count / top * (base - 4), 1)) if count > 0 else 0
        if height:
            parts.append(
                tag(
                    "rect",
                    tag("title", text),
                    x=round(index * step + gap / 2, 2),
                    y=round(base - height, 1),
                    width=round(step - gap, 2),
                    height=height,
                    rx=1,
                    class_="lb-bar",
                )
            )
    width = max(round(step * len(bars)), 120)
    texts = [
        tag("text", text, x=x, y=_HEIGHT - 3, text_anchor=anchor)
        for text, x, anchor in zip(labels, (0, width / 2, width), ("start", "middle", "end"), strict=True)
        if text
    ]
    line = tag("path", d=f"M0 {base}.5H{width}", class_="lb-base")
    return tag(
        "svg", *parts, line, *texts, viewBox=f"0 0 {width} {_HEIGHT}", width=width, height=_HEIGHT, role="img"
    )

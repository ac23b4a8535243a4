"""Views of searches and of summaries of searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.notebook.values import size_text
from landbridge.notebook.charts import MOST_BARS, bar_chart, timeline
from landbridge.notebook.maps import map_sketch
from landbridge.notebook.markup import Html, fields, frame, short, table, tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["search_view", "summaries_view", "summary_view"]

_MOST_CONDITIONS = 30
_MOST_GROUPS = 12
_MOST_ROWS = 12


def search_view(search: Any) -> str:
    """Return the view of a search: its conditions in words. Nothing is searched or counted."""
    conditions, others = search._in_words()
    shown = [tag("div", short(text)) for text in conditions[:_MOST_CONDITIONS]]
    if len(conditions) > _MOST_CONDITIONS:
        shown.append(tag("div", f"and {len(conditions) - _MOST_CONDITIONS:,} more conditions"))
    facts = fields([("where", tag("div", *shown) if shown else "no condition"), *others])
    kind = search._model.__name__
    hint = tag(
        "p",
        *("Nothing has been asked for yet: ", tag("code", "count()"), " counts, "),
        *(tag("code", "first()"), " and ", tag("code", "collect()"), " read."),
        class_="lb-note",
    )
    return frame(
        type(search).__name__,
        f"Search for {kind} objects",
        tag(
            "div",
            tag("div", facts, class_="lb-grow"),
            map_sketch([search._query.geometry]),
            class_="lb-columns",
        ),
        hint,
        text=repr(search),
    )


def summary_view(summary: Any) -> str:
    """Return the view of a summary."""
    groups = list(getattr(summary, summary._group) or ())
    more = f", and {len(groups) - _MOST_GROUPS:,} more" if len(groups) > _MOST_GROUPS else ""
    start = summary.interval_start
    return frame(
        "Summary",
        _count(summary.count, summary._objects),
        fields(
            [
                ("size", size_text(summary.bytes)),
                (
                    summary._group,
                    ", ".join(short(each, 80) for each in groups[:_MOST_GROUPS]) + more if groups else None,
                ),
                ("from", None if start is None else f"{start:%Y-%m-%d %H:%M} UTC"),
            ]
        ),
        text=repr(summary),
    )


def _count(count: Any, objects: str) -> str:
    return f"{count or 0:,} {objects[:-1] if count == 1 else objects}"


def summaries_view(summaries: Any) -> str:
    """Return the view of the summaries of intervals: a chart of the counts, and the first intervals."""
    if not summaries:
        return frame("Summary by intervals", "no objects", text="[]")
    dated = [each for each in summaries if each.interval_start is not None]
    form = _date_form([each.interval_start for each in dated])
    total = sum(each.count or 0 for each in summaries)
    rows = [
        (format(each.interval_start, form), f"{each.count or 0:,}", size_text(each.bytes) or "")
        for each in dated
    ]
    note = f"The first {_MOST_ROWS} of {len(rows):,} intervals." if len(rows) > _MOST_ROWS else None
    return frame(
        "Summary by intervals",
        _count(total, summaries[0]._objects),
        _chart(summaries, form),
        tag(
            "details",
            tag("summary", f"{len(rows):,} interval{'' if len(rows) == 1 else 's'}"),
            table(("from", "count", "size"), rows[:_MOST_ROWS]),
            tag("p", note, class_="lb-note") if note else None,
        ),
        text=_text(summaries, total),
    )


def _chart(summaries: Any, form: str) -> Html:
    """Return a chart with a place for each interval; those without objects have no summary."""
    found = {each.interval_start: each for each in summaries if each.interval_start is not None}
    if not found:
        return Html()
    starts = summaries._all_starts(MOST_BARS)
    if starts is None:
        return timeline(list(found), [each.count or 0 for each in found.values()])
    bars = []
    for start in starts:
        each = found.get(start)
        count, size = (0, None) if each is None else (each.count or 0, each.bytes)
        text = f"{start:{form}}: {_count(count, summaries[0]._objects)}"
        bars.append((format(start, form), count, text + (f", {size_text(size)}" if size else "")))
    return bar_chart(bars)


def _text(summaries: Sequence[Any], total: int) -> str:
    return f"{_count(total, summaries[0]._objects)} in {len(summaries):,} intervals"


def _date_form(starts: Sequence[datetime]) -> str:
    """Return the shortest form that tells the starts of intervals apart."""
    if any(start.hour or start.minute for start in starts):
        return "%Y-%m-%d %H:%M"
    if any(start.day != 1 for start in starts):
        return "%Y-%m-%d"
    return "%Y-%m" if any(start.month != 1 for start in starts) else "%Y"

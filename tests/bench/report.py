"""Draw the history of benchmarks: one small plot for each row, ratio and seconds over commits.

python -m bench.report [OUTPUT]    (.png, .svg or .pdf; default: report.png beside the history)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bench import history

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.history import Entry

_COLUMNS = 3
_MOST_LABELS = 8


def series(entries: Sequence[Entry]) -> dict[tuple[str, str], list[Entry]]:
    """Return the entries of each row (job and peer), in order of time."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.job, entry.peer), []).append(entry)
    return dict(sorted(found.items()))


def draw(entries: Sequence[Entry], output: Path) -> None:
    """Draw one plot for each row into a file. Raises ValueError if there are no entries."""
    from matplotlib.figure import Figure

    rows = series(entries)
    if not rows:
        raise ValueError("The history has no rows.")
    height = -(-len(rows) // _COLUMNS)
    figure = Figure(figsize=(5 * _COLUMNS, 2.6 * height), layout="constrained")
    axes = figure.subplots(height, _COLUMNS, squeeze=False).flat
    for panel, ((job, peer), of_row) in zip(axes, rows.items(), strict=False):
        _draw_row(panel, f"{job}\nagainst {peer}", of_row)
    for unused in list(axes):
        unused.set_axis_off()
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=110)


def _draw_row(panel: Any, title: str, entries: Sequence[Entry]) -> None:
    """Draw the ratio (left scale, with its aim) and our figure (right scale, in seconds or bytes)."""
    places = range(len(entries))
    panel.set_title(title, fontsize=8)
    panel.plot(places, [entry.ratio for entry in entries], "o-", color="tab:blue", markersize=3)
    panel.plot(places, [entry.aim for entry in entries], ":", color="tab:gray")
    panel.set_ylabel("ratio", color="tab:blue", fontsize=7)
    panel.set_ylim(bottom=0)
    step = -(-len(entries) // _MOST_LABELS)
    panel.set_xticks(
        list(places)[::step], [entry.commit for entry in entries][::step], rotation=45, ha="right", fontsize=6
    )
    right = panel.twinx()
    right.plot(
        places, [entry.ours for entry in entries], "s-", color="tab:orange", markersize=2, linewidth=0.8
    )
    right.set_ylabel("ours (s or bytes)", color="tab:orange", fontsize=7)
    right.set_ylim(bottom=0)
    for scale in (panel, right):
        scale.tick_params(labelsize=6)


def main(arguments: list[str]) -> int:
    file = history.path()
    if file is None or not file.exists():
        print(f"There is no history at {file}; run `make bench` first.", file=sys.stderr)
        return 2
    output = history.ROOT / arguments[0] if arguments else file.with_name("report.png")
    draw(history.read(file), output)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The history of the benchmarks and its report."""

import json
from datetime import UTC, datetime

import pytest

from bench import history, report
from bench.frame import Row

ROWS = [Row("a mosaic", 0.5, "gdalwarp", 1.0, 2.0, 1.2), Row("a mosaic", 0.5, "aim", 0.4, 0.8, 1.0)]


def details(commit, day):
    machine = {
        "cpu": "a CPU",
        "cores": 2,
        "system": "Linux",
        "python": "3.11.2",
        "versions": {"numpy": "2.0"},
    }
    return {"commit": commit, "date": f"2026-11-{day:02}T00:00:00+00:00", "machine": machine}


@pytest.fixture
def file(tmp_path):
    """A history of two runs, the later one first."""
    path = tmp_path / "kept" / "history.jsonl"
    history.append(path, ROWS, details("bbbb", 2))
    history.append(path, ROWS[:1], details("aaaa", 1))
    return path


def test_entries_are_read_in_order_of_time(file):
    entries = history.read(file)
    assert [(entry.commit, entry.peer) for entry in entries] == [
        ("aaaa", "gdalwarp"),
        ("bbbb", "gdalwarp"),
        ("bbbb", "aim"),
    ]
    assert entries[0] == history.Entry(
        job="a mosaic",
        peer="gdalwarp",
        ours=0.5,
        theirs=1.0,
        ratio=2.0,
        aim=1.2,
        commit="aaaa",
        date=datetime(2026, 11, 1, tzinfo=UTC),
        machine=details("aaaa", 1)["machine"],
    )


def test_a_malformed_line_is_named(file):
    file.write_text(file.read_text() + '{"job": "a mosaic"}\n')
    with pytest.raises(ValueError, match="line 4: not a row of the history"):
        history.read(file)


def test_details_of_a_run_name_commit_and_machine():
    found = json.loads(json.dumps(history.run_details()))
    assert found["commit"]
    assert datetime.fromisoformat(found["date"]).tzinfo is not None
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["cpu"]
    assert "numpy" in found["machine"]["versions"]


def test_the_file_is_set_by_a_variable(monkeypatch):
    monkeypatch.delenv("BENCH_HISTORY", raising=False)
    assert history.path() == history.ROOT / ".bench" / "history.jsonl"
    monkeypatch.setenv("BENCH_HISTORY", "/kept/rows.jsonl")
    assert str(history.path()) == "/kept/rows.jsonl"
    monkeypatch.setenv("BENCH_HISTORY", "")
    assert history.path() is None


def test_the_report_draws_one_plot_for_each_row(file, monkeypatch, capsys):
    rows = report.series(history.read(file))
    assert {key: [entry.commit for entry in of_row] for key, of_row in rows.items()} == {
        ("a mosaic", "aim"): ["bbbb"],
        ("a mosaic", "gdalwarp"): ["aaaa", "bbbb"],
    }
    monkeypatch.setenv("BENCH_HISTORY", str(file))
    assert report.main([]) == 0
    output = file.with_name("report.png")
    assert capsys.readouterr().out.strip() == str(output)
    assert output.read_bytes().startswith(b"\x89PNG")


def test_a_report_without_history_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_HISTORY", str(tmp_path / "missing.jsonl"))
    assert report.main([]) == 2
    assert "run `make bench` first" in capsys.readouterr().err

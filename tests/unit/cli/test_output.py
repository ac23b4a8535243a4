"""Tables, lines, JSON and ids."""

import json
import os
import pty
import re
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.cli.output import Column, Form, write_object, write_objects


@dataclass
class Thing:
    id: str
    name: str | None = None

    def serialize(self):
        return {"name": self.name}


STYLES = re.compile(r"\x1b\[[0-9;]*m")
COLUMNS = (Column("id", lambda one: one.id), Column("name", lambda one: one.name))


def printed(capsys, *things, form=Form.TABLE):
    assert write_objects(things, COLUMNS, form) == len(things)
    return capsys.readouterr().out


def test_without_a_terminal_values_are_whole_and_separated_by_tabs(capsys):
    long = "x" * 300
    assert printed(capsys, Thing("a", long), Thing("b")) == f"a\t{long}\nb\t\n"


def test_json_is_one_document_on_each_line(capsys):
    lines = printed(capsys, Thing("a", "é\n"), Thing("b"), form=Form.JSON).splitlines()
    assert [json.loads(line) for line in lines] == [{"id": "a", "name": "é\n"}, {"id": "b", "name": None}]


def test_ids_are_one_on_each_line(capsys):
    assert printed(capsys, Thing("a", "x"), Thing("b"), form=Form.IDS) == "a\nb\n"


def test_one_object_is_its_members(capsys):
    write_object({"id": "a", "tags": ["x"], "nothing": None, "zero": 0}, Form.TABLE)
    assert capsys.readouterr().out == 'id\ta\ntags\t["x"]\nzero\t0\n'
    write_object({"id": "a", "nothing": None}, Form.JSON)
    assert json.loads(capsys.readouterr().out) == {"id": "a", "nothing": None}


@given(name=st.text())
def test_a_name_cannot_end_a_line_or_change_the_terminal(name):
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()) as out:
        write_objects([Thing(name, name)], COLUMNS, Form.TABLE)
    text = out.getvalue()
    assert text.endswith("\n")
    assert text[:-1].replace("\t", "", 1).isprintable()


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that calls another one with a terminal as standard output, and returns its output."""

    def run(function, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm-256color")
        master, slave = pty.openpty()
        with os.fdopen(slave, "w") as stream, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", stream)
            function()
            stream.flush()
            found = os.read(master, 100_000).decode()
        os.close(master)
        return found.replace("\r\n", "\n")

    return run


def test_a_terminal_gets_a_table_whose_ids_are_whole(terminal):
    long = "local:product:" + "x" * 60
    things = [Thing(long, "[bold]one[/bold] \x1b[31mred"), Thing("b", "two")]
    raw = terminal(lambda: write_objects(things, COLUMNS, Form.TABLE), 120)
    assert "\x1b[31m" not in raw
    wide = STYLES.sub("", raw)
    rows = [line.split() for line in wide.splitlines() if line.strip() and "─" not in line]
    assert [row[0] for row in rows] == ["id", long, "b"]
    assert "[bold]one[/bold] \\x1b[31mred" in wide
    narrow = STYLES.sub("", terminal(lambda: write_objects(things, COLUMNS, Form.TABLE), 40))
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines())) <= 40
    assert narrow.replace("\\x1b", "").count("x") == 60


def test_a_terminal_gets_json_and_ids_as_they_are(terminal):
    assert terminal(lambda: write_objects([Thing("a")], COLUMNS, Form.IDS), 80) == "a\n"
    assert json.loads(terminal(lambda: write_objects([Thing("a")], COLUMNS, Form.JSON), 80))["id"] == "a"

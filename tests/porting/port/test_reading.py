"""Files that `landbridge port` reads, or reports: none makes it fail, and none is run."""

import json
import os
import stat

import pytest
from click.testing import CliRunner

from landbridge.porting.port import read
from landbridge.porting.port.command import port as command

OLD = "import descarteslabs as dl\nprint(dl.catalog.Image)\n"


def run(*arguments):
    """Return the exit code and the JSON of the command."""
    done = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


def problem(path, content):
    """Return the only problem of a file with a content."""
    path.write_bytes(content)
    code, found = run(path)
    assert code == 2
    (file,) = found["files"]
    (text,) = file["problems"]
    return text


def test_a_script_is_not_run(tmp_path):
    target = tmp_path / "written"
    text = f"import descarteslabs\nopen({str(target)!r}, 'w').close()\nraise SystemExit(9)\n"
    (tmp_path / "script.py").write_text(text)
    (tmp_path / "descarteslabs.py").write_text(text)
    assert run(tmp_path)[0] == 0
    assert run(tmp_path, "--write")[0] == 0
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"import descarteslabs\nprint 'a'\n", "Python 2"),
        (b"import descarteslabs\ntry:\n    pass\nexcept ValueError, e:\n    pass\n", "Python 2"),
        (b"import descarteslabs\nexec 'x'\n", "Python 2"),
        (b"import descarteslabs\nif x <> y: pass\n", "Python 2"),
        (b"import descarteslabs\ndef f(:\n", "line 2 is not valid Python"),
        (b"import descarteslabs\n\tx = 1\n", "unexpected indent"),
        (b"# -*- coding: klingon -*-\nimport descarteslabs\n", "encoding"),
        (b"import descarteslabs  # \xe9\n", "neither UTF-8"),
        (b"\n\n\nimport descarteslabs  # \xe9\n", "not utf-8"),
        (OLD.encode("utf-16"), "UTF-16"),
        (b"import descarteslabs\0", "zero bytes"),
        (b"import descarteslabs\n" + b"x = " + b"(" * 5000 + b")" * 5000, "nested"),
        (b"import descarteslabs\nx = " + b"-" * 200_000 + b"1\n", ""),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(tmp_path, content, words):
    assert words in problem(tmp_path / "script.py", content)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "koi8-r", "euc-jp", "utf-8-crlf"]
)
def test_a_script_keeps_its_encoding_and_its_line_ends(tmp_path, encoding):
    word = {"koi8-r": "облако", "euc-jp": "雲"}.get(encoding, "nuée")
    declared = "" if encoding.startswith("utf-8") else f"# -*- coding: {encoding} -*-\n"
    text = f"{declared}from descarteslabs.catalog import Image  # {word}\nprint('{word}', Image)\n"
    codec = encoding.removesuffix("-crlf")
    if encoding.endswith("-crlf"):
        text = text.replace("\n", "\r\n")
    path = tmp_path / "script.py"
    path.write_bytes(text.encode(codec))
    assert run(path, "--write")[0] == 0
    expected = text.replace("from descarteslabs.catalog", "from landbridge.catalog")
    assert path.read_bytes() == expected.encode(codec)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"descarteslabs"',
        b"{}",
        b'{"cells": 3}',
        b'{"cells": [3]}',
        b'{"cells": [{"cell_type": "code"}]}',
        b'{"cells": [{"cell_type": "code", "source": 3}]}',
        b'{"cells": [{"cell_type": "code", "source": [1]}]}',
        b"\xff\xfe{",
        b'{"cells": ' + b"[" * 100_000,
    ],
)
def test_a_broken_notebook_is_reported(tmp_path, content):
    assert "notebook" in problem(tmp_path / "broken.ipynb", content) or content.startswith(b"\xff")


def test_what_is_no_readable_file_is_reported(tmp_path):
    (tmp_path / "dangling.py").symlink_to(tmp_path / "missing.py")
    (tmp_path / "round.py").symlink_to(tmp_path / "round.py")
    os.mkfifo(tmp_path / "pipe.py")
    code, found = run(tmp_path, tmp_path / "nowhere.py", tmp_path / "pipe.py")
    assert code == 2
    problems = {file["path"].rpartition("/")[2]: file["problems"] for file in found["files"]}
    assert set(problems) == {"dangling.py", "round.py", "nowhere.py", "pipe.py"}
    assert all(problems.values())


def test_a_circle_of_folders_ends_and_each_file_is_read_once(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "script.py").write_text(OLD)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "link.py").symlink_to(tmp_path / "a" / "b" / "script.py")
    for name in (".venv", "node_modules", "__pycache__", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "other.py").write_text(OLD)
    _, found = run(tmp_path, tmp_path / "a")
    assert len(found["files"]) == 1


def test_a_huge_file_is_reported_without_reading_it(tmp_path):
    path = tmp_path / "huge.py"
    with path.open("wb") as file:
        file.truncate(read.LARGEST + 1)
    code, found = run(path)
    assert code == 2
    assert "bytes" in found["files"][0]["problems"][0]


def test_writing_keeps_the_mode_and_follows_a_link(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(OLD)
    path.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    assert run(link, "--write")[0] == 0
    assert link.is_symlink()
    assert "landbridge" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.py", "script.py"]


def test_without_write_nothing_is_written(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(OLD)
    before = path.stat().st_mtime_ns
    assert run(path)[1]["files"][0]["changed"]
    assert (path.read_text(), path.stat().st_mtime_ns) == (OLD, before)


def test_other_scripts_are_left_alone(tmp_path):
    (tmp_path / "other.py").write_text("import numpy\n")
    (tmp_path / "python2.py").write_text("print 'no old package here'\n")
    (tmp_path / "empty.py").write_text("")
    code, found = run(tmp_path, "--write")
    assert code == 0
    assert not any(file["uses"] or file["changed"] or file["problems"] for file in found["files"])

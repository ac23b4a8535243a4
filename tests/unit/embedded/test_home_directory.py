import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from landbridge.stac_api.embedded import home_directory
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.errors import StackError

HOLDER = """
import sys
from pathlib import Path
from landbridge.stac_api.embedded.home_directory import hold_lock
with hold_lock(Path(sys.argv[1]), 1, "hold it"):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_never_readable_by_others(tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o666)
    home_directory.write_private(file, "new")
    assert (file.read_text(), mode(file)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_file_replaces_a_planted_link_and_leaves_its_target_alone(tmp_path: Path):
    target = tmp_path / "target"
    target.write_text("theirs")
    link = tmp_path / "secret"
    link.symlink_to(target)
    home_directory.write_private(link, "ours")
    assert not link.is_symlink()
    assert target.read_text() == "theirs"


def test_a_log_is_private_and_never_a_link(tmp_path: Path):
    with home_directory.open_log(tmp_path / "log"):
        assert mode(tmp_path / "log") == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "log")
    with pytest.raises(OSError, match="symbolic links"):
        home_directory.open_log(tmp_path / "link")


def test_a_home_and_its_folders_are_private(tmp_path: Path):
    home = Home(tmp_path / "deep" / "home")
    home.create()
    assert mode(home.root) == (0o711 if os.geteuid() == 0 else 0o700)
    assert mode(home.store) == mode(home.logs) == 0o700
    home.create()


def test_a_home_that_cannot_be_made_says_which_and_what_to_do(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"file/home cannot be created.*Set LANDBRIDGE_HOME"):
        Home(tmp_path / "file" / "home").create()


@pytest.mark.parametrize("content", [None, "", "not json", "[]", '{"version": 2}', "\xff"])
def test_a_state_file_that_cannot_be_understood_counts_as_none(tmp_path: Path, content: str | None):
    home = Home(tmp_path)
    if content is not None:
        home.state.write_text(content, encoding="latin-1")
    assert home_directory.read_state(home) is None


def test_state_is_read_as_it_was_written(tmp_path: Path):
    home = Home(tmp_path)
    home_directory.write_state(home, {"version": 1, "url": "http://127.0.0.1:1"})
    assert home_directory.read_state(home) == {"version": 1, "url": "http://127.0.0.1:1"}
    assert mode(home.state) == 0o600


def test_a_lock_names_its_holder_until_it_is_free(tmp_path: Path):
    lock = tmp_path / "lock"
    assert home_directory.lock_holder(lock) is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert home_directory.lock_holder(lock) == holder.pid
        with (
            pytest.raises(StackError, match=rf"held by another process \(id {holder.pid}\).*cannot go on"),
            home_directory.hold_lock(lock, 0.05, "go on"),
        ):
            pass
        holder.kill()
    assert lock.read_text().strip() == str(holder.pid)
    assert home_directory.lock_holder(lock) is None
    with home_directory.hold_lock(lock, 1, "go on"):
        assert home_directory.lock_holder(lock) == os.getpid()


def test_the_home_is_the_one_the_variable_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LANDBRIDGE_HOME", str(tmp_path))
    assert home_directory.default_home() == Home(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANDBRIDGE_HOME", "here")
    assert home_directory.default_home() == Home(tmp_path / "here")


def test_the_default_home_is_the_users_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("LANDBRIDGE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if sys.platform == "linux":
        assert home_directory.default_home() == Home(tmp_path / "landbridge")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert home_directory.default_home() == Home(Path("/var/lib/landbridge"))

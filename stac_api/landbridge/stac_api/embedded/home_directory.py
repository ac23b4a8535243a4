"""The home directory of a stack: its layout, private writes, and locks.

Layout of a home (modes 0700 and 0600; under root the home itself is 0711, so that PostgreSQL's OS user can
reach its own directory):

    state.json      address, token and process of the API; read by clients
    private_key     key of the private address
    up.lock         held while a process starts or stops the stack
    organizations.json, organizations.lock
                    the organizations of the stack; the lock is held while they change
    serve.lock      held by the server process for its lifetime; its text is that process's id
    postgres/       the PostgreSQL cluster (a symbolic link if its OS user cannot reach the home)
    run/            the cluster's socket
    store/          asset files
    logs/           api.log, postgres.log
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from landbridge import private_addresses
from landbridge.stac_api.core.files import Replacement
from landbridge.stac_api.embedded.polling import wait_for
from landbridge.stac_api.errors import StackError

ROOT_HOME = Path("/var/lib/landbridge")


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of the files of a stack; `root` is absolute."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def private_key(self) -> Path:
        return self.root / private_addresses.KEY_FILE

    @property
    def up_lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def serve_lock(self) -> Path:
        return self.root / "serve.lock"

    @property
    def organizations(self) -> Path:
        return self.root / "organizations.json"

    @property
    def organizations_lock(self) -> Path:
        return self.root / "organizations.lock"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def api_log(self) -> Path:
        return self.logs / "api.log"

    @property
    def postgres_log(self) -> Path:
        return self.logs / "postgres.log"

    def exists(self) -> bool:
        """Return whether the home is a directory. Raises StackError if this user cannot look."""
        try:
            return self.root.is_dir()
        except OSError as error:
            msg = f"The home {self.root} cannot be read: {error.strerror}."
            raise StackError(f"{msg} Set LANDBRIDGE_HOME to a directory of your own.") from error

    def create(self) -> None:
        """Create the home and its folders; an existing home keeps its mode.

        Raises StackError if the home belongs to another user: its state file, and so the address the
        token is sent to, would be that user's.
        """
        try:
            existed = self.root.is_dir()
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = self.root.stat().st_uid
            if os.geteuid() not in {0, owner}:
                msg = f"The home {self.root} belongs to user {owner}, not to you (user {os.geteuid()})."
                raise StackError(f"{msg} Set LANDBRIDGE_HOME to a directory of your own.")
            if not existed and os.geteuid() == 0:
                self.root.chmod(0o711)
            for folder in (self.store, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            msg = f"The home {self.root} cannot be created: {error.strerror} ({error.filename})."
            raise StackError(f"{msg} Set LANDBRIDGE_HOME to a directory you can write to.") from error


def default_home() -> Home:
    """Return the home of this user's stack: LANDBRIDGE_HOME, else the user's data directory.

    Root's default is /var/lib/landbridge: PostgreSQL never runs as root, and other users cannot reach /root.
    """
    if configured := os.environ.get("LANDBRIDGE_HOME"):
        return Home(Path(configured).expanduser().absolute())
    if os.geteuid() == 0:
        return Home(ROOT_HOME)
    import platformdirs

    return Home(Path(platformdirs.user_data_dir("landbridge")))


def write_private(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Replace a file atomically by one that only its owner, `(uid, gid)`, can read.

    The incomplete file has an unguessable name, so that nobody can plant a symbolic link there.
    """
    replacement = Replacement(path, path.with_name(f".{path.name}.{secrets.token_hex(8)}"))
    file = replacement.open(0o600)
    try:
        with file:
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            file.write(text.encode())
        replacement.commit(durable=False)
    except BaseException:
        replacement.discard()
        raise


def open_log(path: Path) -> BinaryIO:
    """Open a log for appending, readable by its owner only. Links are not followed."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "ab")


def read_state(home: Home) -> dict[str, Any] | None:
    """Return the state file's content; None if it is missing or invalid."""
    try:
        state = json.loads(home.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        msg = f"{home.state} cannot be read: the stack of this home was started by another user."
        raise StackError(f"{msg} Set LANDBRIDGE_HOME to a directory of your own.") from error
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) and state.get("version") == 1 else None


def write_state(home: Home, state: dict[str, Any]) -> None:
    write_private(home.state, json.dumps(state, indent=1) + "\n")


@contextlib.contextmanager
def hold_lock(path: Path, timeout: float, purpose: str) -> Iterator[int]:
    """Hold a lock file exclusively; yields its descriptor. Raises StackError after `timeout` seconds.

    The kernel releases the lock when its process ends, so a leftover lock file has no effect.
    """
    descriptor = _open_lock(path)
    try:

        def failure() -> StackError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            msg = f"{path} has been held by another process (id {holder}) for more than {timeout:.0f} s"
            return StackError(f"{msg}; cannot {purpose}.")

        wait_for(lambda: _try_lock(descriptor, fcntl.LOCK_EX), timeout, failure)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def lock_holder(path: Path) -> int | None:
    """Return the id of the process that holds a lock; 0 if not written yet; None if the lock is free."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _lock_error(path, error) from error
    try:
        # Shared, so that two processes that check at once do not see each other as holders.
        if _try_lock(descriptor, fcntl.LOCK_SH):
            return None
        text = os.pread(descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _lock_error(path, error) from error


def _lock_error(path: Path, error: OSError) -> StackError:
    msg = f"The lock {path} of the embedded stack cannot be opened: {error.strerror}."
    return StackError(f"{msg} Set LANDBRIDGE_HOME to a directory of your own that you can write to.")


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Settings of the client: a configured service, or the embedded stack in the user's data directory.

| variable | meaning |
|---|---|
| `LANDBRIDGE_URL` | the STAC API to use; when it is set, no embedded stack is started |
| `LANDBRIDGE_TOKEN` | the bearer token sent to that API; not used for the embedded stack |
| `LANDBRIDGE_PROFILE` | the profile of `config.toml` that names API and credentials (`landbridge.profiles`) |
| `LANDBRIDGE_HOME` | the folder of the embedded stack; default: the user's data directory |
| `LANDBRIDGE_USER` | user id of the caller; default: that of the service's answer, else `local` |
| `LANDBRIDGE_ORG` | organization, empty for none; default: that of the service's answer, else `local` |

On the embedded stack the organization is that of `LANDBRIDGE_ORG`, else `org` of `config.toml`, else the
default of `landbridge org list`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from landbridge.exceptions import ConfigError
from landbridge.organizations import check_organization, find_organization, read_organizations
from landbridge.private_addresses import KEY_FILE, private_url
from landbridge.profiles import OidcClient, check_url, find_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EmbeddedState", "Settings", "get_settings", "join_embedded", "read_state"]

STATE_VERSION = 1
_SERVER = "landbridge.stac_api.embedded"
_NO_SERVER = (
    "LANDBRIDGE_URL is not set, and the embedded stack needs the server distribution, which is missing. "
    'Install it with:  pip install "landbridge[server]"  (or set LANDBRIDGE_URL to the STAC API to use)'
)
# Seconds. The first start creates a database cluster, which takes less than this even on a slow disk.
_START_TIMEOUT = 300


@dataclass(frozen=True, slots=True)
class Settings:
    """Address of the service, and the caller's identity and credentials.

    `url` is None if the embedded stack serves the requests. `has_identity` is True if the user or the
    organization was set; otherwise the service tells them.
    """

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    home: Path = Path()
    user: str = "local"
    org: str | None = "local"
    profile: str | None = None
    oidc: OidcClient | None = None
    has_identity: bool = False
    # Organizations of the embedded stack, beside `org`.
    organizations: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of the environment variables, else of the chosen profile, else the defaults.

        Raises
        ------
        ConfigError
            If a value is invalid, or if the profile's address differs from LANDBRIDGE_URL.
        """
        values = os.environ if environ is None else environ
        given = values.get("LANDBRIDGE_URL", "").strip()
        url = check_url(given, "LANDBRIDGE_URL") if given else None
        profile = find_profile(values)
        if profile is not None and url not in (None, profile.url):
            raise ConfigError(
                f"LANDBRIDGE_URL is {url}, but the profile {profile.name!r} is for {profile.url}: its "
                f"credentials go nowhere else. Unset LANDBRIDGE_URL or LANDBRIDGE_PROFILE."
            )
        given_home = values.get("LANDBRIDGE_HOME")
        home = Path(given_home).expanduser() if given_home else default_home()
        address = profile.url if profile else url
        # The embedded stack has a token of its own, which clients read from its home.
        token = values.get("LANDBRIDGE_TOKEN") or None if address is not None else None
        org, organizations = _find_organizations(values, home if address is None else None)
        return cls(
            url=address,
            token=token or (profile.token if profile else None),
            home=home,
            user=values.get("LANDBRIDGE_USER") or "local",
            org=org,
            profile=profile.name if profile else None,
            oidc=profile.oidc if profile and token is None else None,
            has_identity=bool(values.get("LANDBRIDGE_USER")) or "LANDBRIDGE_ORG" in values,
            organizations=organizations,
        )

    def __reduce__(self) -> Any:
        """Pickle all fields except the secrets."""
        return Settings, (
            self.url, None, self.home, self.user, self.org, self.profile, None, self.has_identity,
            self.organizations,
        )  # fmt: skip

    def with_local_credentials(self) -> Settings:
        """Return these settings of another process with this process's credentials for the service.

        The credentials are those of the environment or of the chosen profile, else of the profile that the
        other process had chosen.
        """
        found = get_settings()
        if found.url != self.url and self.profile is not None:
            others = {"LANDBRIDGE_URL", "LANDBRIDGE_TOKEN"}
            environ = {name: value for name, value in os.environ.items() if name not in others}
            with contextlib.suppress(ConfigError):  # this machine has no such profile
                found = Settings.from_env({**environ, "LANDBRIDGE_PROFILE": self.profile})
        if found.url != self.url:
            return replace(self, token=None, oidc=None)
        return replace(self, token=found.token, oidc=found.oidc, profile=found.profile)

    @property
    def embedded(self) -> bool:
        """True if no service is configured, so that the embedded stack is started or joined."""
        return self.url is None


@dataclass(frozen=True, slots=True)
class EmbeddedState:
    """Running embedded stack, as the files in its home describe it.

    `private_url` is the address by which other programs read it without the token.
    """

    url: str
    private_url: str = field(repr=False)
    token: str = field(repr=False)
    store: Path
    pid: int
    version: str | None = None

    def warn_of_other_version(self) -> None:
        """Warn if the server is of another version than this client."""
        if self.version is None:
            return
        from importlib.metadata import version

        if self.version != (installed := version("landbridge")):
            warnings.warn(
                f"The embedded stack that runs is of Landbridge {self.version}, and this client is of "
                f"{installed}. When nothing uses it, restart it: landbridge up --restart",
                stacklevel=2,
            )


def get_settings() -> Settings:
    """Return the settings that are in effect now."""
    return Settings.from_env()


def default_home() -> Path:
    """Return the folder of the embedded stack if `LANDBRIDGE_HOME` is not set."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/landbridge")
    import platformdirs

    return platformdirs.user_data_path("landbridge", appauthor=False)


def _find_organizations(values: Mapping[str, str], home: Path | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the caller's organization, and those of the embedded stack in `home`; None for a service."""
    default: str | None = "local"
    names: tuple[str, ...] = ()
    if home is not None:
        stored = read_organizations(home)
        names = stored.names
        configured = find_organization(values)
        default = stored.default if configured is None else configured or None
    if (given := values.get("LANDBRIDGE_ORG")) is not None:
        default = check_organization(given, "LANDBRIDGE_ORG") or None
    return default, names


def read_state(home: Path) -> EmbeddedState | None:
    """Return the state of the embedded stack in `home`; None if no server runs there.

    A state file of a server that has ended is ignored: another program could use its port now, and would get
    the token.
    """
    try:
        document = json.loads((home / "state.json").read_bytes())
        if document["version"] != STATE_VERSION or not _holds_lock(home, int(document["pid"])):
            return None
        return EmbeddedState(
            url=(url := str(document["url"]).rstrip("/")),
            private_url=private_url(url, home / KEY_FILE),
            token=str(document["token"]),
            store=Path(document["store"]),
            pid=int(document["pid"]),
            version=document.get("landbridge"),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holds_lock(home: Path, pid: int) -> bool:
    """Return True if the process holds the lock that the server in `home` holds as long as it runs."""
    try:
        import fcntl
    except ImportError:  # this system has neither such locks nor the embedded stack
        return True
    descriptor = os.open(home / "serve.lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 32).strip() == str(pid).encode()
    finally:
        os.close(descriptor)
    return False


def _read_text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()


def join_embedded(home: Path) -> EmbeddedState:
    """Start the embedded stack in `home`, or join the one that runs there, in a process of its own.

    Raises
    ------
    ConfigError
        If the server distribution is not installed, or if the stack does not start. The message contains the
        stack's output.
    """
    import subprocess
    import tempfile
    from importlib.util import find_spec

    # The parent package, because find_spec of a submodule raises if its parent is missing.
    if find_spec("landbridge.stac_api") is None:
        raise ConfigError(_NO_SERVER)
    command = [sys.executable, "-m", _SERVER, "up"]
    # Files, not pipes: the stack outlives this call and may keep inherited pipes open, so that reading one
    # would last until the stack ends.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module
                command,
                env={**os.environ, "LANDBRIDGE_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=_START_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(
                f"The embedded stack in {home} did not answer within {_START_TIMEOUT} seconds."
            ) from error
        except OSError as error:
            raise ConfigError(f"The embedded stack could not be started with {command}: {error}") from error
        if done.returncode != 0:
            message = _read_text(errors) or _read_text(output) or f"exit status {done.returncode}"
            raise ConfigError(f"The embedded stack in {home} did not start.\n{message}")
    state = read_state(home)
    if state is None:
        raise ConfigError(f"The embedded stack started, but {home / 'state.json'} cannot be read.")
    return state

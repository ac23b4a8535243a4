"""Search for an installed PostgreSQL with PostGIS.

No wheel on PyPI has PostGIS, so the programs come from packages of the system: apt, dnf, Homebrew or conda.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from landbridge.stac_api.embedded.os_user import OsUser, reachable
from landbridge.stac_api.errors import PostgresNotFound

MINIMUM_MAJOR = 14
PROGRAMS = ("postgres", "initdb")
CLIENT_PROGRAMS = ("pg_dump", "pg_restore")
# pgstac needs all three; some systems have the last two in a separate package (contrib).
EXTENSIONS = ("postgis", "btree_gist", "unaccent")

# Folders of the programs of one version, below the root of the file system; the newest version comes first.
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu, apt.postgresql.org
    "usr/pgsql-*/bin",  # yum.postgresql.org
    "opt/homebrew/opt/postgresql@*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql@*/bin",
    "usr/local/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
# Folders of shared files if there is no pg_config: next to bin, and those of Debian and Fedora.
SHARE_PATTERNS = (
    "{bin}/../share/postgresql",
    "{bin}/../share",
    "{root}/usr/share/postgresql/{major}",
    "{root}/usr/share/pgsql",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A usable set of PostgreSQL programs."""

    bin: Path
    major: int
    version: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A folder that was checked, and why it is not used."""

    bin: Path
    reason: str
    major: int | None = None


@dataclass(frozen=True, slots=True)
class SearchEnvironment:
    """Search locations: the root of the file system and the variables of the process."""

    root: Path
    pg_bin: str | None
    search_path: str
    conda_prefixes: tuple[Path, ...]

    @classmethod
    def of_process(cls) -> "SearchEnvironment":
        prefixes = (os.environ.get("CONDA_PREFIX"), sys.prefix, sys.base_prefix)
        return cls(
            root=Path("/"),
            pg_bin=os.environ.get("LANDBRIDGE_PG_BIN"),
            search_path=os.environ.get("PATH", os.defpath),
            conda_prefixes=tuple(dict.fromkeys(Path(prefix) for prefix in prefixes if prefix)),
        )


def find_installation(
    os_user: OsUser, major: int | None = None, environment: SearchEnvironment | None = None
) -> Installation:
    """Return the best installation that `os_user` can run.

    Args:
        os_user: user that runs the programs, and must be able to reach them.
        major: the major version an existing cluster needs; None takes the first found in the order
            LANDBRIDGE_PG_BIN, PATH, system packages (newest first), conda.
        environment: search locations; by default those of this machine.

    Raises:
        PostgresNotFound: if there is none; the message has the rejected folders and the install commands.
    """
    environment = environment or SearchEnvironment.of_process()
    refusals: list[Rejection] = []
    for place in _unique_folders(environment):
        found = _inspect(place, os_user, environment.root)
        if isinstance(found, Installation) and major not in {None, found.major}:
            found = Rejection(
                place, f"is PostgreSQL {found.version}; this cluster needs {major}", found.major
            )
        if isinstance(found, Installation):
            return found
        refusals.append(found)
    raise PostgresNotFound(_message(refusals, major))


def find_newest(os_user: OsUser, environment: SearchEnvironment | None = None) -> Installation | None:
    """Return the installation of the newest major version that `os_user` can run; None if there is none."""
    environment = environment or SearchEnvironment.of_process()
    inspected = (_inspect(place, os_user, environment.root) for place in _unique_folders(environment))
    usable = [found for found in inspected if isinstance(found, Installation)]
    return max(usable, key=lambda found: found.major, default=None)


def find_client_programs(major: int, environment: SearchEnvironment | None = None) -> Path:
    """Return the folder of pg_dump and pg_restore for a server.

    They are of the same major version if possible, else of the next newer one: older programs refuse it.

    Args:
        major: major version of the server.
        environment: search locations; by default those of this machine.

    Raises:
        PostgresNotFound: if there are none.
    """
    found: dict[int, Path] = {}
    for place in _unique_folders(environment or SearchEnvironment.of_process()):
        if not all((place / program).is_file() for program in CLIENT_PROGRAMS):
            continue
        number = re.search(r"\(PostgreSQL\) (\d+)", "\n".join(_output_lines(place / "pg_dump", "--version")))
        if number:
            found.setdefault(int(number[1]), place)
    if usable := [number for number in found if number >= major]:
        return found[min(usable)]
    older = f" Those of {', '.join(map(str, sorted(found)))} are too old." if found else ""
    raise PostgresNotFound(
        f"pg_dump and pg_restore of PostgreSQL {major} or newer were not found.{older} Install them, for "
        f"example: sudo apt-get install postgresql-client-{major}. If they are somewhere else, set "
        "LANDBRIDGE_PG_BIN to their directory."
    )


def _unique_folders(environment: SearchEnvironment) -> Iterator[Path]:
    """Yield the folders to check, best first, each once; only LANDBRIDGE_PG_BIN if it is set."""
    if environment.pg_bin:
        yield Path(environment.pg_bin).expanduser()
        return
    seen: set[Path] = set()
    for place in _candidate_folders(environment):
        resolved = place.resolve()
        if resolved not in seen and resolved.is_dir():
            seen.add(resolved)
            yield place


def _candidate_folders(environment: SearchEnvironment) -> Iterator[Path]:
    for program in ("pg_config", "postgres", "pg_dump"):
        if (found := shutil.which(program, path=environment.search_path)) is None:
            continue
        answer = _output_lines(Path(found), "--bindir") if program == "pg_config" else None
        yield Path(answer[0]) if answer else Path(found).resolve().parent
    for pattern in SYSTEM_PATTERNS:
        yield from sorted(environment.root.glob(pattern), key=_version_in_path, reverse=True)
    for prefix in environment.conda_prefixes:
        if (prefix / "bin" / PROGRAMS[0]).exists():
            yield prefix / "bin"


def _version_in_path(place: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", place.parent.name))


def _inspect(place: Path, os_user: OsUser, root: Path) -> Installation | Rejection:
    missing = [program for program in PROGRAMS if not (place / program).is_file()]
    if missing:
        return Rejection(place, f"has no {' and no '.join(missing)} (only client programs?)")
    if not all(reachable(place / program, os_user) for program in PROGRAMS):
        return Rejection(place, f"is out of reach of user {os_user.name}, who has to run it")
    if not (answer := _output_lines(place / "postgres", "--version")):
        return Rejection(place, "has a postgres that does not start")
    # "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", betas are "18beta1"
    number = re.search(r"\(PostgreSQL\) ((\d+)\S*)", answer[0])
    version, major = (number[1], int(number[2])) if number else (answer[0], 0)
    if major < MINIMUM_MAJOR:
        return Rejection(place, f"is PostgreSQL {version}; at least {MINIMUM_MAJOR} is needed", major)
    extensions = [share / "extension" for share in _share_folders(place, major, root)]
    absent = [
        name for name in EXTENSIONS if not any((folder / f"{name}.control").exists() for folder in extensions)
    ]
    if absent:
        reason = f"is PostgreSQL {version} without the extension{'s' * (len(absent) > 1)} {', '.join(absent)}"
        return Rejection(place, reason, major)
    return Installation(place, major, version)


def _share_folders(place: Path, major: int, root: Path) -> list[Path]:
    answer = _output_lines(place / "pg_config", "--sharedir")
    if answer:
        return [Path(answer[0])]
    named = (pattern.format(bin=place, root=root, major=major) for pattern in SHARE_PATTERNS)
    return [Path(os.path.normpath(name)) for name in named]


def _output_lines(program: Path, *options: str) -> list[str]:
    """Return the lines that a program prints; empty if it cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 - a program found on this machine, asked for its version
            [program, *options],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()


def install_commands(majors: Sequence[int] = (), major: int | None = None) -> dict[str, str]:
    """Return the commands that install PostgreSQL with PostGIS, by system.

    Args:
        majors: major versions of servers that are installed without PostGIS.
        major: required major version; None for any.
    """
    usable = [number for number in majors if number >= MINIMUM_MAJOR]
    wanted = major or (max(usable) if usable else None)
    if wanted is None:
        apt = "postgresql postgresql-postgis"
    else:
        apt = f"{'' if wanted in majors else f'postgresql-{wanted} '}postgresql-{wanted}-postgis-3"
    pin = f"={major}" if major else ""
    return {
        "Debian, Ubuntu": f"sudo apt-get install {apt}",
        "Fedora, RHEL": "sudo dnf install postgresql-server postgresql-contrib postgis",
        "macOS": f"brew install postgresql@{major or 17} postgis",
        "conda": f"conda install -c conda-forge postgresql{pin} postgis",
    }


def _message(refusals: Sequence[Rejection], major: int | None) -> str:
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {MINIMUM_MAJOR} or newer"
    lines = [f"No {wanted} with PostGIS was found on this machine. Install it with the line for your system:"]
    majors = [refusal.major for refusal in refusals if refusal.major is not None]
    lines += [f"  {system:<15} {line}" for system, line in install_commands(majors, major).items()]
    if major:
        lines.append(
            f"The cluster of this home was made by PostgreSQL {major}, whose files no other version reads."
        )
        if newer := sorted(number for number in majors if number > major):
            lines.append(
                f"To use PostgreSQL {newer[-1]}, which is installed, install {major} beside it, and then "
                "run: landbridge upgrade-postgres"
            )
            lines.append(
                f"If your system has no package of PostgreSQL {major} any more, apt.postgresql.org has; or "
                "restore a backup with `landbridge restore` into a new home."
            )
    if refusals:
        lines.append("Looked at and refused:")
        lines += [f"  {refusal.bin} {refusal.reason}" for refusal in refusals]
    else:
        lines.append(
            "No PostgreSQL was found at all: not on PATH, in /usr/lib/postgresql, Homebrew or conda."
        )
    lines.append(
        "If it is somewhere else, set LANDBRIDGE_PG_BIN to the directory of its `postgres` and `initdb`."
    )
    return "\n".join(lines)

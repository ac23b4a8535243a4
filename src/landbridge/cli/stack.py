"""`landbridge up`, `open`, `down` and `status`: the embedded stack of this user."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from landbridge.cli.groups import SERVER_MISSING
from landbridge.cli.output import json_option

_VARIABLE = "LANDBRIDGE_ORG"
UNITS = ("B", "kB", "MB", "GB", "TB")


@click.command()
@click.option("--timings", is_flag=True, help="Print the seconds of each phase.")
@json_option()
@click.option(
    "--org", "organization", help="Organization that prefixes new ids, now and later; empty for none."
)
@click.option("--restart", is_flag=True, help="Stop the stack first, if it runs: after an update.")
def up(timings: bool, as_json: bool, organization: str | None, restart: bool) -> None:
    """Start the embedded stack, or join it if it runs, and print its private address.

    Programs that read STAC, such as QGIS, read everything by this address, and can change nothing.

    Its home folder is LANDBRIDGE_HOME, or this user's data directory.
    """
    before = process_age()
    begin = time.monotonic()
    with stack_errors():
        if organization is not None:
            _set_organization(organization)
        from landbridge.stac_api.embedded import stack

        if restart:
            from landbridge.stac_api.embedded import control

            control.down()
        result = stack.start_or_join()
        answer = time.monotonic()
        stack.http_status(result.stack.url, urlsplit(result.stack.private_url).path or "/")
    end = time.monotonic()
    if not result.started:
        _note_version(result.stack.version)
    phases = {"start this command": before, **result.phases, "first answer": end - answer}
    total = before + end - begin
    if as_json:
        report: dict[str, Any] = {
            "url": result.stack.url,
            "private_url": result.stack.private_url,
            "started": result.started,
        }
        if timings:
            report |= {"phases": phases, "total": total}
        click.echo(json.dumps(report))
        return
    click.echo(result.stack.private_url)
    if timings:
        for name, seconds in phases.items():
            click.echo(f"{seconds:8.3f} s  {name}")
        kind = "cold start to first answer" if result.started else "warm join to first answer"
        click.echo(f"{total:8.3f} s  {kind} (phases overlap)")


def _note_version(running: str | None) -> None:
    from landbridge.stac_api.embedded.versions import version_note

    if (note := version_note(running)) is not None:
        click.echo(note, err=True)


def _set_organization(name: str) -> None:
    from landbridge.stac_api.embedded import organizations
    from landbridge.stac_api.embedded.home_directory import default_home

    found = organizations.set_default(default_home(), name.strip() or None)
    note_precedence(found.default)


@click.command(name="open")
@click.option("--renew", is_flag=True, help="Make a new address first; the old one is not valid any more.")
@json_option()
def open_stack(renew: bool, as_json: bool) -> None:
    """Print the private address, by which other programs read the embedded stack.

    Paste it into QGIS, STAC Browser, pystac-client, GDAL or curl. Whoever knows the address can read
    everything, and change nothing. The stack is started if it does not run.
    """
    with stack_errors():
        from landbridge.stac_api.embedded import home_directory, private_address, stack

        home = home_directory.default_home()
        if renew:
            home.create()
            private_address.renew(home)
        found = stack.up(home)
    report = {"url": found.url, "private_url": found.private_url}
    click.echo(json.dumps(report) if as_json else found.private_url)


@click.command()
def down() -> None:
    """Stop the embedded stack: the API, then its PostgreSQL. Its data stays."""
    with stack_errors():
        from landbridge.stac_api.embedded import control

        ended = control.down()
    click.echo("stopped" if ended else "was not running")


@click.command(name="upgrade-postgres")
def upgrade_postgres() -> None:
    """Upgrade the embedded stack's PostgreSQL to the newest installed version.

    The programs of the old version and of the new one must be installed, and the stack must not run. The
    database is copied; the old one is kept beside it, until you delete it.
    """
    with stack_errors():
        from landbridge.stac_api.embedded import postgres_upgrade
        from landbridge.stac_api.embedded.home_directory import default_home

        done = postgres_upgrade.upgrade(default_home(), lambda line: click.echo(line, err=True))
    if done is None:
        click.echo("The database has the newest installed version of PostgreSQL.")
    else:
        click.echo(f"Upgraded from PostgreSQL {done.before} to {done.after}. The old database is {done.kept}")


@click.command()
@json_option()
def status(as_json: bool) -> None:
    """Describe the embedded stack: address, processes, versions, folders and sizes."""
    with stack_errors():
        from landbridge.stac_api.embedded import control

        report = control.status()
    if as_json:
        click.echo(json.dumps(report))
        return
    rows = {
        "running": "yes" if report["running"] else "no",
        "address": report["private_url"] if report["running"] else None,
        "process": report["pid"],
        "postgres": report["postgres_pid"],
        "versions": ", ".join(f"{name} {value}" for name, value in report["versions"].items() if value),
        "org": ", ".join(_marked(report["organizations"])) or None,
        "home": report["home"],
        "store": f"{report['store']} ({human(report['bytes']['store'])})",
        "database": f"{report['data']} ({human(report['bytes']['database'])})" if report["data"] else None,
    }
    for name, value in rows.items():
        if value is not None:
            click.echo(f"{name:<9} {value}")


def _marked(organizations: dict[str, Any]) -> list[str]:
    """Return the names of organizations, of which the default one is marked."""
    default = organizations["default"]
    return [f"{name} (default)" if name == default else name for name in organizations["names"]]


@contextlib.contextmanager
def stack_errors() -> Iterator[None]:
    """Turn errors of the embedded stack, or its absence, into a message and exit code 1."""
    try:
        from landbridge.stac_api.errors import StackError
    except ModuleNotFoundError as error:
        raise click.ClickException(SERVER_MISSING) from error
    try:
        yield
    except StackError as error:
        raise click.ClickException(str(error)) from error


def note_precedence(default: str | None) -> None:
    """Say on stderr if the organization of the environment or of `config.toml` prefixes new ids instead."""
    from landbridge.exceptions import ConfigError
    from landbridge.organizations import find_organization
    from landbridge.profiles import config_path

    given, place = os.environ.get(_VARIABLE), _VARIABLE
    if given is None:
        try:
            given, place = find_organization(os.environ), f"`org` of {config_path(os.environ)}"
        except ConfigError as error:
            raise click.ClickException(str(error)) from error
    if given is not None and given.strip() != (default or ""):
        click.echo(f"{place} is {given!r} and takes precedence over the default.", err=True)


def process_age() -> float:
    """Return the seconds since this process started; without /proc, the processor time it has used."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return time.process_time()
    # Field 22 of proc(5), in clock ticks since boot; field 3 follows ")".
    return max(0.0, uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def human(size: float) -> str:
    """Return a number of bytes with a unit: 57.7 MB."""
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == UNITS[0] else f"{size:.1f} {unit}"

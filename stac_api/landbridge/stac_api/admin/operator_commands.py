"""What an operator asks the database on the command line: API tokens, and the audit log."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.stac_api.access.principal import Right
    from landbridge.stac_api.access.tokens import ApiToken

    # argparse has no public name for it
    Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

__all__ = ["COMMANDS", "add_commands", "run"]

COMMANDS: Final = ("token", "audit")

_RIGHTS: Final[dict[str, frozenset[Right]]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
}
_ENTRIES: Final = 100
_SPANS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS: Final = 90  # for which a token is valid, unless it is said


class _UsageError(LandbridgeError):
    pass


def add_commands(commands: Subparsers) -> None:
    """Add the commands to a parser."""
    token = commands.add_parser("token", help="make, list and revoke API tokens")
    actions = token.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a token, which is shown this once")
    create.add_argument("--user", required=True, help="whom it stands for")
    create.add_argument("--org", help="that user's organization")
    create.add_argument("--group", action="append", default=[], help="a group of that user; may be repeated")
    create.add_argument("--email", help="that user's address")
    create.add_argument("--scope", choices=_RIGHTS, default="write", help="what it may do (default: write)")
    create.add_argument("--label", default="", help="what it is for")
    create.add_argument(
        "--days", type=int, default=_DAYS, help=f"for how long; 0 is for ever (default: {_DAYS})"
    )
    create.set_defaults(run=_create)
    actions.add_parser("list", help="describe all tokens, never their secrets").set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="end tokens, within seconds")
    revoke.add_argument("ids", nargs="+", metavar="id", help="as `list` shows it, or the token itself")
    revoke.set_defaults(run=_revoke)
    audit = commands.add_parser("audit", help="who did what to which id")
    audit.add_argument("--user", help="by this user")
    audit.add_argument("--target", help="to this id: of a product, image, blob, upload")
    audit.add_argument("--since", type=_since, help="since a date and time, or for so long: 30m, 12h, 7d")
    audit.add_argument("--limit", type=int, default=_ENTRIES, help=f"how many (default: the last {_ENTRIES})")
    audit.set_defaults(run=_audit)
    for action in (*actions.choices.values(), audit):
        action.add_argument("--json", action="store_true", help="print JSON lines")


def run(options: argparse.Namespace, database_url: str) -> int:
    """Run a command; returns its exit code."""
    command: Callable[[argparse.Namespace, str], None] = options.run
    try:
        command(options, database_url)
    except (_UsageError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _create(options: argparse.Namespace, database_url: str) -> None:
    from landbridge.stac_api.access import tokens
    from landbridge.stac_api.access.principal import Principal

    if options.days < 0:
        raise _UsageError(f"--days is {options.days}; it is a number of days, or 0 for ever.")
    principal = Principal(
        user=options.user,
        org=options.org,
        groups=tuple(options.group),
        email=options.email,
        rights=_RIGHTS[options.scope],
    )
    try:
        expires = datetime.now(UTC) + timedelta(days=options.days) if options.days else None
    except OverflowError:
        raise _UsageError(f"--days is {options.days}, which no calendar holds; 0 is for ever.") from None
    secret, made = tokens.create_token(database_url, principal, label=options.label, expires=expires)
    if options.json:
        _print_json(_document(made) | {"token": secret})
        return
    until = f"valid until {made.expires:%Y-%m-%d}" if made.expires else "valid for ever"
    sys.stderr.write(f"Token {made.id} of {made.username}, {until}. It is not shown again:\n")
    sys.stdout.write(f"{secret}\n")


def _list(options: argparse.Namespace, database_url: str) -> None:
    from landbridge.stac_api.access import tokens

    found = tokens.list_tokens(database_url)
    if options.json:
        for token in found:
            _print_json(_document(token))
        return
    _print_table(
        ("ID", "USER", "ORG", "SCOPE", "STATE", "EXPIRES", "LABEL"),
        [
            (
                token.id,
                token.username,
                token.org or "-",
                "write" if "write" in token.rights else "read",
                token.state(datetime.now(UTC)),
                f"{token.expires:%Y-%m-%d}" if token.expires else "never",
                token.label or "-",
            )
            for token in found
        ],
    )


def _revoke(options: argparse.Namespace, database_url: str) -> None:
    from landbridge.stac_api.access import tokens

    missing = []
    for name in options.ids:
        # Who pastes the token means its id; an unknown name is shown no longer than an id is.
        token_id = tokens.id_of(name)
        if (ended := tokens.revoke_token(database_url, token_id)) is None:
            missing.append(token_id[:16])
        elif options.json:
            _print_json(_document(ended))
        else:
            sys.stdout.write(f"revoked {ended.id} of {ended.username}\n")
    if missing:
        raise _UsageError(f"There is no token {', '.join(missing)}; `token list` shows the ids.")


def _since(text: str) -> datetime:
    try:
        if text[-1:] in _SPANS and text[:-1].isdecimal():
            return datetime.now(UTC) - timedelta(**{_SPANS[text[-1]]: int(text[:-1])})
        given = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a date and time, such as 2025-05-01T12:00, nor a span, such as 12h"
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _audit(options: argparse.Namespace, database_url: str) -> None:
    from landbridge.stac_api.access import audit

    if options.limit < 1:
        raise _UsageError(f"--limit is {options.limit}; it is at least 1.")
    entries = audit.find_entries(
        database_url, user=options.user, target=options.target, since=options.since, limit=options.limit
    )
    if options.json:
        for entry in entries:
            _print_json(entry.document())
        return
    _print_table(
        ("TIME", "USER", "ORG", "STATUS", "METHOD", "ACTION", "TARGETS"),
        [
            (
                f"{entry.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                entry.username,
                entry.org or "-",
                str(entry.status),
                entry.method,
                entry.action,
                _first(entry.targets),
            )
            for entry in entries
        ],
    )


def _first(targets: list[str], most: int = 3) -> str:
    more = len(targets) - most
    return ", ".join(targets[:most]) + (f" and {more} more" if more > 0 else "")


def _document(token: ApiToken) -> dict[str, Any]:
    return asdict(token) | {"state": token.state(datetime.now(UTC))}


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, default=_text) + "\n")


def _text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _print_table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[n]) for line in (head, *lines)) for n in range(len(head))]
    for line in (head, *lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")

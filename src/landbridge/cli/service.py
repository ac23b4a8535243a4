"""`landbridge worker`, `doctor`, `token` and `audit`: the work of a service, or of the embedded stack."""

import importlib
from types import ModuleType

import click

from landbridge.cli.stack import reported, server_part


@click.command()
def worker() -> None:
    """Run jobs until it is stopped: uploads, deletions, sweeping.

    For the service of LANDBRIDGE_DATABASE_URL and LANDBRIDGE_STORE_URL, on this or any other machine; without
    them for the embedded stack of this user, beside its own.
    """
    raise SystemExit(_server().main(["work"]))


@click.command()
@click.option("--repair", is_flag=True, help="Delete orphans, carry on what is stuck.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def doctor(repair: bool, as_json: bool) -> None:
    """Compare the catalog with its object store, and look for stuck jobs.

    Every item's asset has to be there with its size, and nothing else. Exit code 1 where there are findings.
    """
    options = ["--repair"] * repair + ["--json"] * as_json
    raise SystemExit(_server().main(["doctor", *options]))


# Its options are the server's, and so are its help and its errors.
_THE_SERVERS = {"ignore_unknown_options": True, "help_option_names": []}


def _administration(name: str, text: str) -> click.Command:
    @click.command(name, help=text, context_settings=_THE_SERVERS)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def command(context: click.Context, arguments: tuple[str, ...]) -> None:
        raise SystemExit(_server().main([name, *arguments], program=context.find_root().command_path))

    return command


token = _administration("token", "Make, list and revoke API tokens.")
audit = _administration("audit", "Show who did what to which id.")


def _server() -> ModuleType:
    with reported():
        server_part("errors")  # says how to get the server where it is missing
    return importlib.import_module("landbridge.stac_api.__main__")

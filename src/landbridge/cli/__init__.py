"""The `landbridge` command; it imports the module of a command only when that command runs."""

from __future__ import annotations

import warnings
from typing import Any

import click

from landbridge.cli.groups import PORTING, SERVER, LazyGroup

# name: (module:command, one line of help)
COMMANDS = {
    "products": ("landbridge.cli.products:products", "List, show, create, share and delete products."),
    "bands": ("landbridge.cli.bands:bands", "List and show the bands of products."),
    "images": ("landbridge.cli.images:images", "Search, show, download, mosaic and upload images."),
    "blobs": ("landbridge.cli.blobs:blobs", "List, get, put, share and remove blobs."),
    "tiles": ("landbridge.cli.tiles:tiles", "Export map tiles."),
    "import": ("landbridge.cli.import_documents:import_", "Load STAC Items and Collections from files."),
    "export": ("landbridge.cli.export:export", "Write the STAC documents of images to a file."),
    "register": ("landbridge.cli.register_files:register", "Make images of files that stay where they lie."),
    "sources": ("landbridge.cli.sources:sources", "List, show, add and remove sources of imagery."),
    "index": ("landbridge.cli.index_files:index", "Read the headers of images' files ahead."),
    "notifications": ("landbridge.cli.notifications:notifications", "Be notified of new images over HTTP."),
    "auth": ("landbridge.cli.auth:auth", "Log in to a service, log out, show the login."),
    "up": ("landbridge.cli.stack:up", "Start the embedded stack, or join it if it runs."),
    "open": ("landbridge.cli.stack:open_stack", "Print the private address, for QGIS and other programs."),
    "down": ("landbridge.cli.stack:down", "Stop the embedded stack."),
    "upgrade-postgres": (
        "landbridge.cli.stack:upgrade_postgres",
        "Upgrade the PostgreSQL of the embedded stack.",
    ),
    "status": ("landbridge.cli.stack:status", "Describe the embedded stack."),
    "org": ("landbridge.cli.organizations:org", "List, add and remove organizations of that stack."),
    "worker": (f"{SERVER}.admin.commands:work", "Run jobs of a service, or of the embedded stack."),
    "doctor": (f"{SERVER}.admin.commands:doctor", "Compare the catalog with its object store; repair it."),
    "backup": (f"{SERVER}.admin.backup.commands:backup", "Back up a service, or the embedded stack."),
    "restore": (f"{SERVER}.admin.backup.commands:restore", "Restore a backup into an empty service."),
    "token": (f"{SERVER}.admin.commands:token", "Make, list and revoke API tokens."),
    "audit": (f"{SERVER}.admin.commands:audit", "Print the audit log."),
    "catalog": ("landbridge.cli.catalog:catalog", "List and share objects, as the old clients did."),
    "port": (f"{PORTING}.port.command:port", "Report and rewrite scripts for the old clients."),
    "completion": ("landbridge.cli.completion:completion", "Print a script that completes words in a shell."),
    "version": ("landbridge.cli.version:version", "Print the installed versions."),
}


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"landbridge {version('landbridge')}")
        ctx.exit()


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.option("--url", metavar="URL", help="STAC API to use, in place of LANDBRIDGE_URL.")
@click.option(
    "--profile", metavar="NAME", help="Profile of config.toml to use, in place of LANDBRIDGE_PROFILE."
)
@click.pass_context
def main(ctx: click.Context, url: str | None, profile: str | None) -> None:
    """Landbridge: the Catalog object API over STAC."""
    if url is not None or profile is not None:
        from landbridge.cli.connection import use_connection

        use_connection(ctx, url, profile)
    former = warnings.showwarning
    warnings.showwarning = _show_warning
    ctx.call_on_close(lambda: setattr(warnings, "showwarning", former))


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning without the line of code that it comes from, which is none of the user's."""
    click.echo(f"Warning: {message}", err=True)

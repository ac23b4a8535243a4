"""The `landbridge` command; it imports the module of a command only when that command runs."""

import importlib
from typing import Any

import click

_SERVER = "landbridge.stac_api"
_PORTING = "landbridge.porting"

# name: (module:command, one line of help)
COMMANDS = {
    "up": ("landbridge.cli.stack:up", "Start the embedded stack, or join it if it runs."),
    "down": ("landbridge.cli.stack:down", "Stop the embedded stack."),
    "status": ("landbridge.cli.stack:status", "Describe the embedded stack."),
    "org": ("landbridge.cli.organizations:org", "List, add and remove organizations of that stack."),
    "worker": (f"{_SERVER}.admin.commands:work", "Run jobs of a service, or of the embedded stack."),
    "doctor": (f"{_SERVER}.admin.commands:doctor", "Compare the catalog with its object store; repair it."),
    "token": (f"{_SERVER}.admin.commands:token", "Make, list and revoke API tokens."),
    "auth": ("landbridge.cli.auth:auth", "Log in to a service, log out, show the login."),
    "audit": (f"{_SERVER}.admin.commands:audit", "Print the audit log."),
    "catalog": ("landbridge.cli.catalog:catalog", "List products, bands and blobs, and share them."),
    "notifications": ("landbridge.cli.notifications:notifications", "Be notified of new images over HTTP."),
    "import": ("landbridge.cli.import_documents:import_", "Load STAC Items and Collections from files."),
    "sources": ("landbridge.cli.sources:sources", "List, show, add and remove sources of imagery."),
    "register": ("landbridge.cli.register_files:register", "Make images of files that stay where they lie."),
    "index": ("landbridge.cli.index_files:index", "Read the headers of images' files ahead."),
    "port": (f"{_PORTING}.port.command:port", "Report and rewrite scripts for the old clients."),
    "version": ("landbridge.cli.version:version", "Print the installed versions."),
}

SERVER_MISSING = 'This command needs the server part: pip install "landbridge[server]"'
# The distributions of commands that the client alone does not have.
MISSING = {
    _SERVER: SERVER_MISSING,
    _PORTING: "This command needs the adapters of old clients: pip install landbridge-descarteslabs",
}


class LazyGroup(click.Group):
    """Command group whose commands are imported on first use from a table of names."""

    def __init__(self, *args: Any, commands_at: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._commands_at, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._commands_at:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._commands_at[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            missing = next(
                (text for name, text in MISSING.items() if (error.name or "").startswith(name)), None
            )
            if missing is None:
                raise
            raise click.ClickException(missing) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._commands_at.items()])


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Landbridge: the Catalog object API over STAC."""

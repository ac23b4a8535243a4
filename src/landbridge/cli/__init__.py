"""The `landbridge` command. Each command's module is imported when that command is run."""

import importlib
from typing import Any

import click

# name: (module:command, one line of help)
COMMANDS = {
    "up": ("landbridge.cli.stack:up", "Start the embedded stack, or join it where it runs."),
    "down": ("landbridge.cli.stack:down", "Stop the embedded stack."),
    "status": ("landbridge.cli.stack:status", "Describe the embedded stack."),
    "worker": ("landbridge.cli.service:worker", "Run jobs of a service, or of the embedded stack."),
    "doctor": ("landbridge.cli.service:doctor", "Compare the catalog with its object store; repair it."),
    "token": ("landbridge.cli.service:token", "Make, list and revoke API tokens."),
    "auth": ("landbridge.cli.auth:auth", "Log in to a service, log out, tell who is logged in."),
    "audit": ("landbridge.cli.service:audit", "Show who did what to which id."),
    "catalog": ("landbridge.cli.catalog:catalog", "List products, bands and blobs, and share them."),
    "import": ("landbridge.cli.import_documents:import_", "Load STAC Items and Collections from files."),
    "version": ("landbridge.cli.version:version", "Print the versions of what is installed."),
}


class LazyGroup(click.Group):
    """A group whose commands are named in a table and imported when they are used."""

    def __init__(self, *args: Any, commands_at: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._commands_at, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._commands_at:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._commands_at[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._commands_at.items()])


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Landbridge: the Catalog object API over STAC."""

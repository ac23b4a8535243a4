"""Groups of commands, which suggest the command that was meant."""

from __future__ import annotations

import importlib
from typing import Any

import click

from landbridge.suggestions import did_you_mean

__all__ = ["MISSING", "SERVER", "SERVER_MISSING", "LazyGroup", "SuggestingGroup"]

SERVER = "landbridge.stac_api"
PORTING = "landbridge.porting"
SERVER_MISSING = 'This command needs the server part: pip install "landbridge[server]"'
# The distributions of commands that the client alone does not have.
MISSING = {
    SERVER: SERVER_MISSING,
    PORTING: "This command needs the adapters of old clients: pip install landbridge-descarteslabs",
}


class SuggestingGroup(click.Group):
    """Command group that suggests a command for one that does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            hint = did_you_mean(name, known) or f" There are {', '.join(known)}."
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


class LazyGroup(SuggestingGroup):
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

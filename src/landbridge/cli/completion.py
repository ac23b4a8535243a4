"""`landbridge completion`: completion of commands and options in a shell."""

from __future__ import annotations

import click

__all__ = ["completion"]

_VARIABLE = "_LANDBRIDGE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in SHELL.

    In bash, add eval "$(landbridge completion bash)" to ~/.bashrc; in zsh the same with zsh to ~/.zshrc. In
    fish, write the output to ~/.config/fish/completions/landbridge.fish.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"Completion for {shell} is not supported.")
    click.echo(found(ctx.find_root().command, {}, "landbridge", _VARIABLE).source())

"""`landbridge version`."""

import importlib.metadata

import click

DISTRIBUTIONS = ("landbridge", "landbridge-mappings", "landbridge-stac-api")


@click.command()
def version() -> None:
    """Print the versions of the installed distributions."""
    for distribution in DISTRIBUTIONS:
        try:
            found = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found = "not installed"
        click.echo(f"{distribution} {found}")

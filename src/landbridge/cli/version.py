"""`landbridge version`."""

import importlib.metadata

import click

from landbridge.cli.output import json_option

DISTRIBUTIONS = (
    "landbridge",
    "landbridge-kernels",
    "landbridge-mappings",
    "landbridge-raster",
    "landbridge-stac-api",
    "landbridge-descarteslabs",
)


@click.command()
@json_option("a JSON object of versions")
def version(as_json: bool) -> None:
    """Print the versions of the installed distributions."""
    found: dict[str, str | None] = {}
    for distribution in DISTRIBUTIONS:
        try:
            found[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[distribution] = None
    if as_json:
        import json

        click.echo(json.dumps(found))
        return
    for distribution, number in found.items():
        click.echo(f"{distribution} {number or 'not installed'}")

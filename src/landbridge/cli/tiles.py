"""`landbridge tiles`: map tiles in a folder or a PMTiles archive, and pyramids for their first zooms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import layer_search_options, narrow_images, parse_area
from landbridge.cli.groups import SuggestingGroup
from landbridge.cli.output import Form, output_options, shows_progress, write_json

if TYPE_CHECKING:
    from landbridge.catalog.tile_export.run import Export, Report

__all__ = ["tiles"]

_MOST_TILES = 20_000  # that are exported without a question
_SHOWN_FAILURES = 5


@click.group(cls=SuggestingGroup)
def tiles() -> None:
    """Export map tiles, and make maps of large products show every zoom."""


@tiles.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--zooms", metavar="FIRST-LAST", help="Zooms, such as 8-12 or 10; by default those of the layer."
)
@layer_search_options
@click.option(
    "--view",
    "view",
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter of the tiles, such as bands=nir,red,green or style=ndvi; may be repeated.",
)
@click.option(
    "--format",
    "extension",
    type=click.Choice(["png", "webp", "jpg"]),
    default="png",
    show_default=True,
    help="Format of the tiles.",
)
@click.option(
    "--tile-size", type=click.Choice(["256", "512"]), default="256", show_default=True, help="Pixels."
)
@click.option(
    "--parallel", type=click.IntRange(1, 32), default=4, show_default=True, help="Number of requests at once."
)
@click.option("--keep-folder", is_flag=True, help="Keep the folder of tiles beside an archive.")
@click.option("--overwrite", is_flag=True, help="Begin anew, without the tiles that are there.")
@click.option("-y", "--yes", is_flag=True, help=f"Export more than {_MOST_TILES:,} tiles.")
@output_options(ids=False)
@connection_options
def export(
    product_ids: tuple[str, ...],
    output: Path,
    zooms: str | None,
    extension: str,
    tile_size: str,
    view: tuple[str, ...],
    parallel: int,
    keep_folder: bool,
    overwrite: bool,
    yes: bool,
    form: Form,
    **conditions: Any,
) -> None:
    """Write the map tiles of the images of each PRODUCT that satisfy all conditions to OUTPUT.

    If OUTPUT ends in .pmtiles it is a PMTiles archive, which is made of a folder with the same name and
    .tiles at its end; otherwise it is a folder with a file z/x/y of each tile. Tiles without pixels are left
    out. If the command is stopped, run it again: it asks only for the tiles that are missing.

    --bbox and --intersects choose the tiles, which are exported whole. All other conditions choose the images
    that they show.
    """
    from landbridge.catalog.tile_export.run import run
    from landbridge.catalog.tile_export.tile_folder import OtherExportError

    with reported():
        client, made = _prepare(
            product_ids,
            output,
            zooms,
            [_parameter(text) for text in view],
            extension,
            tile_size,
            conditions,
            parallel=parallel,
            keep_folder=keep_folder,
        )
        count = made.tiles.count()
        if count > _MOST_TILES and not yes:
            raise click.UsageError(
                f"Zooms {made.tiles.first} to {made.tiles.last} have up to {count:,} tiles in this area. "
                "Choose fewer by --zooms or --bbox, or give --yes."
            )
        if overwrite:
            _remove(made)
        try:
            report = _with_progress(lambda progress: run(client, made, progress), count)
        except (ImportError, OtherExportError, ValueError) as error:
            raise click.ClickException(str(error)) from error
    _write_report(report, made, form)
    if not report.is_complete:
        raise click.exceptions.Exit(1)


def _prepare(
    product_ids: tuple[str, ...],
    output: Path,
    zooms: str | None,
    parameters: list[tuple[str, str]],
    extension: str,
    tile_size: str,
    conditions: dict[str, Any],
    *,
    parallel: int,
    keep_folder: bool,
) -> tuple[Any, Export]:
    """Return the client of the products, and what the options ask for."""
    from landbridge.catalog.tile_export.layer import find_layer
    from landbridge.catalog.tile_export.run import Export
    from landbridge.cli.images.search import search_products

    is_archive = output.suffix.lower() == ".pmtiles"
    area = parse_area(conditions["bbox"], conditions["intersects"])
    # The area chooses tiles, not images: a tile at its edge is as complete as the others.
    images = narrow_images(
        search_products(product_ids), **{**conditions, "bbox": None, "intersects": None, "limit": None}
    )
    client, tilejson = find_layer(images, [*parameters, ("tilesize", tile_size), ("tile_format", extension)])
    return client, Export(
        template=tilejson["tiles"][0],
        extension=extension,
        tiles=_tile_range(tilejson, zooms, area, is_box=conditions["intersects"] is None),
        folder=output.with_suffix(".tiles") if is_archive else output,
        archive=output if is_archive else None,
        keeps_folder=keep_folder or not is_archive,
        parallel=parallel,
        tilejson={
            name: tilejson[name] for name in ("name", "description", "attribution") if name in tilejson
        },
    )


def _tile_range(tilejson: dict[str, Any], zooms: str | None, area: Any, *, is_box: bool) -> Any:
    from landbridge.catalog.tile_export.tile_range import TileRange

    first, last = _zooms(zooms) if zooms else (tilejson["minzoom"], tilejson["maxzoom"])
    bounds = tuple(tilejson["bounds"]) if area is None else area.bounds
    return TileRange.of_bounds(first, last, bounds, None if is_box else area)


def _zooms(text: str) -> tuple[int, int]:
    first, separator, last = text.partition("-")
    try:
        return int(first), int(last if separator else first)
    except ValueError:
        raise click.UsageError(f"--zooms {text!r} is neither a zoom nor two, such as 8-12.") from None


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.UsageError(f"--view {text!r} is not NAME=VALUE.")
    return name, value


def _remove(made: Export) -> None:
    """Remove the tiles of an earlier export, and no other files."""
    from landbridge.catalog.tile_export.tile_folder import remove

    remove(made.folder)


def _with_progress(call: Any, count: int) -> Report:
    from landbridge.raster.runtime.progress import progress_bar

    with progress_bar(shows_progress(), count, "tiles", "tiles") as bar:
        report: Report = call(bar.update)
    return report


def _write_report(report: Report, made: Export, form: Form) -> None:
    output = str(made.archive or made.folder)
    if form is Form.JSON:
        write_json(
            {
                "output": output,
                "complete": report.is_complete,
                "format": made.extension,
                "zooms": [made.tiles.first, made.tiles.last],
                "tiles": report.written + report.kept,
                "written": report.written,
                "kept": report.kept,
                "empty": report.empty,
                "bytes": report.tile_bytes,
                "archive_bytes": report.archive_bytes,
                "failed": [{"tile": list(one.tile), "reason": one.reason} for one in report.failures],
                "remaining": report.remaining,
            },
            indent=True,
        )
        return
    click.echo(
        f"{report.written} tiles written, {report.kept} were there, {report.empty} have no pixels; "
        f"{report.tile_bytes:,} bytes",
        err=True,
    )
    for failure in report.failures[:_SHOWN_FAILURES]:
        click.echo(f"{'/'.join(map(str, failure.tile))}: {failure.reason}", err=True)
    if report.is_complete:
        click.echo(output)
        return
    click.echo(
        f"{len(report.failures) + report.remaining} tiles are missing in {made.folder}. "
        "Run the command again to ask for them.",
        err=True,
    )


@tiles.command()
@click.argument("product_id", metavar="PRODUCT")
@click.option(
    "--zoom",
    type=click.IntRange(1, 26),
    help="Last zoom of the pyramid; by default the first at which the tiles can show all images.",
)
@output_options(ids=False)
@connection_options
def pyramid(product_id: str, zoom: int | None, form: Form) -> None:
    """Build a pyramid of PRODUCT, for the zooms at which a tile would need too many images.

    The pyramid is a product of its own, PRODUCT-pyramid, with mosaics of all images. Maps show it until an
    image is added, changed or deleted. If the command is stopped, run it again: it makes the images that are
    missing.
    """
    from landbridge.catalog.product import Product
    from landbridge.catalog.tile_pyramid.run import PyramidError, build
    from landbridge.exceptions import NotFoundError

    with reported():
        product = Product.get(product_id)
        if product is None:
            raise NotFoundError(f"Product {product_id} does not exist.")
        try:
            report = build(product, zoom, progress=None if shows_progress() else False)
        except PyramidError as error:
            raise click.ClickException(str(error)) from error
    if form is Form.JSON:
        write_json(
            {
                "product": report.product_id,
                "zoom": report.zoom,
                "shown": report.is_shown,
                "written": report.written,
                "kept": report.kept,
                "empty": report.empty,
                "failed": report.failures,
            },
            indent=True,
        )
    else:
        _write_pyramid(report, product_id)
    if not report.is_shown:
        raise click.exceptions.Exit(1)


def _write_pyramid(report: Any, product_id: str) -> None:
    click.echo(
        f"{report.written} images written, {report.kept} were there, {report.empty} places are empty",
        err=True,
    )
    for failure in report.failures[:_SHOWN_FAILURES]:
        click.echo(failure, err=True)
    if report.is_shown:
        click.echo(report.product_id)
    elif not report.failures:
        click.echo(f"{product_id} has changed meanwhile. Run the command again.", err=True)

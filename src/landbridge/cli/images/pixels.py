"""`landbridge images download` and `mosaic`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import image_search_options, narrow_images, parse_area
from landbridge.cli.images.search import existing_image, search_products
from landbridge.cli.output import Form, output_options, shows_progress, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["download", "mosaic"]

_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def _pixel_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all commands that write pixels."""
    for option in reversed(
        (
            click.option(
                "--bands",
                required=True,
                metavar="NAMES",
                help='Bands, separated by spaces: "red green blue".',
            ),
            click.option("--crs", metavar="CRS", help="Coordinate reference system, such as EPSG:32612."),
            click.option(
                "--resolution", type=float, metavar="N", help="Side of a pixel in units of the crs."
            ),
            click.option("--resampler", default="near", show_default=True, help="Resampling algorithm."),
            click.option(
                "--scaling",
                metavar="MODE",
                help="raw, display, auto or physical, or a range of values such as 0,4000 or 0,4000,0,255.",
            ),
            click.option("--processing-level", metavar="LEVEL", help="Processing level of the pixels."),
            click.option("--data-type", metavar="TYPE", help="Type of the result, such as UInt16."),
            click.option(
                "--format",
                type=click.Choice(["tif", "png", "jpg"]),
                default="tif",
                show_default=True,
                help="Format, unless the file's name has one.",
            ),
        )
    ):
        function = option(function)
    return function


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_pixel_options
@click.option("--bbox", metavar="W,S,E,N", help="Only this box of longitudes and latitudes.")
@click.option("--intersects", metavar="FILE", help="Only the area of the GeoJSON in this file.")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="File of the only image, or folder; by default the working directory.",
)
@output_options(ids=False)
@connection_options
def download(
    ids: tuple[str, ...],
    bbox: str | None,
    intersects: str | None,
    output: str | None,
    form: Form,
    **options: Any,
) -> None:
    """Write the pixels of each image ID to a file, and print its path.

    Without --bbox or --intersects an image is written whole, on its own grid. Files are GeoTIFF, PNG or JPEG;
    existing ones are replaced.
    """
    from landbridge.catalog import ImageCollection
    from landbridge.catalog.pixels.raster_requests import default_name

    area = parse_area(bbox, intersects)
    is_file = output is not None and Path(output).suffix.lower() in _SUFFIXES
    if is_file and len(ids) > 1:
        raise click.UsageError(f"{output} is one file for {len(ids)} images: name a folder.")
    arguments = _arguments(options)
    file_format = arguments.pop("format")
    with reported():
        paths = []
        for image in [existing_image(each) for each in ids]:
            context = None if area is None else _with_resolution(ImageCollection([image], geocontext=area))
            name = default_name(image.id, tuple(arguments["bands"]), file_format)
            path = Path(output) if is_file and output is not None else Path(output or "") / name
            paths.append(str(image.download(geocontext=context, dest=path, **arguments)))
            if form is not Form.JSON:
                click.echo(paths[-1])
    if form is Form.JSON:
        write_json(paths)


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
@image_search_options
@_pixel_options
@click.option(
    "--method",
    type=click.Choice(["last", "first", "min", "max", "mean", "median", "count"]),
    default="last",
    show_default=True,
    help="Rule that makes one pixel out of those of several images, in the order of --sort.",
)
@click.option("-o", "--output", metavar="FILE", help="File; by default mosaic and the bands, as --format.")
@output_options(ids=False)
@connection_options
def mosaic(product_ids: tuple[str, ...], method: str, output: str | None, form: Form, **options: Any) -> None:
    """Write the mosaic of the images of each PRODUCT that satisfy all conditions, and print its path.

    The mosaic covers --bbox or --intersects. The file is a GeoTIFF, PNG or JPEG; an existing one is replaced.
    """
    names = ("bands", "crs", "resolution", "resampler", "scaling", "processing_level", "data_type", "format")
    arguments = _arguments({name: options.pop(name) for name in names})
    with reported():
        images = narrow_images(search_products(product_ids), **options).collect()
        if not images:
            raise click.ClickException("No image satisfies the conditions, so that there is no mosaic.")
        path = images.download_mosaic(
            geocontext=_with_resolution(images), dest=output, method=method, **arguments
        )
    if form is Form.JSON:
        write_json({"path": str(path), "images": [image.id for image in images]}, indent=True)
    else:
        click.echo(str(path))


def _with_resolution(images: Any) -> Any:
    """Return the geocontext of a collection, with the size of its finest pixels if no band states one."""
    from landbridge.geo import AOI

    context = images.geocontext
    if not isinstance(context, AOI) or context.resolution is not None or context.shape is not None:
        return context
    sizes = [
        abs(image.geotrans[1])
        for image in images
        if image.geotrans is not None and image.cs_code == context.crs
    ]
    return context.assign(resolution=min(sizes)) if sizes else context


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the object API for the options of pixels."""
    return {
        **options,
        "bands": options["bands"].split(),
        "scaling": _scaling(options["scaling"]),
        "progress": shows_progress(),
    }


def _scaling(text: str | None) -> Any:
    """Return the scaling of --scaling: a mode, or a range."""
    if text is None or "," not in text:
        return text
    try:
        numbers = tuple(map(float, text.split(",")))
    except ValueError:
        numbers = ()
    if len(numbers) not in (2, 4):
        raise click.UsageError(f"--scaling {text!r} is neither a mode nor two or four numbers.")
    return [numbers]

"""`landbridge register`: images of files that stay where they lie."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.file_names import NameRules, Scene, hrefs_at, name_rules, scenes_of
from landbridge.cli.item_loader import Loader, Report
from landbridge.cli.output import json_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.transfer.remote_files import FileHeader

__all__ = ["register"]

_READERS = 16
# Number of images that are read and stored together: what is stored survives an interruption.
_GROUP = 200
_GEOTIFF = "image/tiff; application=geotiff"
_COG = f"{_GEOTIFF}; profile=cloud-optimized"


@click.command()
@click.argument("locations", nargs=-1, required=True, metavar="LOCATION...")
@click.option("--product", "product_id", required=True, metavar="ID", help="Product of the new images.")
@click.option(
    "--acquired-from-name",
    metavar="REGEX",
    help="Regular expression that finds the time in a file's address: its group `acquired`, else its first "
    "group, else the whole match, such as 20240131, 2024-01-31 or 20240131T101500.",
)
@click.option("--acquired", metavar="TIME", help="Time of all images, in place of --acquired-from-name.")
@click.option(
    "--image-from-name",
    metavar="REGEX",
    help="Regular expression that finds the image's name in a file's address: its group `image`, else its "
    "first group. A group `band` puts the files of one image together. By default the name of the file.",
)
@click.option(
    "--bands",
    metavar="NAMES",
    help="Names of the bands in their order, separated by spaces. The product and its bands are created if "
    "they do not exist, with the data types and nodata values of the first image's files.",
)
@click.option("--upsert", is_flag=True, help="Replace existing images; without this they stay as they are.")
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the documents of refused images to this file and continue.",
)
@json_option("the counts as a JSON object")
def register(
    locations: tuple[str, ...],
    product_id: str,
    acquired_from_name: str | None,
    acquired: str | None,
    image_from_name: str | None,
    bands: str | None,
    upsert: bool,
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Make an image of each raster file, and leave the files where they lie.

    A LOCATION is a file, a pattern such as s3://bucket/scenes/*.tif (** for all folders below), a folder, or
    a .txt file with one address on each line. This machine reads the files' headers, with its credentials;
    the catalog stores addresses, without signatures. A service refuses addresses that not every reader can
    reach, such as paths, unless its operator allows them.

    The command can be interrupted and repeated: images that exist stay as they are. The exit code is 1 if a
    file cannot be read or an image is refused.
    """
    from landbridge.catalog import CatalogClient

    rules = name_rules(acquired_from_name, acquired, image_from_name, bands)
    with reported():
        client = CatalogClient.get_default_client()
        scenes = scenes_of([href for location in locations for href in hrefs_at(location)], rules)
        if not scenes:
            raise click.ClickException(f"There is no raster file in {', '.join(locations)}.")
        report = Report(rejected)
        _Registration(client, product_id, rules, report, upsert=upsert).run(scenes)
    report.print(as_json=as_json)
    if report.items_refused:
        raise SystemExit(1)


class _Registration:
    """Reads the headers of images in parallel, and stores their Items in batches."""

    def __init__(
        self, client: CatalogClient, product_id: str, rules: NameRules, report: Report, *, upsert: bool
    ) -> None:
        self._client, self._rules, self._report, self._upsert = client, rules, report, upsert
        self._product_id = product_id
        self._loader = Loader(client, "upsert", report)

    def run(self, scenes: list[Scene]) -> None:
        self._prepare_product(scenes[0])
        remaining: Iterator[Scene] = iter(scenes)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="landbridge-register") as pool:
            while group := list(islice(remaining, _GROUP)):
                wanted = self._missing(group)
                self._report.items_there += len(group) - len(wanted)
                for scene, item in zip(wanted, pool.map(self._item_or_error, wanted), strict=True):
                    if isinstance(item, Exception):
                        self._report.refuse([_undescribed(self._product_id, scene)], str(item))
                    else:
                        self._loader.add(item)
                self._loader.finish()

    def _missing(self, scenes: list[Scene]) -> list[Scene]:
        """Return the images to make: all, or those that do not exist."""
        if self._upsert:
            return scenes
        from landbridge.cli.item_loader import existing_ids

        known = existing_ids(self._client, self._product_id, [scene.name for scene in scenes])
        return [scene for scene in scenes if scene.name not in known]

    def _item_or_error(self, scene: Scene) -> dict[str, Any] | Exception:
        from landbridge.exceptions import BadRequestError

        try:
            return self._item(scene)
        except BadRequestError as error:
            return error

    def _item(self, scene: Scene) -> dict[str, Any]:
        from shapely.geometry import mapping

        from landbridge.catalog.transfer.remote_files import grid_attributes
        from landbridge.mappings import image as image_mapping
        from landbridge.sources.unsigned_hrefs import without_signature

        headers = self._headers(scene)
        attributes = grid_attributes([header.grid for header in headers])
        files = [
            {
                "href": without_signature(href),
                **({"media_type": _COG if header.is_cog else _GEOTIFF} if _is_tiff(href) else {}),
            }
            for href, header in zip(scene.hrefs, headers, strict=True)
        ]
        attributes |= {
            "geometry": mapping(attributes["geometry"]),
            "geotrans": list(attributes["geotrans"]),
            "product_id": self._product_id,
            "name": scene.name,
            "id": f"{self._product_id}:{scene.name}",
            "acquired": scene.acquired,
            "storage_state": "remote",
            "files": files,
        }
        return image_mapping.to_stac(attributes)

    def _headers(self, scene: Scene) -> list[FileHeader]:
        from landbridge.catalog.transfer.remote_files import read_file_header
        from landbridge.sources.access import known_signer

        sign = self._client.asset_signer or known_signer()
        return [read_file_header(href, sign) for href in scene.hrefs]

    def _prepare_product(self, scene: Scene) -> None:
        """Check that the product exists; with --bands, create it and its bands if they are missing."""
        from landbridge.catalog import Band, GenericBand, Product
        from landbridge.catalog.stac.prefixes import prefixed_id
        from landbridge.raster.dtypes import full_range

        product = Product.get(self._product_id)
        names = self._rules.bands
        if product is None and names:
            product = Product.get(prefixed_id(self._product_id, self._client))
        if product is None:
            if not names:
                raise click.ClickException(
                    f"Product {self._product_id!r} does not exist. Create it, or name its bands by --bands."
                )
            product = Product(id=self._product_id, name=self._product_id.rpartition(":")[2])
            product.save()
        self._product_id = product.id
        known = {band.name for band in product.bands()}
        missing = [name for name in names if name not in known]
        if not missing:
            return
        places = [
            (file, index, data_type, nodata)
            for file, header in enumerate(self._headers(scene))
            for index, (data_type, nodata) in enumerate(zip(header.data_types, header.nodata, strict=True))
        ]
        if len(places) != len(names):
            raise click.ClickException(
                f"--bands has {len(names)} names, and image {scene.name} has {len(places)} bands."
            )
        for name, (file, index, data_type, nodata) in zip(names, places, strict=True):
            if name not in missing:
                continue
            band: Band = GenericBand(
                product=product,
                name=name,
                data_type=data_type,
                file_index=file,
                band_index=index,
                data_range=full_range(data_type),
                display_range=full_range(data_type),
            )
            if nodata is not None:
                band.nodata = nodata
            band.save()


def _is_tiff(href: str) -> bool:
    return urlsplit(href).path.lower().endswith((".tif", ".tiff"))


def _undescribed(product_id: str, scene: Scene) -> dict[str, Any]:
    """Return the part of an Item that is known without its files' headers."""
    from landbridge.sources.unsigned_hrefs import without_signature

    return {
        "type": "Feature",
        "id": scene.name,
        "collection": product_id,
        "properties": {"datetime": scene.acquired},
        "assets": {
            f"file-{index}": {"href": without_signature(href)} for index, href in enumerate(scene.hrefs)
        },
    }

"""`landbridge images upload FOLDER`: parallel, resumable after kill -9, patient with a busy service."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest
import rasterio
from click.testing import CliRunner
from rasterio.transform import from_origin

from conftest import LONG
from landbridge.catalog import CatalogClient, Product, SpectralBand
from landbridge.cli import main
from landbridge.cli.images.upload_journal import Entry, Journal, SourceFile
from landbridge.exceptions import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCENES, KILLS = (10_000, 20) if LONG else (24, 3)
NAME = ("--acquired-from-name", r"_(\d{8})")


@pytest.fixture(scope="module", autouse=True)
def client(stack: Any) -> Iterator[CatalogClient]:
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def product() -> Product:
    made = Product(id=f"folder-{uuid.uuid4().hex[:8]}", name="Folder")
    made.save()
    ranges = {"data_range": (0, 255), "display_range": (0, 255)}
    SpectralBand(name="red", product=made, band_index=0, data_type="Byte", nodata=0, **ranges).save()
    return made


def make_scene(path: Path, value: int) -> None:
    pixels = np.full((16, 16), value % 250 + 1, "uint8")
    profile = {"driver": "GTiff", "width": 16, "height": 16, "count": 1, "dtype": "uint8", "nodata": 0}
    transform = from_origin(500_000 + 160 * (value % 100), 5_000_000 - 160 * (value // 100), 10, 10)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as file:
        file.write(pixels, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "scenes"
    made.mkdir()
    return made


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        make_scene(folder / f"s{number:05}_20240131.tif", number)


def command(folder: Path, product: Product, *more: str) -> list[str]:
    return ["images", "upload", str(folder), "--product", product.id, *NAME, *more]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def uploads_in(stack: Any, product: Product) -> list[tuple[str, str, int]]:
    """Return image, status and number of the uploads of a product, as the database has them."""
    query = "SELECT image_id, status, count(*) FROM landbridge.uploads WHERE product_id = %s GROUP BY 1, 2"
    with psycopg.connect(stack.database) as conn:
        return conn.execute(query, (product.id,)).fetchall()


def test_each_file_of_a_folder_becomes_an_image(product: Product, folder: Path) -> None:
    fill(folder, 3)
    (folder / "readme.md").write_text("not an image")
    result = run(*command(folder, product))
    assert result.exit_code == 0, result.output
    assert result.stdout == "3 images uploaded, 0 there already, 0 failed\n"
    images = list(product.images())
    assert sorted(image.name for image in images) == [f"s{n:05}_20240131" for n in range(3)]
    assert {image.acquired.isoformat() for image in images} == {"2024-01-31T00:00:00+00:00"}

    again = run(*command(folder, product, "--resume"))
    assert again.stdout == "0 images uploaded, 3 there already, 0 failed\n"


def test_killed_clients_leave_nothing_out_and_double_nothing(
    stack: Any, product: Product, folder: Path, tmp_path: Path
) -> None:
    fill(folder, SCENES)
    journal = tmp_path / "journal.jsonl"
    arguments = command(folder, product, "--resume", "--journal", str(journal))
    chosen = random.Random(7)
    for kill in range(KILLS):
        lines = _lines(journal)
        with subprocess.Popen([sys.executable, "-m", "landbridge.cli", *arguments]) as process:
            # Each is killed somewhere in the middle of its work.
            wanted = lines + chosen.randrange(1, max(2, SCENES * 4 // (KILLS + 2)))
            deadline = time.monotonic() + 600
            while _lines(journal) < wanted and process.poll() is None:
                assert time.monotonic() < deadline, f"nothing was sent before kill {kill}"
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("0 failed\n")

    found = {image.name: image for image in product.images()}
    assert sorted(found) == [f"s{number:05}_20240131" for number in range(SCENES)]
    finished = [row for row in uploads_in(stack, product) if row[1] == "success"]
    assert len(finished) == SCENES
    assert {number for _, _, number in finished} == {1}
    for number in random.Random(3).sample(range(SCENES), min(SCENES, 25)):
        image = found[f"s{number:05}_20240131"]
        assert image.ndarray("red", raster_info=False).max() == number % 250 + 1
    assert run(*arguments).stdout == f"0 images uploaded, {SCENES} there already, 0 failed\n"


def test_a_file_that_has_changed_is_an_error_without_overwrite(product: Product, folder: Path) -> None:
    fill(folder, 2)
    assert run(*command(folder, product)).exit_code == 0
    os.utime(folder / "s00000_20240131.tif")  # the same content
    make_scene(folder / "s00001_20240131.tif", 77)
    result = run(*command(folder, product, "--resume"))
    assert result.exit_code == 1
    assert result.stdout == "0 images uploaded, 1 there already, 1 failed\n"
    assert "s00001_20240131: Its files have changed since they were uploaded" in result.stderr
    result = run(*command(folder, product, "--resume", "--overwrite"))
    assert result.stdout == "1 images uploaded, 1 there already, 0 failed\n"
    (changed,) = [image for image in product.images() if image.name == "s00001_20240131"]
    assert changed.ndarray("red", raster_info=False).max() == 78


def test_a_file_that_cannot_be_read_fails_and_the_others_are_stored(product: Product, folder: Path) -> None:
    fill(folder, 2)
    (folder / "broken_20240131.tif").write_bytes(b"II*\0 but no TIFF")
    result = run(*command(folder, product))
    assert result.exit_code == 1
    assert result.stdout == "2 images uploaded, 0 there already, 1 failed\n"
    assert result.stderr.startswith("broken_20240131: ")


def test_a_busy_service_is_asked_again(
    product: Product, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder, 2)
    refused: list[str] = []
    send = CatalogClient._send

    def busy(self: CatalogClient, request: Any) -> Any:
        # More refusals in a row than a client repeats by itself.
        if request.path == "/uploads" and len(refused) < 6:
            refused.append(request.method)
            raise RateLimitError("Too many requests.", retry_after=0.01)
        return send(self, request)

    monkeypatch.setattr(CatalogClient, "_send", busy)
    result = run(*command(folder, product))
    assert result.stdout == "2 images uploaded, 0 there already, 0 failed\n", result.output
    assert len(refused) == 6


def test_an_interrupted_run_is_continued_on_request_only(
    product: Product, folder: Path, tmp_path: Path
) -> None:
    fill(folder, 2)
    journal = tmp_path / "journal.jsonl"
    with Journal(journal) as opened:
        files = (SourceFile.of(str(folder / "s00000_20240131.tif")).hashed(),)
        opened.write(Entry("s00000_20240131", "starting", files=files))
        in_use = run(*command(folder, product, "--journal", str(journal)))
        assert "Another process uploads by the journal" in in_use.output
    with journal.open("a") as file:
        file.write('{"image": "s00001_2024')  # as a killed process leaves it
    refused = run(*command(folder, product, "--journal", str(journal)))
    assert refused.exit_code == 2
    assert "Give --resume to continue it" in refused.output
    continued = run(*command(folder, product, "--journal", str(journal), "--resume"))
    assert continued.stdout == "2 images uploaded, 0 there already, 0 failed\n"
    with Journal(journal) as opened:
        assert {entry.state for entry in opened.entries.values()} == {"success"}
        assert len(opened.entries) == 2


@pytest.mark.parametrize("options", [["--resume"], ["--bands", "a b"], ["--journal", "x"]])
def test_options_of_folders_are_refused_for_files(product: Product, folder: Path, options: list[str]) -> None:
    fill(folder, 1)
    (file,) = folder.iterdir()
    result = run("images", "upload", str(file), "--product", product.id, "--acquired", "2024", *options)
    assert result.exit_code == 2
    assert "is for folders" in result.output


def _lines(journal: Path) -> int:
    return len(journal.read_bytes().splitlines()) if journal.exists() else 0

"""A user's work through the proxy, by the object API: login, upload, search, mosaic.

`python -m deploy.journey FOLDER` runs in a process of its own, whose environment names the profile and the
authority of the certificate, and prints what it did as one line of JSON.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

from deploy.compose_file import PROGRAMS
from deploy.login import confirm

SIDE = 256
_STEP = 30.0


def log_in(user: str) -> None:
    """Log in by `landbridge auth login`, whose code is confirmed at the provider's pages."""
    command = [str(PROGRAMS / "landbridge"), "auth", "login"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as login:
        assert login.stdout is not None
        text = ""
        while "confirm the code" not in text:
            line = login.stdout.readline()
            assert line, text
            text += line
        address, code = re.search(r"https?://\S+", text), re.search(r"the code\s+(\S+)", text)
        assert address, text
        assert code, text
        confirm(address[0], user, code[1])
        text += login.stdout.read()
    assert login.returncode == 0, text


def write_scene(path: Path, column: int, value: int) -> np.ndarray:
    """Write a square GeoTIFF; its neighbours overlap it by a half."""
    pixels = np.full((1, SIDE, SIDE), value, "uint16") + np.arange(SIDE, dtype="uint16")
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        width=SIDE,
        height=SIDE,
        dtype="uint16",
        crs="EPSG:32633",
        transform=from_origin(500_000 + column * SIDE // 2 * _STEP, 5_000_000, _STEP, _STEP),
    ) as file:
        file.write(pixels)
    return pixels


def run(folder: Path) -> dict[str, Any]:
    """Run all steps; return their seconds and what was seen."""
    from landbridge.catalog import CatalogClient, Image, ImageUploadStatus, Product, SpectralBand
    from landbridge.catalog import properties as p
    from landbridge.geo import AOI

    begin = time.monotonic()
    seconds = {}

    def done(step: str) -> None:
        nonlocal begin
        seconds[step] = round(time.monotonic() - begin, 1)
        begin = time.monotonic()

    log_in("ann")
    client = CatalogClient.get_default_client()
    done("login")
    product = Product(id="scenes", name="Scenes of the compose test", owners=["user:ann", "org:acme"])
    product.save()
    SpectralBand(
        product=product,
        name="red",
        data_type="UInt16",
        band_index=0,
        data_range=(0, 10_000),
        display_range=(0, 4000),
        nodata=0,
    ).save()
    done("product")
    scenes = [write_scene(folder / f"{n}.tif", n, 1000 * (n + 1)) for n in range(3)]
    uploads = [
        Image(product=product, name=f"scene-{n}", acquired=f"2024-05-0{n + 1}").upload(
            str(folder / f"{n}.tif")
        )
        for n in range(3)
    ]
    for upload in uploads:
        upload.wait_for_completion()
        assert upload.status == ImageUploadStatus.SUCCESS, [event.message for event in upload.events]
    done("upload")
    images = product.images().filter(p.acquired >= "2024-05-02").sort("acquired").collect()
    assert [image.name for image in images] == ["scene-1", "scene-2"]
    done("search")
    first = 500_000 + SIDE // 2 * _STEP
    bounds = (first, 5_000_000 - SIDE * _STEP, first + SIDE * 3 // 2 * _STEP, 5_000_000)
    frame = AOI(
        bounds=bounds, bounds_crs="EPSG:32633", crs="EPSG:32633", resolution=_STEP, align_pixels=False
    )
    found = images.mosaic("red", frame)
    expected = np.concatenate([scenes[1][:, :, : SIDE // 2], scenes[2]], axis=2)
    assert found.shape == expected.shape
    assert (found == expected).all()
    done("mosaic")
    return {"user": client.auth.user, "org": client.auth.org, "product": product.id, "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))

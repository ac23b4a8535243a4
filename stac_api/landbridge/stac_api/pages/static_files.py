"""Files of the pages: styles, scripts, Leaflet and an outline of the land.

The address of a file holds a hash of all files, so browsers keep them for a year and never mix versions.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from xstatic.pkg import leaflet

__all__ = ["router", "static_url"]

router = APIRouter(prefix="/pages", tags=["Pages"])

_OURS: Final = Path(__file__).parent / "files"
_LEAFLET: Final = Path(leaflet.BASE_DIR)
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_FILES: Final = {
    **{name: _OURS / name for name in ("page.css", "map.js", "copy.js", "land.json", "icon.svg")},
    **{name: _LEAFLET / name for name in ("leaflet.css", "leaflet.js")},
    **{
        f"images/{name}": _LEAFLET / "images" / name
        for name in (
            "layers.png",
            "layers-2x.png",
            "marker-icon.png",
            "marker-icon-2x.png",
            "marker-shadow.png",
        )
    },
}
_FOR_A_YEAR: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


def static_url(base: str, name: str) -> str:
    """Return the address of a file below the base URL of the API."""
    assert name in _FILES
    return f"{base}pages/{_version()}/{name}"


@router.get("/{version}/{name:path}", response_class=Response)
async def static_file(version: str, name: str) -> Response:
    """Return a style sheet, a script or a picture of the pages."""
    path = _FILES.get(name)
    if path is None or version != _version():
        raise HTTPException(404, f"There is no file {version}/{name} of the pages.".replace("\n", " "))
    return Response(_content(path), headers={**_FOR_A_YEAR, "Content-Type": _TYPES[path.suffix]})


@cache
def _version() -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(_FILES):
        content = _content(_FILES[name])
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()

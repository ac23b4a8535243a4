"""Make the pictures of tiles that say "Zoom in", in `stac_api/landbridge/stac_api/tiles/api/notices`.

Run it again after a change of the text:
`scripts/uv run --no-sync python scripts/make_zoom_in_pictures.py FONT`, with a TrueType font such as
DejaVuSans-Bold.ttf.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parent.parent / "stac_api/landbridge/stac_api/tiles/api/notices"
SIZE = 256
PAPER, INK, LINE = (238, 240, 243, 150), (60, 66, 76, 255), (150, 156, 166, 255)


def main(font: str) -> None:
    """Write a picture for each format."""
    picture = Image.new("RGBA", (SIZE, SIZE), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, SIZE - 1, SIZE - 1), outline=LINE)
    for text, size, height in (("Zoom in", 30, 108), ("too many images", 17, 146)):
        draw.text((SIZE / 2, height), text, INK, ImageFont.truetype(font, size), anchor="mm")
    opaque = Image.new("RGB", picture.size, (255, 255, 255))
    opaque.paste(picture, mask=picture)
    picture.quantize(32).save(FOLDER / "zoom_in.png", optimize=True)
    opaque.save(FOLDER / "zoom_in.jpg", quality=80)
    picture.save(FOLDER / "zoom_in.webp", lossless=True)


if __name__ == "__main__":
    main(sys.argv[1])

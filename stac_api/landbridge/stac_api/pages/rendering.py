"""HTML of pages, by Jinja templates that escape every value."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from landbridge.stac_api.pages.content import Page

__all__ = ["render"]

_FOLDER: Final = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def render(page: Page) -> str:
    """Return a page as an HTML document."""
    return _environment().get_template(page.template).render(page=page, context=page.context)

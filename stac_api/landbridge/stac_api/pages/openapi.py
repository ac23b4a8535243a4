"""Description of the pages in the OpenAPI: the parameter `f`, and HTML as another form of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from landbridge.stac_api.http import allowed_methods
from landbridge.stac_api.pages.client import PAGE_PATHS

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["describe"]

_EXTRA: Final = {
    "parameters": [
        {
            "name": "f",
            "in": "query",
            "required": False,
            "description": "Form of the response, if it is not that of the header `Accept`.",
            "schema": {"type": "string", "enum": ["json", "html"]},
        }
    ],
    "responses": {"200": {"content": {"text/html": {"schema": {"type": "string"}}}}},
}


def describe(app: FastAPI) -> None:
    """Add the form of responses to the description of the routes that have a page."""
    for route in allowed_methods.routes_of(app.router.routes):
        if route.path in PAGE_PATHS and "GET" in route.methods:
            route.openapi_extra = {**(route.openapi_extra or {}), **_EXTRA}

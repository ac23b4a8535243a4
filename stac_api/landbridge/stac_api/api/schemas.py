"""The `catalog` extension's JSON Schema, served so that whoever can read a document can resolve it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from landbridge.mappings import schema

router = APIRouter(tags=["Schemas"])


@router.get(schema.URL_PATH, response_class=JSONResponse)
async def catalog_extension(request: Request) -> JSONResponse:
    """The JSON Schema of the `catalog:*` members of collections and items, by the address it is served at."""
    # pystac resolves a schema by its `$id`, and takes none without one.
    document = {**schema.catalog_extension(), "$id": str(request.url)}
    return JSONResponse(document, media_type="application/schema+json")

"""The JSON Schema of the `catalog` extension, which documents refer to by URL."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from landbridge.mappings import schema

router = APIRouter(tags=["Schemas"])


@router.get(schema.URL_PATH, response_class=JSONResponse)
async def catalog_extension(request: Request) -> JSONResponse:
    """Return the JSON Schema of the `catalog:*` members of collections and items."""
    # pystac resolves a schema by its `$id` and needs one.
    document = {**schema.catalog_extension(), "$id": str(request.url)}
    return JSONResponse(document, media_type="application/schema+json")

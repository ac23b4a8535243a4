"""The `catalog` extension's JSON Schema, served so that whoever can read a document can resolve it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from landbridge.mappings import schema

router = APIRouter(tags=["Schemas"])


@router.get(schema.URL_PATH, response_class=JSONResponse)
async def catalog_extension() -> JSONResponse:
    """The JSON Schema of the `catalog:*` members of collections and items."""
    return JSONResponse(schema.catalog_extension(), media_type="application/schema+json")

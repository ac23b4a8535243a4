"""Queryables: what a filter may name, inlined so that no client needs to follow a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stac_fastapi.extensions.filter.client import AsyncBaseFiltersClient
from stac_fastapi.types.errors import NotFoundError
from starlette.responses import JSONResponse

from landbridge.mappings import queryables

if TYPE_CHECKING:
    from starlette.requests import Request


class Queryables(AsyncBaseFiltersClient):
    """`GET /queryables` and `GET /collections/{collection_id}/queryables`, from the mapping's tables."""

    async def get_queryables(  # type: ignore[override]
        self, request: Request, collection_id: str | None = None, **kwargs: Any
    ) -> JSONResponse:
        """The JSON Schema of what items may be filtered by."""
        if collection_id is not None:
            async with request.app.state.get_connection(request, "r") as conn:
                known = await conn.fetchval(
                    "SELECT EXISTS (SELECT FROM collections WHERE id = $1)", collection_id
                )
            if not known:
                raise NotFoundError(f"Collection {collection_id} does not exist.")
        title = f"Queryables of {collection_id}" if collection_id else "Queryables"
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": str(request.url),
            "type": "object",
            "title": title,
            "properties": queryables.for_items(),
            "additionalProperties": True,
        }
        return JSONResponse(schema, media_type="application/schema+json")

"""Queryables: the properties that a filter may name, without references to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stac_fastapi.extensions.filter.client import AsyncBaseFiltersClient
from starlette.responses import JSONResponse

from landbridge.mappings import queryables
from landbridge.stac_api.access.rules import request_access
from landbridge.stac_api.pgstac import collection_queries

if TYPE_CHECKING:
    from starlette.requests import Request


class Queryables(AsyncBaseFiltersClient):
    """Routes `/queryables` and `/collections/{collection_id}/queryables`, made from the mapping tables."""

    async def get_queryables(  # type: ignore[override]
        self, request: Request, collection_id: str | None = None, **kwargs: Any
    ) -> JSONResponse:
        """Return the JSON Schema of the properties that a filter may name."""
        properties = queryables.for_items()
        if collection_id is not None:
            access = await request_access(request)
            async with request.app.state.get_connection(request, "r") as conn:
                properties = queryables.for_collection_items(
                    await collection_queries.get_collection(conn, collection_id, access)
                )
        title = f"Queryables of {collection_id}" if collection_id else "Queryables"
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": str(request.url),
            "type": "object",
            "title": title,
            "properties": properties,
            "additionalProperties": True,
        }
        return JSONResponse(schema, media_type="application/schema+json")

"""Deleting all that belongs to a product, over HTTP.

POST /collections/{collection_id}/deletion   start; 204 where there is nothing to delete
GET  /collections/{collection_id}/deletion   how the last one went
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from stac_fastapi.types.errors import NotFoundError
from starlette.responses import Response

from landbridge.stac_api import links
from landbridge.stac_api.deletions import records
from landbridge.stac_api.search.client import JSON, respond

router = APIRouter(prefix="/collections/{collection_id}/deletion", tags=["Deletions"])

_RELATED = """
SELECT coalesce(jsonb_array_length(content->'bands'), 0) > 0
       OR EXISTS (SELECT FROM items WHERE collection = $1) AS related
FROM collections WHERE id = $1
"""


@router.post("", response_class=Response, status_code=202)
async def start(collection_id: str, request: Request) -> Response:
    """Delete the images and bands of a product in the background."""
    pool = request.app.state.writepool
    found = await pool.fetchrow(_RELATED, collection_id)
    if found is None:
        raise NotFoundError(f"Collection {collection_id} does not exist.")
    if not found["related"]:
        return Response(status_code=204)
    record = await records.start(pool, collection_id)
    await request.app.state.jobs.defer_deletion(record["id"], collection_id)
    return respond(records.to_json(collection_id, record), links.base_url(request), JSON, 202)


@router.get("", response_class=Response)
async def get(collection_id: str, request: Request) -> Response:
    """The last deletion of what belongs to a product; status `NONE` where there never was one."""
    record = await records.latest(request.app.state.readpool, collection_id)
    return respond(records.to_json(collection_id, record), links.base_url(request), JSON)

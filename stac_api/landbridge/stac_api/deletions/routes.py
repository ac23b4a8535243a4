"""Deleting the images and bands of a product, over HTTP.

POST /collections/{collection_id}/deletion   start; 204 if there is nothing to delete
GET  /collections/{collection_id}/deletion   status of the last one
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from landbridge.stac_api.access.rules import Role, collection_not_found, request_access
from landbridge.stac_api.deletions import job, records
from landbridge.stac_api.documents import links
from landbridge.stac_api.pgstac import collection_queries, item_queries
from landbridge.stac_api.search.client import JSON, respond

router = APIRouter(prefix="/collections/{collection_id}/deletion", tags=["Deletions"])


@router.post("", response_class=Response, status_code=202)
async def start(collection_id: str, request: Request) -> Response:
    """Delete the images and bands of a product in the background; the caller needs write access."""
    pool, access = request.app.state.writepool, await request_access(request)
    product = await collection_queries.get_collection(pool, collection_id, access)
    access.require(product, Role.WRITER)
    if not product.get("bands") and not await item_queries.in_collection(pool, collection_id):
        return Response(status_code=204)
    record = await records.start(pool, collection_id)
    await request.app.state.jobs.defer(job.NAME, deletion=record["id"], product=collection_id)
    return respond(records.to_json(collection_id, record), links.base_url(request), JSON, 202)


@router.get("", response_class=Response)
async def get(collection_id: str, request: Request) -> Response:
    """Return the last deletion of a product's images and bands; status `NONE` if there was none."""
    if not (await request_access(request)).reads(collection_id):
        raise collection_not_found(collection_id)
    record = await records.latest(request.app.state.readpool, collection_id)
    return respond(records.to_json(collection_id, record), links.base_url(request), JSON)

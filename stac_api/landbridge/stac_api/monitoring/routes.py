"""Routes for operators.

GET /_mgmt/health     whether the database, the store and the queue answer
GET /_mgmt/metrics    metrics for Prometheus
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from landbridge.stac_api.access.authentication import METRICS_CREDENTIAL
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.core import metrics
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.monitoring.health import PARTS

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["install"]

HEALTH = "/_mgmt/health"

router = APIRouter(tags=["Liveliness/Readiness"])


@router.get(HEALTH, name="Health", response_class=JSONResponse)
async def health(
    request: Request,
    parts: Annotated[str, Query(description="Parts to check, separated by commas")] = ",".join(PARTS),
) -> JSONResponse:
    """Return 200 if all parts answer, otherwise 503; the state of each part is in the body.

    Operators also get the numbers of workers and of waiting jobs.
    """
    names = [name.strip() for name in parts.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PARTS]:
        raise BadRequestError(f"`parts` has {unknown[0][:100]!r}; known are {', '.join(PARTS)}.")
    healthy, document = await request.app.state.health.check(
        dict.fromkeys(names), detailed=request_principal(request).operator
    )
    return JSONResponse(document, status_code=200 if healthy else 503, headers={"Cache-Control": "no-store"})


@router.get("/_mgmt/metrics", response_class=Response)
async def read_metrics(request: Request) -> Response:
    """Return the metrics of this process and of the database, in Prometheus' text format.

    Only operators, and callers with the metrics token, may read them.
    """
    principal = request_principal(request)
    if principal.user is None:
        raise HTTPException(
            401,
            "Metrics need the operator's token or LANDBRIDGE_METRICS_TOKEN.",
            {"WWW-Authenticate": "Bearer"},
        )
    if not principal.operator and principal.credential != METRICS_CREDENTIAL:
        raise HTTPException(403, "Only operators may read metrics.")
    text = metrics.exposition() + await request.app.state.database_metrics.exposition()
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def install(app: FastAPI) -> None:
    """Add the routes; our health replaces that of stac-fastapi, which only asks the database."""
    routers: list[Any] = [getattr(route, "original_router", None) for route in app.router.routes]
    for each in filter(None, routers):
        each.routes[:] = [route for route in each.routes if getattr(route, "path", None) != HEALTH]
    app.include_router(router)

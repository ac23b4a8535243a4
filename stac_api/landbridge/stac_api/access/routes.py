"""`GET /access/me`: the caller, as the server sees it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from landbridge.stac_api.access.principal import request_principal

router = APIRouter(prefix="/access", tags=["Access"])


@router.get("/me", response_class=JSONResponse)
async def me(request: Request) -> JSONResponse:
    """Return the caller's identity and rights; `user` is null for an anonymous caller."""
    caller = request_principal(request)
    document = {
        "user": caller.user,
        "org": caller.org,
        "groups": list(caller.groups),
        "email": caller.email,
        "rights": sorted(caller.rights),
        "operator": caller.operator,
        "organizations": list(caller.organizations),
        "any_organization": caller.any_organization,
    }
    return JSONResponse(document, headers={"Cache-Control": "no-store"})

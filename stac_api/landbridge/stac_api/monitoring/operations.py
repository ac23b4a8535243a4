"""Names of operations in metrics, logs and traces: few and stable, whatever ids a path has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stac_fastapi.api.metrics import register_operations, resolve_operation

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["UNKNOWN", "operation_of", "register"]

UNKNOWN: Final = "unknown"

_OURS: Final = {
    ("POST", "/uploads"): "create_upload",
    ("GET", "/uploads"): "list_uploads",
    ("GET", "/uploads/{upload_id}"): "get_upload",
    ("PUT", "/uploads/{upload_id}/files/{number}"): "send_file",
    ("POST", "/uploads/{upload_id}/submit"): "submit_upload",
    ("POST", "/uploads/{upload_id}/cancel"): "cancel_upload",
    ("GET", "/assets/{path:path}"): "read_asset",
    ("HEAD", "/assets/{path:path}"): "read_asset",
    ("POST", "/assets/signatures"): "sign_assets",
    ("POST", "/blobs"): "create_blob",
    ("GET", "/access/me"): "get_caller",
    ("GET", "/_mgmt/ping"): "ping",
    ("GET", "/_mgmt/health"): "health",
    ("GET", "/_mgmt/metrics"): "metrics",
}


def register() -> None:
    """Register our operations with stac-fastapi, which names those of STAC."""
    register_operations(dict(_OURS))


def operation_of(scope: Scope) -> str:
    """Return the operation of a request that has been routed: by the table, else its method and route.

    A request that was refused before it was routed, or that no route serves, is `unknown`.
    """
    route: Any = scope.get("route")
    path: str | None = getattr(route, "path", None)
    if path is None:
        return UNKNOWN
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    found = resolve_operation(method, path)
    return f"{method.lower()} {path}" if found == UNKNOWN else found

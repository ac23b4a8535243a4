"""Options of uvicorn, the same for every way to run the server."""

from __future__ import annotations

from typing import TypedDict


class UvicornOptions(TypedDict):
    """Options of `uvicorn.Config` that `UVICORN_OPTIONS` sets."""

    proxy_headers: bool
    server_header: bool
    timeout_keep_alive: int
    ws: str


# A client or proxy closes idle connections first if the server keeps them longer. Otherwise a request that is
# sent at the moment in which the server closes its connection fails without a response, and a POST may not be
# repeated. Idle connections are kept for 5 s by httpx, 60 s by nginx and AWS, 120 s by Caddy.
UVICORN_OPTIONS = UvicornOptions(
    proxy_headers=False,  # `access.proxies` reads them
    server_header=False,
    timeout_keep_alive=130,
    ws="none",
)

"""The ASGI application: stac-fastapi-pgstac with our client, extensions, routes, middleware and lifespan."""

from __future__ import annotations

import gc
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brotli_asgi import BrotliMiddleware
from stac_fastapi.api.middleware import ProxyHeaderMiddleware
from stac_fastapi.pgstac.app import instantiate_api
from stac_fastapi.pgstac.config import Settings as StacSettings
from stac_fastapi.pgstac.models.extensions import Extensions
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from landbridge.stac_api.access import routes as access
from landbridge.stac_api.access.audit import Audit
from landbridge.stac_api.access.authentication import Authenticate
from landbridge.stac_api.access.headers import CheckHost, SecurityHeaders
from landbridge.stac_api.access.private_address import PrivateAddress
from landbridge.stac_api.access.proxies import ForwardedHeaders
from landbridge.stac_api.access.request_limits import LimitBody
from landbridge.stac_api.access.signed_urls import Signer
from landbridge.stac_api.access.tile_tokens import UNCOMPRESSED_PATH, TileTokens
from landbridge.stac_api.aggregation.routes import Aggregation
from landbridge.stac_api.api import error_responses, schemas
from landbridge.stac_api.api.connections import get_connection
from landbridge.stac_api.api.transactions import Transactions
from landbridge.stac_api.assets import routes as assets
from landbridge.stac_api.blobs import routes as blobs
from landbridge.stac_api.core.secret_files import read_secret_files
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.deletions import routes as deletions
from landbridge.stac_api.http.access_log import hide_signatures
from landbridge.stac_api.http.allowed_methods import HeadAndOptions
from landbridge.stac_api.monitoring import operations
from landbridge.stac_api.monitoring import routes as monitoring
from landbridge.stac_api.monitoring.database import DatabaseMetrics
from landbridge.stac_api.monitoring.health import Health
from landbridge.stac_api.monitoring.requests import ObserveRequests
from landbridge.stac_api.notifications import routes as notifications
from landbridge.stac_api.notifications.sender import Sender
from landbridge.stac_api.pages import openapi as pages_openapi
from landbridge.stac_api.pages import static_files
from landbridge.stac_api.pages.client import PagesClient
from landbridge.stac_api.pgstac.connection_budget import check_connections
from landbridge.stac_api.runtime import open_services
from landbridge.stac_api.search import extensions
from landbridge.stac_api.tiles.api import routes as tiles
from landbridge.stac_api.tiles.api import search_routes
from landbridge.stac_api.tiles.api.answers import NOTICE_HEADER
from landbridge.stac_api.tiles.api.targets import Products
from landbridge.stac_api.tiles.render_pool import RenderPool
from landbridge.stac_api.uploads import routes as uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from fastapi import FastAPI
    from stac_fastapi.extensions.collection_search import CollectionSearchExtension
    from stac_fastapi.types.extension import ApiExtension

logger = logging.getLogger(__name__)


@dataclass
class _Extensions(Extensions):
    """The extensions of stac-fastapi-pgstac, with our transactions in place of its own."""

    @property
    def collection_search(self) -> CollectionSearchExtension | None:
        found = super().collection_search
        if found is not None:
            found.GET = extensions.collections_get(found.GET)
        return found

    @property
    def transaction(self) -> list[ApiExtension]:
        return [Transactions()]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the server as an ASGI application.

    `uvicorn --no-proxy-headers --timeout-keep-alive 130 --factory landbridge.stac_api.api.app:create_app`
    The database must have been migrated (`landbridge.stac_api.pgstac.migrate.migrate`).
    """
    hide_signatures()
    if settings is None:
        read_secret_files()
        settings = Settings()
    stac = StacSettings(
        stac_fastapi_title=settings.title,
        stac_fastapi_description=settings.description,
        stac_fastapi_landing_id=settings.landing_id,
        stac_fastapi_version="1.0.0",
        enable_transactions_extensions=True,
        use_api_hydrate=True,
        invalid_id_chars=["\x00"],
    )
    api = instantiate_api(
        client=PagesClient,
        settings=stac,
        lifespan=_lifespan(settings),
        extensions=_Extensions(
            settings=stac,
            search_map=extensions.search(),
            collection_search_map=extensions.collection_search(),
            item_collection_map=extensions.item_collection(),
            extra_map={"aggregation": Aggregation()},
        ),
    )
    app = api.app
    assert isinstance(api.client, PagesClient)
    has_tiles = bool(settings.tile_workers)
    app.state.has_tiles = api.client.tiles = has_tiles
    app.state.landbridge, app.state.signer = settings, Signer(settings.token, settings.accepted_tokens)
    operations.register()
    monitoring.install(app)
    app.state.tile_tokens, app.state.tile_products = (
        TileTokens(settings.token, settings.accepted_tokens),
        Products(),
    )
    modules = [access, uploads, deletions, blobs, notifications, assets, schemas, static_files]
    modules += [search_routes, tiles] if has_tiles else []
    for module in modules:
        app.include_router(module.router)
    pages_openapi.describe(app)
    error_responses.install(app)
    _install_middleware(app, settings)
    return app


def _install_middleware(app: FastAPI, settings: Settings) -> None:
    """Install the middleware, outermost first: security headers and CORS apply to every response."""
    replaced: tuple[object, ...] = (BrotliMiddleware, CORSMiddleware, ProxyHeaderMiddleware)
    stock = [middleware for middleware in app.user_middleware if middleware.cls not in replaced]
    app.user_middleware = [
        Middleware(ForwardedHeaders, trusted=settings.trusted_proxies, root_path=settings.root_path),
        Middleware(PrivateAddress, file=settings.private_key_file),
        Middleware(ObserveRequests, log=settings.log_requests),
        Middleware(SecurityHeaders, documentation=(app.docs_url, app.swagger_ui_oauth2_redirect_url)),
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_origin_regex=settings.cors_origin_regex,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "Range", "If-Match", "If-None-Match"],
            expose_headers=[
                *("Content-Range", "Content-Length", "Accept-Ranges", "ETag", "Location", "Allow", "Link"),
                *("Retry-After", "WWW-Authenticate", "X-Request-Id", NOTICE_HEADER),
            ],
            max_age=600,
        ),
        Middleware(CheckHost, hosts=settings.allowed_hosts),
        *stock,
        Middleware(Audit, to_stdout=settings.audit_stdout),
        Middleware(
            Authenticate,
            settings=settings,
            signer=app.state.signer,
            tile_tokens=app.state.tile_tokens,
        ),
        Middleware(
            LimitBody,
            limit=settings.max_body_bytes,
            query=settings.max_query_bytes,
            document=settings.max_document_bytes,
        ),
        Middleware(HeadAndOptions),
        # Assets and pictures are compressed already, and byte ranges refer to the stored bytes. Quality 1
        # makes a page of items a tenth larger than the default, in a quarter of the time.
        Middleware(BrotliMiddleware, quality=1, excluded_handlers=["/assets/", "/blobs/", UNCOMPRESSED_PATH]),
    ]


def create_process_app(settings: Settings) -> FastAPI:
    """Return the application of a process that does nothing else.

    What is there at the start stays to the end, so the garbage collector need not look at it again: that
    would be 76 ms of each full collection, of which a bulk load of 2,000 items takes two.
    """
    app = create_app(settings)
    gc.collect()
    gc.freeze()
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings) as (services, jobs):
            # What a caller reads of records after a write must not be late, so it is not read from a replica.
            app.state.readpool, app.state.writepool = services.readpool, services.writepool
            app.state.get_connection = get_connection
            app.state.services, app.state.store, app.state.jobs = services, services.store, jobs
            app.state.sender = Sender(settings)
            app.state.render_pool = RenderPool(settings, services.store)
            if app.state.has_tiles:
                await app.state.render_pool.open()
            app.state.tracing = jobs.tracing
            app.state.health, app.state.database_metrics = Health(services), DatabaseMetrics(services)
            await check_connections(settings, services.readpool)
            if settings.worker:
                jobs.start_worker()
            yield
            await app.state.render_pool.close()
            await app.state.sender.close()

    return lifespan

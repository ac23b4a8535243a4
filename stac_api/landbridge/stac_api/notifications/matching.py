"""Matching of new images with a subscription: its geometry and filter, and what its owner can read now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from landbridge.stac_api.access.principal import API_CREDENTIAL
from landbridge.stac_api.access.rules import UNRESTRICTED
from landbridge.stac_api.pgstac import item_queries
from landbridge.stac_api.pgstac.sql_builder import Parameters
from landbridge.stac_api.search.conditions import of_items
from landbridge.stac_api.search.request import Search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.notifications.records import Subscription

__all__ = ["Matcher", "lapsed"]

_READABLE: Final = """
EXISTS (
    SELECT FROM landbridge.grants g WHERE g.collection = items.collection AND g.subject = ANY ({subjects})
)
"""
_VALID: Final = """
SELECT EXISTS (SELECT FROM landbridge.tokens
               WHERE id = $1 AND revoked IS NULL AND (expires IS NULL OR expires > now()))
"""


async def lapsed(db: asyncpg.Pool | asyncpg.Connection, one: Subscription) -> str | None:
    """Return why the identity of a subscription's owner no longer counts; None if it counts.

    API tokens are looked up each time. Claims of OpenID Connect are trusted for some days after the owner's
    last change, because the server cannot ask the issuer about a user.
    """
    if one.trusted_until is not None and one.trusted_until <= datetime.now(UTC):
        return "Its owner has not confirmed it for a long time; any change confirms it."
    if one.credential is None or not one.credential.startswith(API_CREDENTIAL):
        return None
    if await db.fetchval(_VALID, one.credential.removeprefix(API_CREDENTIAL)):
        return None
    return "The API token with which it was made has expired or was revoked; change it with another one."


@dataclass(frozen=True, slots=True)
class Matcher:
    """Conditions of a subscription on the images of one product, compiled once for many queries."""

    condition: str
    parameters: Parameters

    @classmethod
    def of(
        cls,
        product: str,
        geometry: Mapping[str, Any] | None,
        filter_: Any,
        subjects: Sequence[str] | None,
    ) -> Self:
        """Compile a filter in CQL2 JSON.

        Parameters
        ----------
        product : str
            Id of the product.
        geometry : mapping, optional
            GeoJSON that images must intersect.
        filter_ : object, optional
            Filter in CQL2 JSON.
        subjects : sequence of str, optional
            Subjects of the owner; None if it can read everything.

        Raises
        ------
        BadRequestError
            If the filter or geometry is invalid.
        """
        # Few rows are found by their ids, so nothing is lost by functions that survive broken geometries.
        parameters = Parameters(subjects=subjects, tolerant=True)
        search = Search(collections=(product,), intersects=geometry, filter=filter_)
        (condition,) = of_items(search, parameters, UNRESTRICTED)
        if subjects is not None:
            condition = f"({condition}) AND " + _READABLE.format(
                subjects=parameters.add(sorted(subjects), "text[]")
            )
        return cls(condition, parameters)

    async def matching(self, conn: asyncpg.Connection, items: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return those of some items that exist, match, and can be read by the owner, by id."""
        if not items:
            return {}
        parameters = replace(self.parameters, values=list(self.parameters.values))
        condition = f"({self.condition}) AND id = ANY ({parameters.add(list(items), 'text[]')})"
        rows = await item_queries.fetch_rows(
            conn, [condition], parameters, order="id", key="NULL::text", limit=len(items)
        )
        return {item["id"]: item for item in await item_queries.hydrate_rows(conn, rows)}

"""Summaries of image searches as dicts of the Metadata service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.porting.metadata.searches import (
    ImageQuery,
    attribute_of_date,
    catalog_search,
    require_matches,
)
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from landbridge.catalog import ImageSummaryResult

__all__ = ["summary_of"]


def summary_of(query: ImageQuery, interval: str | None) -> DotDict:
    """Return the number and size of the images of a query.

    Raises
    ------
    NotFoundError
        If nothing is found and a product does not exist.
    """
    search = catalog_search(query)
    total = search.summary()
    if not total.count:
        require_matches(query)
    result: dict[str, Any] = {
        "count": total.count,
        "bytes": total.bytes,
        "products": list(total.products or ()),
    }
    if interval is not None:
        # The bounds of time are conditions of the search already.
        intervals = search.summary_interval(
            aggregate_date_field=attribute_of_date(query.date),
            interval=interval,
            start_datetime=0,
            end_datetime=0,
        )
        result["items"] = [_item(each) for each in intervals]
    return DotDict(result)


def _item(each: ImageSummaryResult) -> dict[str, Any]:
    start = each.interval_start
    if start is None:
        raise ValueError("The service returned an interval without a start.")
    return {
        "count": each.count,
        "bytes": each.bytes,
        "date": start.replace(tzinfo=None).isoformat(),
        "timestamp": int(start.timestamp()),
    }

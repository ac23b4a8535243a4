"""Warnings of searches on APIs that cannot answer them in full."""

from __future__ import annotations

__all__ = ["ClientSideSearchWarning", "DuplicateItemsWarning", "SearchWarning"]


class SearchWarning(UserWarning):
    """Search whose result is right, but took more than the API's answer.

    Examples
    --------
    >>> import warnings
    >>> from landbridge.catalog import SearchWarning
    >>> warnings.simplefilter("ignore", SearchWarning)
    """


class ClientSideSearchWarning(SearchWarning):
    """Condition or order that the API could not answer, so that items were read and checked by the client.

    The message names the conditions and the number of items that were read.
    """


class DuplicateItemsWarning(SearchWarning):
    """Items that the API repeated on several pages, and that the search returned once."""

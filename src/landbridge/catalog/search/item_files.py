"""Searches for objects that are Items: their documents, and files of these."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.geo_search import GeoSearch
from landbridge.catalog.search.merge import merged
from landbridge.catalog.search.search import T_co

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from landbridge.catalog.search.query import Part

__all__ = ["ItemFileSearch"]


class ItemFileSearch(GeoSearch[T_co]):
    """Search for objects that are stored as STAC Items.

    Parameters
    ----------
    model : type
        Class of the objects.
    client : CatalogClient, optional
        Client to use. By default the default client.
    url : str, optional
        Address of the API, if there is no `client`.
    includes : bool, default True
        Include the events of uploads.
    request_params : dict, optional
        Further query parameters of the requests.
    headers : dict, optional
        Further HTTP headers of the requests.
    """

    def to_parquet(self, path: str | PathLike[str]) -> int:
        """Write the Items of all matching objects as a stac-geoparquet file, in bounded memory.

        The pages of the search are read once and kept beside the file, compressed, until the columns of all
        of them are known. rustac and geopandas read the file, and so does Landbridge
        as a source.

        Parameters
        ----------
        path : str or Path
            Path of the file, which is replaced if it exists.

        Returns
        -------
        int
            Number of Items.

        Raises
        ------
        ImportError
            If pyarrow is not installed: it is in the extra `landbridge[parquet]`.
        AttributeError
            If the filter names an attribute that the class does not have.
        ValueError
            If a search for images is not filtered by `product_id`, or if a geometry cannot be written.

        Examples
        --------
        >>> search.filter(p.cloud_fraction < 0.3).to_parquet("clear.parquet")
        2
        >>> import geopandas
        >>> sorted(geopandas.read_parquet("clear.parquet")["eo:cloud_cover"].tolist())
        [10.0, 20.0]

        See Also
        --------
        ImageCollection.from_parquet : Images of a file.
        """
        from landbridge.catalog.tables.parquet_writer import write_items

        return write_items(self._documents(), path)

    def _documents(self) -> Iterator[dict[str, Any]]:
        """Yield the matching Items in the order of the search."""
        query = self._to_query()
        if query.limit is not None and query.limit <= 0:
            return iter(())
        parts = self._parts(query)
        if len(parts) == 1 or query.sort is None:
            return islice(chain.from_iterable(map(_records, parts)), query.limit)
        name, ascending = query.sort
        streams = [_sortable(part, name) for part in parts]
        return islice((each.record for each in merged(streams, ("value", ascending))), query.limit)


def _records(part: Part) -> Iterator[Any]:
    """Yield the records of a part of a search, freeing each page once it is read."""
    for page in part.backend.records(part.client, part.query):
        yield from page
        page.clear()


@dataclass(frozen=True, slots=True)
class _Sortable:
    """Record with the value that it is sorted by."""

    record: Any
    value: Any


def _sortable(part: Part, name: str) -> Iterator[_Sortable]:
    backend: Any = part.backend
    for record in _records(part):
        yield _Sortable(record, backend.attributes(record).get(name))

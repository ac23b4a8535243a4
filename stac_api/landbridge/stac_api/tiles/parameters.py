"""Query parameters of tiles and other pictures, parsed into a `View`.

The names are those of titiler if they have the same meaning; `bands`, `scaling`, `method` and `style` are
our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from landbridge.stac_api.tiles.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import View

__all__ = ["PARAMETERS", "Parameter", "parse"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, for the API's description and the documentation.

    Attributes
    ----------
    name : str
        Name in the query.
    description : str
        Meaning, allowed values and default.
    example : str
        A valid value.
    is_repeated : bool
        True if the parameter may occur several times.
    """

    name: str
    description: str
    example: str
    is_repeated: bool = False


PARAMETERS: tuple[Parameter, ...] = ()
"""All parameters that `parse` reads. It ignores others, such as `filter`, which belong to the search."""


def parse(
    query: Iterable[tuple[str, str]],
    products: Sequence[TileProduct],
    format: Format = Format.AUTO,
) -> View:
    """Return the view of query parameters.

    Parameters
    ----------
    query : iterable of (str, str)
        Names and values of the query, in order.
    products : sequence of TileProduct
        Collections whose items may be drawn; all must have the view's bands.
    format : Format
        Format of the answer. Pictures are scaled by the display ranges if the query does not say how;
        GeoTIFF and NPY hold the values unchanged then.

    Raises
    ------
    BadRequestError
        If a value is not allowed; the message has the parameter, its value, and what is allowed.
    """
    raise NotImplementedError

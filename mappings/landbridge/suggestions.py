"""Suggestions for names that are unknown: "did you mean"."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["did_you_mean"]

_LONGEST = 100  # characters of a name that is compared
_SHORTEST_PART = 3


def did_you_mean(name: object, known: Iterable[str], others: Mapping[str, str] | None = None) -> str:
    """Return a sentence with the known name that is most like another, or an empty text.

    Parameters
    ----------
    name : object
        Unknown name.
    known : iterable of str
        Names that exist.
    others : mapping, optional
        Names in other libraries and the known names that mean the same.

    Returns
    -------
    str
        Sentence that begins with a space.

    Examples
    --------
    >>> from landbridge.suggestions import did_you_mean
    >>> did_you_mean("cloud_fracton", ["cloud_fraction", "acquired"])
    " Did you mean 'cloud_fraction'?"
    >>> did_you_mean("datetime", ["cloud_fraction", "acquired"], {"datetime": "acquired"})
    " Did you mean 'acquired'?"
    """
    if not isinstance(name, str):
        return ""
    by_lower = {each.lower(): each for each in sorted(known)}
    asked = name[:_LONGEST].lower()
    found = (others or {}).get(asked)
    if found is None or found.lower() not in by_lower:
        # A beginning of a name is what people type who do not know its end.
        longer = [each for each in by_lower if len(asked) >= _SHORTEST_PART and each.startswith(asked)]
        best = sorted(longer, key=len) or get_close_matches(asked, by_lower, 1)
        found = by_lower[best[0]] if best else None
    return f" Did you mean {found!r}?" if found else ""

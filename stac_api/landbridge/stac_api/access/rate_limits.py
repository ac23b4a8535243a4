"""Rate limits: a token bucket for each caller, in the memory of one process."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

from landbridge.stac_api.core.responses import error_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from landbridge.stac_api.access.principal import Principal
    from landbridge.stac_api.core.settings import Settings

__all__ = ["RateLimit", "RateLimiter", "TokenBuckets"]

_MAX_BUCKETS: Final = 20_000  # about 5 MB; the least recently used is dropped


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests per second, and the number that may arrive at once after a pause. A rate of 0 is no limit."""

    per_second: float
    burst: int


class TokenBuckets:
    """A bucket for each caller, full at first.

    Args:
        rate: rate and capacity of the buckets.
        clock: function that returns seconds.
        size: maximum number of buckets.
    """

    def __init__(
        self, rate: RateLimit, clock: Callable[[], float] = time.monotonic, size: int = _MAX_BUCKETS
    ) -> None:
        self.rate = rate
        self._clock = clock
        self._levels: LRUCache[str, tuple[float, float]] = LRUCache(size)

    def take(self, caller: str) -> float:
        """Take a request from a caller's bucket.

        Returns:
            0 if the bucket had one, otherwise the seconds until it has.
        """
        now = self._clock()
        level, since = self._levels.get(caller, (float(self.rate.burst), now))
        level = min(float(self.rate.burst), level + (now - since) * self.rate.per_second)
        taken = level >= 1
        self._levels[caller] = (level - taken, now)
        return 0.0 if taken else (1 - level) / self.rate.per_second


class RateLimiter:
    """Rate limits of a service: by user, or by address for anonymous callers; map tiles have their own."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        limits = {
            (False, True): RateLimit(settings.rate_per_second, settings.rate_burst),
            (False, False): RateLimit(settings.anonymous_rate_per_second, settings.anonymous_rate_burst),
            (True, True): RateLimit(settings.tile_rate_per_second, settings.tile_rate_burst),
            (True, False): RateLimit(
                settings.anonymous_tile_rate_per_second, settings.anonymous_tile_rate_burst
            ),
        }
        # By whether the request is for a map, and whether the caller is known.
        self._buckets = {
            kind: TokenBuckets(limit, clock) if limit.per_second else None for kind, limit in limits.items()
        }

    def refusal(self, principal: Principal, address: str, *, tiles: bool = False) -> Response | None:
        """Return a 429 if the caller has exceeded its limit, otherwise None.

        Args:
            principal: the caller; operators have no limit.
            address: address of the caller.
            tiles: True for the tiles, images and documents of a map, of which one view needs dozens.
        """
        if principal.operator:
            return None
        known = principal.user is not None
        buckets = self._buckets[tiles, known]
        if buckets is None:
            return None
        seconds = buckets.take(f"user:{principal.user}" if known else _client_network(address))
        if not seconds:
            return None
        # The header takes whole seconds only.
        wait = max(1, math.ceil(seconds))
        why = (
            f"Too many requests: {buckets.rate.per_second:g} per second are served, {buckets.rate.burst} at "
            f"once. Try again in {wait} s{'' if known else ', or send a token'}."
        )
        return error_response(429, why, {"Retry-After": str(wait)})


def _client_network(address: str) -> str:
    """Return the unit that an address is counted by: for IPv6 its /64 network, which one client may own."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))

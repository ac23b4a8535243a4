"""How often one caller may ask: a token bucket for each, in the memory of one process."""

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

_MAX_BUCKETS: Final = 20_000  # buckets kept, some 5 MB; who has not asked for the longest time is forgotten


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests per second, and how many may come at once after a pause. No rate is no limit."""

    per_second: float
    burst: int


class TokenBuckets:
    """One bucket for each caller, full at first.

    Args:
        rate: at which they fill, and how much they hold.
        clock: seconds.
    """

    def __init__(self, rate: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._levels: LRUCache[str, tuple[float, float]] = LRUCache(_MAX_BUCKETS)

    def take(self, caller: str) -> float:
        """Take one request from a caller's bucket.

        Returns:
            0 where there was one, else the seconds until there is.
        """
        now = self._clock()
        level, since = self._levels.get(caller, (float(self.rate.burst), now))
        level = min(float(self.rate.burst), level + (now - since) * self.rate.per_second)
        taken = level >= 1
        self._levels[caller] = (level - taken, now)
        return 0.0 if taken else (1 - level) / self.rate.per_second


class RateLimiter:
    """The limits of a service: by user where that is known, else by the address that asks."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        known = RateLimit(settings.rate_per_second, settings.rate_burst)
        strangers = RateLimit(settings.anonymous_rate_per_second, settings.anonymous_rate_burst)
        self._known = TokenBuckets(known, clock) if known.per_second else None
        self._strangers = TokenBuckets(strangers, clock) if strangers.per_second else None

    def refusal(self, principal: Principal, address: str) -> Response | None:
        """The answer to who has asked too often.

        Args:
            principal: who asks; operators do as often as they like.
            address: where from.
        """
        if principal.operator:
            return None
        known = principal.user is not None
        buckets = self._known if known else self._strangers
        if buckets is None:
            return None
        seconds = buckets.take(f"user:{principal.user}" if known else _client_network(address))
        if not seconds:
            return None
        # A whole number of seconds is all that the header can say.
        wait = max(1, math.ceil(seconds))
        why = (
            f"Too many requests: {buckets.rate.per_second:g} per second are served, {buckets.rate.burst} at "
            f"once. Try again in {wait} s{'' if known else ', or show a token'}."
        )
        return error_response(429, why, {"Retry-After": str(wait)})


def _client_network(address: str) -> str:
    """What an address is counted by; whoever has one of IPv6 has 2⁶⁴ of them."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))

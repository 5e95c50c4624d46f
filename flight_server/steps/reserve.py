"""Step 6: checks rate and quota, and holds the estimated credits until the query is settled."""

from __future__ import annotations

from dataclasses import dataclass

from flight_server.model import Limits, Principal
from flight_server.stores.usage import UsageStore


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to spend credits; only `reserve` makes one, and `settle` ends it.

    Attributes:
        credits: What is held until then: the estimate, or 0 for a test key.
        counts_for_quota: Whether the actual cost counts against the month's quota.
    """

    key_prefix: str
    credits: float
    counts_for_quota: bool


def reserve(principal: Principal, estimate: float, limits: Limits, usage: UsageStore) -> Reservation:
    """Count the request against the rate of its key and hold the estimate against its quota.

    `hd_test_` keys have a rate but no quota.

    Raises:
        QueryRefused: RATE_LIMITED or QUOTA_EXCEEDED, with `retry_after` and the header triple.
    """
    usage.rate.take(principal.key_prefix, limits.requests_per_minute, limits.burst)
    if principal.environment == "test":
        return Reservation(principal.key_prefix, 0.0, counts_for_quota=False)
    usage.hold(principal.key_prefix, estimate, limits.credits_per_month)
    return Reservation(principal.key_prefix, estimate, counts_for_quota=True)

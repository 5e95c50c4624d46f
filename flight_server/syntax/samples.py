"""Samples that tell nothing of the rows which were not there to be sampled.

The engine's SYSTEM takes or leaves whole vectors as they are stored, and its reservoirs
go through them, so that what they pick under a seed depends on how many hidden rows
lie between the visible ones. BERNOULLI decides for each row that comes.
"""

from __future__ import annotations

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax.facts import Facts


def spread_samples(facts: Facts) -> None:
    """Have every sample of a percentage decide for each row by itself.

    Raises:
        QueryRefused: POLICY_DENIED for a number of rows that is to be the same each time.
    """
    for sample in facts.samples:
        if sample["is_percentage"] and (sample["method"] == "System" or sample["repeatable"]):
            sample["method"] = "Bernoulli"
        elif sample["repeatable"]:
            raise QueryRefused(
                ErrorCode.POLICY_DENIED,
                "A repeatable sample of a number of rows is not permitted; use a percentage",
            )

"""The price list of docs/cost.md, line by line."""

from __future__ import annotations

import pytest

from flight_server.steps.estimate import CostFacts, actual, estimate


@pytest.mark.parametrize(
    ("facts", "rows", "credits"),
    [
        (CostFacts(0, 0, selects_star=False), 1, 1.0),
        (CostFacts(1, 0, selects_star=False), 1, 1.0),
        (CostFacts(2, 0, selects_star=False), 1, 1.5),
        (CostFacts(3, 0, selects_star=False), 1, 2.0),
        (CostFacts(1, 1, selects_star=False), 1, 3.0),
        (CostFacts(2, 2, selects_star=False), 1, 5.5),
        (CostFacts(1, 0, selects_star=True), 1, 2.0),
        (CostFacts(1, 0, selects_star=False), 10_000, 1.0),
        (CostFacts(1, 0, selects_star=False), 19_999, 1.0),
        (CostFacts(1, 0, selects_star=False), 20_000, 2.0),
        (CostFacts(1, 0, selects_star=False), 29_999, 2.0),
        (CostFacts(1, 1, selects_star=True), 100_000, 13.0),
    ],
)
def test_prices(facts: CostFacts, rows: int, credits: float) -> None:
    assert estimate(facts, rows) == credits
    assert actual(facts, rows, cache_hit=False) == credits


def test_a_cached_result_costs_a_tenth_whatever_it_was() -> None:
    assert actual(CostFacts(5, 5, selects_star=True), 1_000_000, cache_hit=True) == 0.1

"""Step 5: what a query costs in credits, before it runs and after (docs/cost.md).

Pure: facts of the statement and a number of rows in, credits out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flight_server.model import Grant, Statement

BASE: Final = 1.0
FURTHER_TABLE: Final = 0.5
UNSELECTIVE_SCAN: Final = 2.0
SELECT_STAR: Final = 1.0
ROWS_STEP: Final = 10_000
ROWS_STEP_CREDITS: Final = 1.0
CACHE_HIT: Final = 0.1


@dataclass(frozen=True, slots=True)
class CostFacts:
    """What of a statement has a price.

    Attributes:
        tables: How many different tables it names, views counted as one.
        unselective_scans: How many of them it reads somewhere without a selective predicate.
        selects_star: Whether any SELECT list has `*` or `table.*`; `count(*)` is none.
    """

    tables: int
    unselective_scans: int
    selects_star: bool


def estimate(facts: CostFacts, rows: int) -> float:
    """Return the credits of a statement that is expected to return *rows* rows."""
    credits = BASE + FURTHER_TABLE * max(0, facts.tables - 1)
    credits += UNSELECTIVE_SCAN * facts.unselective_scans
    credits += SELECT_STAR * facts.selects_star
    return credits + ROWS_STEP_CREDITS * max(0, (rows - ROWS_STEP) // ROWS_STEP)


def promised_rows(statement: Statement, grant: Grant) -> int:
    """Return how many rows the statistics promise; none where a filter hides rows, for these count, too."""
    filtered = any(table.filters for table in grant.tables.values())
    return 0 if filtered else statement.estimated_rows


def actual(facts: CostFacts, rows: int, *, cache_hit: bool) -> float:
    """Return the credits of a statement that returned (or changed) *rows* rows."""
    return CACHE_HIT if cache_hit else estimate(facts, rows)

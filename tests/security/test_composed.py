"""A query put together by chance gives what the sealed copy gives, in both worlds, refused or not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import duckdb
import pytest

from tests.security.asking import Question, rows_of
from tests.security.cases import Case, Row
from tests.security.composed import composed
from tests.security.judge import Judge
from tests.security.oracles import same_rows
from tests.security.test_attacks import EVERY_PATH
from tests.security.worlds import sealed_copy

SEEDS = 20 if EVERY_PATH else 3
EACH = 50


@pytest.fixture(scope="module")
def copy() -> Iterator[duckdb.DuckDBPyConnection]:
    with sealed_copy() as opened:
        yield opened


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_query_gives_what_the_sealed_copy_gives(
    judge: Judge, copy: duckdb.DuckDBPyConnection, seed: int
) -> None:
    queries = list(islice(composed(seed), EACH))
    found = [said for sql in queries for said in (*_leaks(judge, sql), *_differences(judge, copy, sql))]

    assert not found, "\n".join(found)


def test_most_queries_have_an_answer(copy: duckdb.DuckDBPyConnection) -> None:
    answers = [_answer(copy, sql) for seed in range(4) for sql in islice(composed(seed), EACH)]

    assert len([answer for answer in answers if answer]) > 0.8 * len(answers)


def _leaks(judge: Judge, sql: str) -> list[str]:
    return judge.verdict(Case.of_sql(sql, "composed", "no_leak"), "flight")


def _differences(judge: Judge, copy: duckdb.DuckDBPyConnection, sql: str) -> Iterator[str]:
    expected = _answer(copy, sql)
    answer = judge.asker("fixture", "analyst", "flight").ask(Question(sql, dialect="duckdb"))
    if (expected is None) != (answer.error is not None):
        yield f"{answer.error or 'an answer'} where the copy says otherwise | {sql}"
    elif expected is not None and not same_rows(expected[1], answer.rows, ordered="ORDER BY ALL" in sql):
        yield f"{answer.rows[:3]} instead of {expected[1][:3]} | {sql}"
    elif expected is not None and expected[0] != answer.columns:
        yield f"columns {answer.columns} instead of {expected[0]} | {sql}"


def _answer(copy: duckdb.DuckDBPyConnection, sql: str) -> tuple[tuple[str, ...], tuple[Row, ...]] | None:
    """What the copy answers: names and rows, or None if it refuses."""
    try:
        relation = copy.sql(sql)
        return tuple(relation.columns), rows_of(relation.to_arrow_table())
    except duckdb.Error:
        return None

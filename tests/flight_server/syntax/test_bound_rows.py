"""An INSERT of one row of parameters becomes one of many rows, where it means the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from flight_server.syntax.bound_rows import over_rows
from flight_server.syntax.parser import Parser


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with closing(Parser()) as shared:
        yield shared


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("INSERT INTO t VALUES ($1, $2)", "SELECT __bound.c1, __bound.c2 FROM"),
        ("INSERT INTO t(a, b) VALUES (?, ? + 1)", "SELECT __bound.c1, (__bound.c2 + 1) FROM"),
        ("INSERT INTO t VALUES (upper($1), $1, 'x')", "SELECT upper(__bound.c1), __bound.c1, 'x' FROM"),
    ],
)
def test_parameters_become_columns_of_the_bound_rows(parser: Parser, sql: str, text: str) -> None:
    assert text in over_rows(sql, parser)
    assert over_rows(sql, parser).endswith('FROM "temp".main.__bound')


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES ($1), ($2)",
        "INSERT INTO t VALUES ($1, DEFAULT)",
        "INSERT INTO t VALUES ((SELECT max(i) FROM t WHERE i < $1))",
        "INSERT INTO t VALUES ($1) RETURNING *",
        "INSERT INTO t SELECT $1",
        "INSERT INTO t DEFAULT VALUES",
        "WITH c AS (SELECT 1) INSERT INTO t VALUES ($1)",
        "UPDATE t SET a = $1",
        "DELETE FROM t WHERE a = $1",
    ],
)
def test_every_other_form_is_run_row_by_row(parser: Parser, sql: str) -> None:
    assert over_rows(sql, parser) == ""

"""A query over several engines fetches the columns it names and the rows it may need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from flight_server.engines.fetching import Fetches, fetches
from flight_server.errors import QueryRefused
from flight_server.model import TableName
from flight_server.stores.catalog import Column, Table
from flight_server.syntax.parser import Parser

SHADOW = "sealed_x_remote"
ROWS = f'{SHADOW}."far.main".rows'
TABLE = Table(
    "far.main",
    "rows",
    tuple(Column(n, k) for n, k in (("a", "INTEGER"), ("b", "VARCHAR"), ("c", "DOUBLE"))),
    0,
    False,
)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """DuckDB's parser."""
    with closing(Parser()) as reader:
        yield reader


def _known(name: TableName) -> tuple[str, Table] | None:
    near = Table("main", "t", (Column("k", "INTEGER"),), 0, is_view=False)
    return {TableName("far.main", "rows"): ("far", TABLE), TableName("main", "t"): ("", near)}.get(name)


def _fetches(parser: Parser, sql: str) -> Fetches:
    return fetches(sql.replace("ROWS", ROWS), parser, SHADOW, _known)


def test_fetches_named_columns_and_pushes_simple_predicates(parser: Parser) -> None:
    found = _fetches(
        parser, "SELECT r.a FROM ROWS AS r, sealed_x.main.t AS t WHERE r.a = t.k AND r.b = 'x' AND r.a < 5"
    )

    fetch = found.fetched[0]
    assert fetch.columns == ("a", "b")
    assert "(b = 'x')" in fetch.sql
    assert "(a < 5)" in fetch.sql
    assert found.local
    assert ROWS not in found.sql
    assert f'"temp".main.{fetch.name}' in found.sql


def test_a_predicate_that_is_pushed_down_is_tested_here_as_well(parser: Parser) -> None:
    found = _fetches(
        parser, "SELECT r.a FROM sealed_x.main.t AS t LEFT JOIN ROWS AS r ON (r.a = t.k) WHERE r.b = 'x'"
    )

    assert "(b = 'x')" in found.fetched[0].sql
    assert "(r.b = 'x')" in found.sql


def test_a_star_fetches_every_column(parser: Parser) -> None:
    assert _fetches(parser, "SELECT * FROM ROWS AS r, sealed_x.main.t").fetched[0].columns == ("a", "b", "c")


def test_a_whole_row_fetches_every_column(parser: Parser) -> None:
    assert _fetches(parser, "SELECT r FROM ROWS AS r, sealed_x.main.t").fetched[0].columns == ("a", "b", "c")


def test_outputs_of_a_secured_table_that_nobody_names_are_left_out(parser: Parser) -> None:
    secured = (
        "(SELECT TRY(a) AS a, __hmac_x(TRY(b)) AS b, TRY(c) AS c FROM (SELECT * FROM ROWS WHERE (c > 1.5) "
        "LIMIT 9223372036854775807) AS f) AS rows"
    )
    found = _fetches(parser, f"SELECT max(a) FROM {secured}")

    assert "__hmac_x" not in found.narrowed
    assert found.fetched[0].columns == ("a", "c")
    assert not found.local


def test_a_star_around_a_secured_table_keeps_all_of_its_outputs(parser: Parser) -> None:
    secured = (
        "(SELECT TRY(a) AS a, TRY(b) AS b FROM (SELECT * FROM ROWS LIMIT 9223372036854775807) AS f) AS rows"
    )

    assert "TRY(b)" in _fetches(parser, f"SELECT * FROM {secured}").narrowed


def test_every_mention_of_a_table_is_fetched_by_itself(parser: Parser) -> None:
    found = _fetches(
        parser, "SELECT count_star() FROM ROWS AS r, ROWS AS s, sealed_x.main.t WHERE r.a = 1 AND s.a = 2"
    )

    assert len({fetch.name for fetch in found.fetched}) == 2
    assert ["(a = 1)" in fetch.sql for fetch in found.fetched] == [True, False]
    assert ["(a = 2)" in fetch.sql for fetch in found.fetched] == [False, True]


def test_a_table_that_is_not_known_is_refused(parser: Parser) -> None:
    with pytest.raises(QueryRefused, match=r"table 'far\.main\.gone' does not exist"):
        _fetches(parser, f'SELECT a FROM {SHADOW}."far.main".gone')

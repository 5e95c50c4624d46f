"""AUTOINCREMENT and IDENTITY: numbers of sequences that are made with the table and replaced with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from flight_server.dialects.translate import to_duckdb
from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.watcher import Call
from tests.fixtures.warehouse import Warehouse, grant_for, sight


@pytest.fixture
def empty(own_warehouse: Callable[..., Warehouse]) -> Warehouse:
    return own_warehouse("CREATE SCHEMA sales")


@pytest.fixture
def session(empty: Warehouse) -> Iterator[DuckDBSession]:
    with closing(empty.engine.open_session()) as opened:
        yield opened


def define(warehouse: Warehouse, session: DuckDBSession, sql: str) -> None:
    """Run a definition in Snowflake's words, with all rights."""
    warehouse.catalog.changed()
    understood = warehouse.understand(sql, session, "snowflake")
    restricted = warehouse.compiler.restrict(understood, grant_for(understood, None))
    plan = warehouse.compiler.print(understood, restricted)
    session.execute(plan, (), Call(time.monotonic() + 20), understood.catalog.version).close()
    warehouse.catalog.changed()


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        ("id INT AUTOINCREMENT", [1, 2, 3]),
        ("id INT IDENTITY", [1, 2, 3]),
        ("id NUMBER(10, 0) IDENTITY(10, 5) NOT NULL", [10, 15, 20]),
        ("id INT AUTOINCREMENT START 10 INCREMENT -5 ORDER PRIMARY KEY", [10, 5, 0]),
        ("id INT AUTOINCREMENT START WITH 7 INCREMENT BY 2 NOORDER", [7, 9, 11]),
    ],
)
def test_a_column_numbers_its_rows(
    empty: Warehouse, session: DuckDBSession, column: str, numbers: list[int]
) -> None:
    define(empty, session, f"CREATE TABLE t ({column}, x STRING)")
    empty.rows("INSERT INTO t (x) VALUES ('a'), ('b')")
    empty.rows("INSERT INTO t (x) VALUES ('c')")

    assert empty.rows("SELECT id::INTEGER FROM t ORDER BY x") == [(number,) for number in numbers]


def test_a_number_may_be_given(empty: Warehouse, session: DuckDBSession) -> None:
    define(empty, session, "CREATE TABLE t (id INT AUTOINCREMENT, x STRING)")
    empty.rows("INSERT INTO t VALUES (50, 'a')")
    empty.rows("INSERT INTO t (x) VALUES ('b')")

    assert empty.rows("SELECT id FROM t ORDER BY x") == [(50,), (1,)]


def test_a_replaced_table_begins_anew(empty: Warehouse, session: DuckDBSession) -> None:
    define(empty, session, "CREATE TABLE sales.t (id INT AUTOINCREMENT, x STRING)")
    empty.rows("INSERT INTO sales.t (x) VALUES ('a')")
    define(empty, session, "CREATE OR REPLACE TABLE sales.t (id INT AUTOINCREMENT, x STRING)")
    empty.rows("INSERT INTO sales.t (x) VALUES ('b')")
    replaced = empty.rows("FROM sales.t")
    define(empty, session, "DROP TABLE sales.t")
    define(empty, session, "CREATE TABLE hatidata.sales.t (id INT AUTOINCREMENT, x STRING)")
    empty.rows("INSERT INTO sales.t (x) VALUES ('c')")

    assert replaced == [(1, "b")]
    assert empty.rows("FROM sales.t") == [(1, "c")]


def test_a_table_that_is_there_keeps_its_numbers(empty: Warehouse, session: DuckDBSession) -> None:
    define(empty, session, "CREATE TABLE t (id INT AUTOINCREMENT, x STRING)")
    empty.rows("INSERT INTO t (x) VALUES ('a')")
    define(empty, session, "CREATE TABLE IF NOT EXISTS t (id INT AUTOINCREMENT, x STRING)")
    with pytest.raises(QueryRefused, match="already exists"):
        define(empty, session, "CREATE TABLE t (id INT AUTOINCREMENT)")
    empty.rows("INSERT INTO t (x) VALUES ('b')")

    assert empty.rows("SELECT id FROM t ORDER BY x") == [(1,), (2,)]


def test_a_table_of_the_current_schema_finds_its_sequence_from_everywhere(
    empty: Warehouse, session: DuckDBSession
) -> None:
    empty.ask("USE sales", session=session)
    define(empty, session, "CREATE TABLE t (id INT AUTOINCREMENT, x STRING)")
    sees = (sight("sales.t", "x <> 'hidden'"),)
    empty.rows("INSERT INTO sales.t (x) VALUES ('a')")
    empty.rows("INSERT INTO sales.t (x) VALUES ('b')", sees=sees)

    assert empty.rows("FROM sales.t ORDER BY x") == [(1, "a"), (2, "b")]


def test_a_temporary_table_numbers_its_rows_for_its_session(empty: Warehouse, session: DuckDBSession) -> None:
    define(empty, session, "CREATE TEMPORARY TABLE t (id INT AUTOINCREMENT START 5 INCREMENT 2, x STRING)")
    empty.rows("INSERT INTO t (x) VALUES ('a'), ('b')", session=session)
    first = empty.rows("SELECT id FROM t ORDER BY x", session=session)
    define(empty, session, "CREATE OR REPLACE TEMPORARY TABLE t (id INT IDENTITY, x STRING)")
    empty.rows("INSERT INTO t (x) VALUES ('c')", session=session)

    assert first == [(5,), (7,)]
    assert empty.rows("SELECT id FROM t", session=session) == [(1,)]
    assert empty.rows("SELECT count(*) FROM duckdb_sequences() WHERE NOT temporary") == [(0,)]


def test_nothing_is_left_of_a_definition_that_fails(empty: Warehouse, session: DuckDBSession) -> None:
    with pytest.raises(QueryRefused):
        define(empty, session, "CREATE TABLE t (id INT AUTOINCREMENT, x INT DEFAULT 'a'::INT, x INT)")

    assert empty.rows("SELECT count(*) FROM duckdb_sequences()") == [(0,)]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("", [1, 2, 3]),
        ("START = 5 INCREMENT = 2", [5, 7, 9]),
        ("START WITH 1 INCREMENT BY -1 NOORDER COMMENT = 'x'", [1, 0, -1]),
    ],
)
def test_a_sequence_of_its_own_numbers_rows(
    empty: Warehouse, session: DuckDBSession, words: str, numbers: list[int]
) -> None:
    define(empty, session, f"CREATE SEQUENCE IF NOT EXISTS sales.s {words}")
    define(empty, session, "CREATE TABLE t (id INT DEFAULT sales.s.NEXTVAL, x STRING)")
    empty.rows("INSERT INTO t (x) VALUES ('a'), ('b')")
    text = empty.understand("SELECT sales.s.NEXTVAL, 'c' AS x", dialect="snowflake").statement.text
    asked = empty.ask(text, session=session)

    assert [*empty.rows("SELECT id::INTEGER FROM t ORDER BY x"), *asked.column(0).to_pylist()] == [
        (numbers[0],),
        (numbers[1],),
        numbers[2],
    ]
    assert asked.column_names == ["NEXTVAL", "x"]


def test_a_sequence_can_be_replaced_and_dropped(empty: Warehouse, session: DuckDBSession) -> None:
    define(empty, session, "CREATE SEQUENCE s START 5")
    define(empty, session, "CREATE OR REPLACE SEQUENCE s START 9")
    first = empty.rows("SELECT start_value FROM duckdb_sequences()")
    define(empty, session, "DROP SEQUENCE IF EXISTS s")

    assert first == [(9,)]
    assert empty.rows("SELECT count(*) FROM duckdb_sequences()") == [(0,)]


def test_a_column_may_be_called_nextval(empty: Warehouse) -> None:
    sql = to_duckdb("SELECT t.nextval FROM (SELECT 1 AS nextval) t WHERE EXISTS (SELECT t.nextval)")

    assert empty.rows(sql) == [(1,)]


def test_several_columns_are_altered_together_or_not_at_all(empty: Warehouse, session: DuckDBSession) -> None:
    define(empty, session, "CREATE TABLE t (id INT)")
    define(empty, session, "ALTER TABLE t ADD a STRING, b NUMBER(5, 1)")
    with pytest.raises(QueryRefused):
        define(empty, session, "ALTER TABLE t ADD c INT, a INT")
    added = empty.rows(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 't' ORDER BY column_index"
    )
    define(empty, session, "ALTER TABLE t DROP COLUMN a, b")
    define(empty, session, "COMMENT ON TABLE t IS 'kept'")

    assert added == [("id",), ("a",), ("b",)]
    assert empty.rows("SELECT column_count, comment FROM duckdb_tables()") == [(1, "kept")]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TEMPORARY TABLE t (id INT AUTOINCREMENT START 1 INCREMENT 0)",
        "ALTER TABLE t ADD COLUMN id INT AUTOINCREMENT",
        "CREATE TABLE t (id INT AUTOINCREMENT START 1 INCREMENT 0)",
    ],
)
def test_what_no_sequence_can_do_is_refused_by_name(sql: str) -> None:
    with pytest.raises(QueryRefused, match="AUTOINCREMENT") as refused:
        to_duckdb(sql)

    assert refused.value.code is ErrorCode.QUERY_ERROR

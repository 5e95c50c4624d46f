"""CLONE, LIKE and INSERT OVERWRITE, through the pipeline: what is copied, what is refused, what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action
from flight_server.watcher import Call
from tests.fixtures.warehouse import FULL, Sees, Warehouse, grant_for, sight

SETUP = """
CREATE TABLE s (id INTEGER NOT NULL, name VARCHAR DEFAULT 'none', doc JSON, region VARCHAR);
INSERT INTO s VALUES (1, 'ann', '{"a":"x"}', 'EU'), (2, 'bob', NULL, 'US');
CREATE TABLE keyed (id INTEGER PRIMARY KEY, name VARCHAR);
INSERT INTO keyed VALUES (1, 'old'), (2, 'old');
CREATE VIEW over_s AS SELECT * FROM s;
"""


@pytest.fixture
def own(own_warehouse: Callable[..., Warehouse]) -> Warehouse:
    return own_warehouse(SETUP)


@pytest.fixture
def session(own: Warehouse) -> Iterator[DuckDBSession]:
    with closing(own.engine.open_session()) as opened:
        yield opened


def run(own: Warehouse, session: DuckDBSession, sql: str, sees: Sees = None) -> list[tuple[object, ...]]:
    """Run a statement in Snowflake's words."""
    understood = own.understand(sql, session, "snowflake")
    plan = own.compiler.print(understood, own.compiler.restrict(understood, grant_for(understood, sees)))
    with closing(session.execute(plan, (), Call(time.monotonic() + 20), understood.catalog.version)) as done:
        return [tuple(row.values()) for batch in done.batches() for row in batch.to_pylist()]


def defined(own: Warehouse, table: str) -> list[tuple[object, ...]]:
    return own.rows(
        "SELECT column_name, data_type, column_default, is_nullable FROM duckdb_columns() "
        f"WHERE table_name = '{table}' ORDER BY column_index"
    )


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("CREATE TABLE t CLONE s", 2),
        ("CREATE OR REPLACE TRANSIENT TABLE t CLONE main.s COPY GRANTS", 2),
        ("CREATE TABLE IF NOT EXISTS t CLONE hatidata.main.s", 2),
        ("CREATE TABLE t LIKE s", 0),
        ("CREATE OR REPLACE TABLE t LIKE s CLUSTER BY (id)", 0),
    ],
)
def test_a_copy_has_the_rows_and_the_definition_of_its_source(
    own: Warehouse, session: DuckDBSession, sql: str, rows: int
) -> None:
    run(own, session, sql)
    run(own, session, "INSERT INTO t (id) VALUES (9)")

    assert own.rows("SELECT count(*) FROM t") == [(rows + 1,)]
    assert own.rows("SELECT name FROM t WHERE id = 9") == [("none",)]
    assert [row[:2] + row[3:] for row in defined(own, "t")] == [
        row[:2] + row[3:] for row in defined(own, "s")
    ]
    with pytest.raises(QueryRefused, match="NOT NULL"):
        own.rows("INSERT INTO t (name) VALUES ('x')")


def test_a_copy_lives_apart_from_its_source(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "CREATE TABLE t CLONE s")
    run(own, session, "DELETE FROM t WHERE id = 1")

    assert own.rows("SELECT count(*) FROM s") == [(2,)]
    assert own.rows("SELECT count(*) FROM t") == [(1,)]


def test_a_table_that_is_there_is_not_copied_over(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "CREATE TABLE IF NOT EXISTS keyed CLONE s")

    assert own.rows("SELECT count(*) FROM keyed WHERE name = 'old'") == [(2,)]


def test_a_copy_may_be_temporary_and_of_a_temporary_table(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "CREATE TEMPORARY TABLE t CLONE s")
    run(own, session, "CREATE TEMPORARY TABLE u CLONE t")
    run(own, session, "CREATE TEMPORARY TABLE w LIKE u")
    run(own, session, "INSERT INTO w (id) SELECT id FROM u")

    assert run(own, session, "SELECT id, name FROM w ORDER BY id") == [(1, "none"), (2, "none")]
    assert own.rows("SELECT count(*) FROM duckdb_tables() WHERE NOT temporary") == [(2,)]


def test_paths_into_a_temporary_table_have_its_types(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "CREATE TEMPORARY TABLE t AS SELECT id, doc, doc:a AS leaf FROM s")
    casts = run(own, session, "SELECT doc::STRING, leaf::STRING, leaf = 'x' FROM t WHERE id = 1")
    run(own, session, "CREATE TEMPORARY VIEW v AS SELECT leaf FROM t")
    run(own, session, "ALTER TABLE t RENAME COLUMN leaf TO twig")

    assert casts == [('{"a":"x"}', "x", True)]
    assert run(own, session, "SELECT twig::STRING || '!' FROM t WHERE id = 1") == [("x!",)]


def test_a_temporary_table_that_is_replaced_has_its_new_types(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "CREATE TEMPORARY TABLE t AS SELECT doc:a AS c FROM s")
    first = run(own, session, "SELECT c::STRING FROM t WHERE c IS NOT NULL")
    run(own, session, "CREATE OR REPLACE TEMPORARY TABLE t AS SELECT '\"x\"' AS c")

    assert first == [("x",)]
    assert run(own, session, "SELECT c::STRING FROM t WHERE c IS NOT NULL") == [('"x"',)]


@pytest.mark.parametrize("construct", ["CLONE s", "LIKE s", "CLONE missing", "LIKE missing"])
def test_who_does_not_see_everything_copies_nothing(own: Warehouse, construct: str) -> None:
    sees = (sight("s", "region = 'EU'", name=FULL), sight("t"), sight("missing"))
    understood = own.understand(f"CREATE TABLE t {construct}", dialect="snowflake")
    with pytest.raises(QueryRefused) as refused:
        own.compiler.restrict(understood, grant_for(understood, sees))

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert "CREATE" in refused.value.message


@pytest.mark.parametrize("construct", ["CLONE", "LIKE"])
@pytest.mark.parametrize("source", ["s", "missing"])
def test_a_copy_reads_its_source_whether_it_is_there_or_not(
    own: Warehouse, construct: str, source: str
) -> None:
    accesses = own.understand(f"CREATE TABLE t {construct} {source}", dialect="snowflake").statement.accesses

    assert [(action, str(name)) for action, name in accesses] == [
        (Action.CREATE, "main.t"),
        (Action.SELECT, f"main.{source}"),
    ]


def test_nothing_is_left_of_a_copy_that_fails(own: Warehouse, session: DuckDBSession) -> None:
    own.rows("CREATE TABLE odd (a INTEGER NOT NULL, b INTEGER DEFAULT 3)")
    own.rows("CREATE VIEW t AS SELECT 1 AS one")
    with pytest.raises(QueryRefused):
        run(own, session, "CREATE OR REPLACE TABLE t CLONE odd")

    assert own.rows("FROM t") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("INSERT OVERWRITE INTO s (id, name) SELECT 7, NVL(NULL, 'x')", [(7, "x")]),
        ("INSERT OVERWRITE INTO s VALUES (8, 'y', PARSE_JSON('1'), 'EU')", [(8, "y")]),
        ("INSERT OVERWRITE INTO s SELECT * FROM s WHERE id = 2", [(2, "bob")]),
        ("INSERT OVERWRITE INTO s SELECT id + 10, name, doc, region FROM over_s", [(11, "ann"), (12, "bob")]),
        ("INSERT OVERWRITE INTO s (id, name) SELECT id, name FROM keyed WHERE id > 5", []),
    ],
)
def test_overwriting_leaves_the_new_rows_alone(
    own: Warehouse, session: DuckDBSession, sql: str, rows: list[tuple[object, ...]]
) -> None:
    answer = run(own, session, sql)

    assert own.rows("SELECT id, name FROM s ORDER BY id") == rows
    assert answer == [(len(rows),)]


def test_overwriting_may_use_the_same_keys_again(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "INSERT OVERWRITE INTO keyed SELECT id, name FROM s")

    assert own.rows("FROM keyed ORDER BY id") == [(1, "ann"), (2, "bob")]


def test_overwriting_that_fails_leaves_the_old_rows(own: Warehouse, session: DuckDBSession) -> None:
    with pytest.raises(QueryRefused):
        run(own, session, "INSERT OVERWRITE INTO s (id, name) SELECT id, (1 / (id - 2))::STRING FROM keyed")

    assert own.rows("SELECT id FROM s ORDER BY id") == [(1,), (2,)]


def test_overwriting_happens_with_the_transaction_around_it(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "BEGIN")
    run(own, session, "INSERT INTO s (id) VALUES (3)")
    run(own, session, "INSERT OVERWRITE INTO s (id) SELECT id * 10 FROM s")
    inside = run(own, session, "SELECT id FROM s ORDER BY id")
    outside = own.rows("SELECT id FROM s ORDER BY id")
    run(own, session, "ROLLBACK")

    assert inside == [(10,), (20,), (30,)]
    assert outside == own.rows("SELECT id FROM s ORDER BY id") == [(1,), (2,)]


def test_overwriting_a_temporary_table(own: Warehouse, session: DuckDBSession) -> None:
    run(own, session, "CREATE TEMPORARY TABLE t CLONE s")
    run(own, session, "INSERT OVERWRITE INTO t SELECT * FROM t WHERE id = 2")

    assert run(own, session, "SELECT id FROM t") == [(2,)]


def test_overwriting_asks_for_the_right_to_delete(own: Warehouse) -> None:
    accesses = own.understand("INSERT OVERWRITE INTO s SELECT * FROM keyed", dialect="snowflake")

    assert {(action, str(name)) for action, name in accesses.statement.accesses} == {
        (Action.INSERT, "main.s"),
        (Action.DELETE, "main.s"),
        (Action.SELECT, "main.keyed"),
    }


def test_who_sees_a_part_may_not_overwrite_the_whole(own: Warehouse, session: DuckDBSession) -> None:
    sees = (sight("s", "region = 'EU'"), sight("keyed"))
    with pytest.raises(QueryRefused, match="filtered table") as refused:
        run(own, session, "INSERT OVERWRITE INTO s (id, region) SELECT id, 'EU' FROM keyed", sees)

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert own.rows("SELECT count(*) FROM s") == [(2,)]


def test_only_visible_rows_are_written_by_overwriting(own: Warehouse, session: DuckDBSession) -> None:
    sees = (sight("s", "region = 'EU'"), sight("keyed"))
    run(own, session, "INSERT OVERWRITE INTO keyed (id, name) SELECT id, name FROM s", sees)

    assert own.rows("FROM keyed") == [(1, "ann")]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE SCHEMA x CLONE main",
        "CREATE TABLE t CLONE s AT (OFFSET => -60)",
        "CREATE VIEW t CLONE over_s",
    ],
)
def test_other_copies_are_refused_by_name(own: Warehouse, sql: str) -> None:
    with pytest.raises(QueryRefused, match="is not supported") as refused:
        own.understand(sql, dialect="snowflake")

    assert refused.value.code is ErrorCode.QUERY_ERROR

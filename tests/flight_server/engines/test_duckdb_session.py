"""Sessions: transactions, temporary tables, the current schema, definitions, and what survives a restart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import TableName
from tests.fixtures.warehouse import FULL, Warehouse, sight

SMALL = "CREATE TABLE t AS SELECT 1 AS i; CREATE SCHEMA finance; CREATE TABLE finance.t AS SELECT 10 AS i;"

Make = Callable[..., Warehouse]


@pytest.fixture
def small(own_warehouse: Make) -> Warehouse:
    return own_warehouse(SMALL)


@pytest.fixture
def session(small: Warehouse) -> Iterator[DuckDBSession]:
    with closing(small.engine.open_session()) as opened:
        yield opened


def test_a_transaction_sees_its_own_writes_and_others_do_not(
    small: Warehouse, session: DuckDBSession
) -> None:
    small.ask("BEGIN", session=session)
    small.ask("INSERT INTO t VALUES (2)", session=session)

    assert small.rows("SELECT count(*) FROM t", session=session) == [(2,)]
    assert small.rows("SELECT count(*) FROM t") == [(1,)]


def test_a_commit_is_seen_by_everyone_at_once(small: Warehouse, session: DuckDBSession) -> None:
    small.rows("SELECT count(*) FROM t")
    for sql in ("BEGIN", "INSERT INTO t VALUES (2)", "COMMIT"):
        small.ask(sql, session=session)

    assert small.rows("SELECT count(*) FROM t") == [(2,)]
    assert not session.in_transaction


def test_a_rollback_leaves_nothing(small: Warehouse, session: DuckDBSession) -> None:
    for sql in ("BEGIN", "INSERT INTO t VALUES (2)", "CREATE TABLE u (i INTEGER)", "ROLLBACK"):
        small.ask(sql, session=session)

    assert small.rows("SELECT count(*) FROM t", session=session) == [(1,)]
    with pytest.raises(QueryRefused):
        small.ask("FROM u", session=session)


def test_closing_a_session_rolls_back(small: Warehouse) -> None:
    session = small.engine.open_session()
    small.ask("BEGIN", session=session)
    small.ask("DELETE FROM t", session=session)
    session.close()

    assert small.rows("SELECT count(*) FROM t") == [(1,)]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (("COMMIT",), "no transaction is open"),
        (("ROLLBACK",), "no transaction is open"),
        (("BEGIN", "BEGIN"), "a transaction is already open"),
        (("BEGIN", "COMMIT", "COMMIT"), "no transaction is open"),
    ],
)
def test_transaction_statements_must_fit(
    small: Warehouse, session: DuckDBSession, sent: tuple[str, ...], words: str
) -> None:
    for sql in sent[:-1]:
        small.ask(sql, session=session)

    with pytest.raises(QueryRefused, match=words):
        small.ask(sent[-1], session=session)


def test_a_commit_after_a_failure_says_that_nothing_was_kept(
    small: Warehouse, session: DuckDBSession
) -> None:
    small.ask("BEGIN", session=session)
    small.ask("INSERT INTO t VALUES (2)", session=session)
    with pytest.raises(QueryRefused):
        small.ask("INSERT INTO t VALUES ('x')", session=session)

    with pytest.raises(QueryRefused, match="abort"):
        small.ask("COMMIT", session=session)
    assert small.rows("SELECT count(*) FROM t", session=session) == [(1,)]


def test_two_transactions_that_change_the_same_row_conflict(small: Warehouse, session: DuckDBSession) -> None:
    with closing(small.engine.open_session()) as other:
        small.ask("BEGIN", session=session)
        small.ask("BEGIN", session=other)
        small.ask("UPDATE t SET i = 2", session=session)

        with pytest.raises(QueryRefused) as refused:
            small.ask("UPDATE t SET i = 3", session=other)

    assert refused.value.code is ErrorCode.QUERY_ERROR
    assert "onflict" in refused.value.message
    small.ask("COMMIT", session=session)
    assert small.rows("FROM t") == [(2,)]


def test_two_results_of_one_transaction_are_read_in_turns(small: Warehouse, session: DuckDBSession) -> None:
    small.ask("BEGIN", session=session)
    _, first = small.start("FROM range(300000)", session=session)
    batches = first.batches()
    rows = next(batches).num_rows
    small.ask("INSERT INTO t VALUES (2)", session=session)
    _, second = small.start("FROM t", session=session)

    assert rows + sum(batch.num_rows for batch in batches) == 300_000
    assert sum(batch.num_rows for batch in second.batches()) == 2
    first.close()
    second.close()


def test_a_temporary_table_is_the_sessions_own(small: Warehouse, session: DuckDBSession) -> None:
    small.ask("CREATE TEMP TABLE own AS SELECT 5 AS i", session=session)
    small.ask("INSERT INTO own VALUES (6)", session=session)

    assert small.rows("SELECT sum(o.i) FROM own o, t", session=session) == [(11,)]
    assert session.temporary == {TableName("temp", "own")}
    with pytest.raises(QueryRefused):
        small.ask("FROM own")


def test_a_temporary_table_hides_the_catalogs_of_the_same_name(
    small: Warehouse, session: DuckDBSession
) -> None:
    small.ask("CREATE TEMP TABLE T AS SELECT 'own' AS i", session=session)

    assert small.rows("FROM t", session=session) == [("own",)]
    assert small.rows("FROM main.t", session=session) == [(1,)]
    assert small.rows("FROM hatidata.main.t", session=session) == [(1,)]
    assert small.rows("FROM t") == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM t",
        "UPDATE t SET i = 'x'",
        "INSERT INTO t VALUES ('x')",
        "DELETE FROM t USING main.t AS o",
    ],
)
def test_a_write_to_a_temporary_table_leaves_the_one_that_it_hides(
    small: Warehouse, session: DuckDBSession, sql: str
) -> None:
    """The policy is not asked about the session's own tables, so nothing else may be written instead."""
    small.ask("CREATE TEMP TABLE t AS SELECT 'own' AS i", session=session)
    small.ask(sql, session=session)

    assert small.rows("FROM t", session=session) != [("own",)]
    assert small.rows("FROM main.t") == [(1,)]


def test_a_temporary_table_of_a_rolled_back_transaction_is_gone(
    small: Warehouse, session: DuckDBSession
) -> None:
    for sql in ("BEGIN", "CREATE TEMP TABLE t AS SELECT 'own' AS i", "ROLLBACK"):
        small.ask(sql, session=session)

    assert session.temporary == frozenset()
    assert small.rows("FROM t", session=session) == [(1,)]


def test_use_changes_where_names_are_looked_for(small: Warehouse, session: DuckDBSession) -> None:
    small.ask("USE Finance", session=session)
    small.ask("CREATE TABLE made AS SELECT * FROM t", session=session)

    assert small.rows("FROM t", session=session) == [(10,)]
    assert small.rows("FROM main.t", session=session) == [(1,)]
    assert small.rows("FROM finance.made") == [(10,)]
    small.ask("USE hatidata", session=session)
    assert small.rows("FROM t", session=session) == [(1,)]


@pytest.mark.parametrize("schema", ["nowhere", "memory", "system", '"a""b"', "memory.main"])
def test_a_use_that_fails_changes_nothing(small: Warehouse, session: DuckDBSession, schema: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        small.ask(f"USE {schema}", session=session)

    assert refused.value.code in (ErrorCode.QUERY_ERROR, ErrorCode.POLICY_DENIED)
    assert session.default_schema == "main"
    assert small.rows("FROM t", session=session) == [(1,)]


def test_a_sequence_gives_defaults(small: Warehouse) -> None:
    small.ask("CREATE SEQUENCE numbers START 7")
    small.ask("CREATE TABLE u (id INTEGER DEFAULT nextval('numbers'), v VARCHAR)")
    small.ask("INSERT INTO u(v) VALUES ('a'), ('b')")

    assert small.rows("FROM u ORDER BY id") == [(7, "a"), (8, "b")]


def test_an_enum_and_a_macro_of_an_administrator_work(small: Warehouse) -> None:
    small.ask("CREATE TYPE mood AS ENUM ('ok', 'sad')")
    small.ask("CREATE TABLE u (m mood)")
    small.ask("INSERT INTO u VALUES ('ok')")
    small.ask("CREATE MACRO twice(x) AS x * 2")

    assert small.rows("SELECT m, twice(21) FROM u") == [("ok", 42)]


def test_the_version_of_the_catalog_rises_with_committed_definitions_only(
    small: Warehouse, session: DuckDBSession
) -> None:
    versions = [small.catalog.snapshot().version]
    for sql in (
        "INSERT INTO t VALUES (2)",
        "BEGIN",
        "CREATE TABLE u (i INTEGER)",
        "COMMIT",
        "BEGIN",
        "DROP TABLE u",
        "ROLLBACK",
        "DROP TABLE u",
    ):
        small.ask(sql, session=session)
        versions.append(small.catalog.snapshot().version)

    start = versions[0]
    assert versions[:4] == [start] * 4
    assert versions[4] > start
    assert versions[5:7] == [versions[4]] * 2
    assert versions[-1] > versions[4]


def test_a_table_of_an_open_transaction_is_usable_inside_of_it(
    small: Warehouse, session: DuckDBSession
) -> None:
    for sql in ("BEGIN", "CREATE TABLE u AS SELECT 3 AS i"):
        small.ask(sql, session=session)

    assert small.rows("FROM u", session=session) == [(3,)]
    with pytest.raises(QueryRefused):
        small.ask("FROM u")


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("INSERT INTO t VALUES (2), (3)", {"Count": [2]}),
        ("UPDATE t SET i = 5 WHERE false", {"Count": [0]}),
        ("DELETE FROM t", {"Count": [1]}),
        ("CREATE TABLE u AS FROM range(7)", {"Count": [7]}),
        ("CREATE TABLE u (i INTEGER)", {"Count": []}),
        ("BEGIN", {"Count": []}),
        ("USE finance", {"Count": []}),
        ("INSERT INTO t VALUES (2) RETURNING i, i + 1 AS j", {"i": [2], "j": [3]}),
        ("DELETE FROM t RETURNING *", {"i": [1]}),
    ],
)
def test_a_change_answers_how_many(
    small: Warehouse, session: DuckDBSession, sql: str, answer: dict[str, list[int]]
) -> None:
    assert small.ask(sql, session=session).to_pydict() == answer


@pytest.mark.parametrize(
    ("sql", "affected"),
    [
        ("FROM t", None),
        ("INSERT INTO t VALUES (2), (3)", 2),
        ("INSERT INTO t VALUES (2), (3) RETURNING *", 2),
        ("PIVOT t ON i USING count(*)", None),
        ("CREATE TABLE u AS FROM range(7)", 7),
    ],
)
def test_rows_affected_are_those_of_changes(
    small: Warehouse, session: DuckDBSession, sql: str, affected: int | None
) -> None:
    _, execution = small.start(sql, session=session)
    with closing(execution):
        assert execution.rows_affected == affected


def test_a_returned_row_is_as_lossless_as_a_selected_one(small: Warehouse) -> None:
    small.ask("CREATE TABLE u (e ENUM('a'), h HUGEINT, b BIT, n UHUGEINT)")
    sql = f"INSERT INTO u VALUES ('a', {2**126}, '101', {2**128 - 1}) RETURNING *, e"
    returned = small.ask(sql)
    selected = small.ask("SELECT *, e FROM u")

    assert returned.to_pydict() | {"e": []} == {
        **selected.rename_columns(returned.schema.names).to_pydict(),
        "e": [],
    }
    assert [field.type for field in returned.schema] == [field.type for field in selected.schema]


def test_views_and_data_survive_a_restart_under_another_sealed_name(tmp_path: Path) -> None:
    path = tmp_path / "kept.duckdb"
    with closing(Warehouse(path, SMALL)) as first:
        first.ask("CREATE VIEW v AS SELECT i + 1 AS j FROM t")
        first.ask("CREATE VIEW w AS SELECT j FROM v, finance.t")
        first.ask("INSERT INTO t VALUES (4)")
        name = first.engine.catalog
    with closing(Warehouse(path, "SELECT 1")) as second:
        assert second.engine.catalog != name
        assert second.rows("FROM w ORDER BY j") == [(2,), (5,)]
        assert second.rows("FROM v WHERE j = 5", sees=(sight("v", "j > 2"),)) == [(5,)]
        assert second.rows("FROM w", sees=(sight("w", "j > 2", j=FULL),)) == [("***",)]


def test_tables_called_like_keywords_or_strangely_are_seen_by_everyone(small: Warehouse) -> None:
    for name in ("order", "Weird Table", "a.b", 'quo"te', "日本", "days"):
        quoted = '"' + name.replace('"', '""') + '"'
        small.ask(f'CREATE TABLE {quoted} AS SELECT 1 AS "select", 2 AS hidden')
        folded = name.lower() if name.isascii() else name
        grant = sight("t", "hidden = 2", hidden=FULL)
        own = type(grant)(TableName("main", folded), grant.filters, grant.masks)

        assert small.rows(f"FROM {quoted}", sees=(own,)) == [(1, "***")]


def test_a_session_used_by_two_threads_answers_both(small: Warehouse, session: DuckDBSession) -> None:
    small.ask("BEGIN", session=session)

    def count(number: int) -> int:
        return int(small.rows(f"SELECT {number} + count(*) FROM t", session=session)[0][0])

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(count, range(20))) == list(range(1, 21))


def test_a_sequence_is_moved_and_asked_by_a_query(own_warehouse: Make) -> None:
    warehouse = own_warehouse("CREATE SEQUENCE numbers START 7")
    with closing(warehouse.engine.open_session()) as session:
        moved = [warehouse.rows("SELECT nextval('numbers')", session=session) for _ in range(2)]
        seen = warehouse.rows("SELECT currval('numbers')", session=session)

    assert (moved, seen) == ([[(7,)], [(8,)]], [(8,)])


def test_a_returned_column_may_be_called_count(own_warehouse: Make) -> None:
    warehouse = own_warehouse("CREATE TABLE t (a BIGINT)")
    answer = warehouse.ask('INSERT INTO t VALUES (41), (42) RETURNING a AS "Count"')

    assert answer.to_pydict() == {"Count": [41, 42]}


def test_a_plan_is_explained_in_the_format_that_is_asked_for(own_warehouse: Make) -> None:
    warehouse = own_warehouse("CREATE TABLE t (a BIGINT)")
    ((_, told),) = warehouse.rows("EXPLAIN (FORMAT JSON) SELECT sum(a) FROM t")

    assert json.loads(told)[0]["name"]

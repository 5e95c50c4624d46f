"""A remembered answer must be what the engine would answer now, for this caller, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flight_server.answer import public_schema
from flight_server.engines.duckdb_session import DuckDBSession
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Scalar
from flight_server.steps.compile import Compiler
from flight_server.steps.execute import Running, execute
from flight_server.stores.cache import ResultCache
from flight_server.stores.cache_disk import DiskCache
from flight_server.watcher import Call
from tests.fixtures.warehouse import ANALYST, Sees, Warehouse, grant_for, sight

SETUP = """
CREATE TABLE a AS SELECT i AS id, i * 10 AS v FROM range(5) t(i);
CREATE TABLE b AS SELECT i AS id, i * 100 AS w FROM range(5) t(i);
CREATE TABLE sink (id BIGINT, v BIGINT);
CREATE VIEW over_a AS SELECT sum(v) AS total FROM a;
CREATE VIEW dated AS SELECT id, current_date AS today FROM a;
CREATE VIEW drawn AS SELECT id FROM a USING SAMPLE 2 ROWS;
CREATE VIEW counted AS SELECT count(*) AS tables FROM duckdb_tables();
CREATE VIEW above_drawn AS SELECT id FROM (SELECT id FROM drawn);
CREATE MACRO twice(x) AS x * 2;
CREATE VIEW by_macro AS SELECT twice(v) AS double FROM a;
CREATE SCHEMA "odd as one";
CREATE TABLE "odd as one".near AS SELECT 1 AS n;
CREATE VIEW "odd as one"."the (view" (n, "as x") AS
    WITH sink AS (SELECT max(n) AS n FROM near) SELECT sink.n, (SELECT sum(w) FROM main.b) FROM sink;
CREATE VIEW twice_above AS SELECT n, total FROM "odd as one"."the (view", over_a;
"""
TOTALS = "SELECT sum(v) FROM a"


class Asker:
    """Asks a warehouse through a result cache, as the pipeline does."""

    def __init__(self, warehouse: Warehouse, cache: ResultCache) -> None:
        self.warehouse = warehouse
        self.cache = cache
        self.compiler = Compiler(warehouse.parser, warehouse.sealed, 1000, warehouse.engine.repeatable)

    def run(
        self,
        sql: str,
        *parameters: Scalar,
        session: DuckDBSession | None = None,
        sees: Sees = None,
        call: Call | None = None,
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the rows and whether they were remembered."""
        session = session or self.warehouse.engine.open_session()
        catalog = self.warehouse.catalog.snapshot()
        understood = self.compiler.understand(
            sql, "duckdb", catalog, session.default_schema, session.temporary
        )
        grant = grant_for(understood, sees)
        plan = self.compiler.print(understood, self.compiler.restrict(understood, grant))
        call = call or Call(time.monotonic() + 20)
        changes = self.warehouse.engine.changes
        running = execute(plan, parameters, session, call, catalog.version, self.cache, changes)
        return self._drain(running, plan), running.from_cache

    def _drain(self, running: Running, plan: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        with closing(running.execution):
            for batch in running.execution.batches():
                if running.recording is not None:
                    running.recording.add(batch, batch.nbytes)
                rows += list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
            if running.recording is not None:
                running.recording.keep(public_schema(running.execution.schema, plan))
        return rows


@pytest.fixture
def cache() -> Iterator[ResultCache]:
    found = ResultCache(entries=100, most_bytes=1 << 24, ttl_s=60)
    yield found
    found.close()


@pytest.fixture
def asker(tmp_path: Path, cache: ResultCache) -> Iterator[Asker]:
    warehouse = Warehouse(tmp_path / "w.duckdb", SETUP)
    yield Asker(warehouse, cache)
    warehouse.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    warehouse = Warehouse(tmp_path_factory.mktemp("cache") / "w.duckdb", SETUP)
    yield Asker(warehouse, ResultCache(entries=100, most_bytes=1 << 24, ttl_s=60))
    warehouse.close()


def test_answers_the_second_time_from_memory(asker: Asker) -> None:
    first = asker.run(TOTALS)
    second = asker.run(TOTALS)

    assert first == ([(100,)], False)
    assert second == ([(100,)], True)


def test_a_write_makes_the_answers_of_its_table_unaskable_and_leaves_others(asker: Asker) -> None:
    asker.run(TOTALS)
    asker.run("SELECT sum(w) FROM b")
    asker.run("INSERT INTO a VALUES (9, 1)")

    assert asker.run(TOTALS) == ([(101,)], False)
    assert asker.run("SELECT sum(w) FROM b") == ([(1000,)], True)


def test_an_open_transaction_sees_its_own_rows_and_nobody_elses_cache_does(asker: Asker) -> None:
    session = asker.warehouse.engine.open_session()
    asker.run(TOTALS)
    asker.run("BEGIN", session=session)
    asker.run("UPDATE a SET v = 0", session=session)

    assert asker.run(TOTALS, session=session) == ([(0,)], False)
    assert asker.run(TOTALS) == ([(100,)], True)

    asker.run("COMMIT", session=session)
    session.close()
    assert asker.run(TOTALS) == ([(0,)], False)


def test_a_rolled_back_write_leaves_what_is_remembered(asker: Asker) -> None:
    session = asker.warehouse.engine.open_session()
    asker.run(TOTALS)
    asker.run("BEGIN", session=session)
    asker.run("DELETE FROM a", session=session)
    asker.run("ROLLBACK", session=session)
    session.close()

    assert asker.run(TOTALS) == ([(100,)], True)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT random()",
        "SELECT now()",
        "SELECT current_date",
        "SELECT uuid() IS NULL",
        "SELECT id FROM a USING SAMPLE 2 ROWS",
        "SELECT id FROM a TABLESAMPLE 50%",
        "SELECT count(*) FROM duckdb_tables()",
        "SELECT count(*) FROM information_schema.tables",
        "SELECT today FROM dated",
        "SELECT id FROM drawn",
        "SELECT tables FROM counted",
        "SELECT id FROM above_drawn",
        "SELECT double FROM by_macro",
        "EXPLAIN SELECT sum(v) FROM a",
    ],
)
def test_what_may_answer_otherwise_is_never_remembered(asker: Asker, sql: str) -> None:
    asker.run(sql)

    assert asker.run(sql)[1] is False


def test_an_answer_over_views_is_remembered_until_a_table_beneath_is_written(asker: Asker) -> None:
    for sql, first, changes in (
        ("SELECT total FROM over_a", [(100,)], ["INSERT INTO a VALUES (9, 1)"]),
        ('FROM "odd as one"."the (view"', [(1, 1000)], ['INSERT INTO "odd as one".near VALUES (7)']),
        (
            "FROM twice_above",
            [(7, 101)],
            ["DELETE FROM a WHERE id = 9", 'DELETE FROM "odd as one".near WHERE n = 7'],
        ),
    ):
        assert asker.run(sql) == (first, False)
        assert asker.run(sql) == (first, True)
        asker.run("INSERT INTO sink VALUES (1, 1)")
        assert asker.run(sql)[1] is True
        for change in changes:
            asker.run(change)
            rows, remembered = asker.run(sql)
            assert rows != first
            assert not remembered
            assert asker.run(sql) == (rows, True)


def test_a_table_that_hides_the_one_beneath_a_view_is_seen_at_once(asker: Asker) -> None:
    asker.run('CREATE VIEW "odd as one".v AS SELECT sum(v) AS total FROM a')
    before = asker.run('FROM "odd as one".v')
    asker.run('CREATE TABLE "odd as one".a AS SELECT 5 AS v')
    hidden = asker.run('FROM "odd as one".v')
    asker.run('UPDATE "odd as one".a SET v = 6')

    assert (before[0], hidden[0]) == ([(100,)], [(5,)])
    assert asker.run('FROM "odd as one".v') == ([(6,)], False)


def test_a_replaced_view_is_seen_at_once(asker: Asker) -> None:
    asker.run("SELECT total FROM over_a")
    asker.run("CREATE OR REPLACE VIEW over_a AS SELECT sum(w) AS total FROM b")
    replaced = asker.run("SELECT total FROM over_a")
    asker.run("UPDATE b SET w = 0")

    assert replaced == ([(1000,)], False)
    assert asker.run("SELECT total FROM over_a") == ([(0,)], False)


def test_a_view_beneath_a_view_that_is_replaced_is_seen_at_once(asker: Asker) -> None:
    asker.run("FROM twice_above")
    asker.run("CREATE OR REPLACE VIEW over_a AS SELECT 3 AS total")

    assert asker.run("FROM twice_above") == ([(1, 3)], False)
    assert asker.run("FROM twice_above") == ([(1, 3)], True)


def test_who_sees_a_part_of_a_view_is_answered_from_its_own_memory(asker: Asker) -> None:
    part = (sight("twice_above", "n > 1"),)
    asker.run("SELECT count(*) FROM twice_above")
    first = asker.run("SELECT count(*) FROM twice_above", sees=part)
    again = asker.run("SELECT count(*) FROM twice_above", sees=part)
    asker.run('INSERT INTO "odd as one".near VALUES (7)')

    assert (first, again) == (([(0,)], False), ([(0,)], True))
    assert asker.run("SELECT count(*) FROM twice_above", sees=part) == ([(1,)], False)


def test_parameters_of_other_values_and_types_are_other_queries(asker: Asker) -> None:
    asker.run("SELECT $1", 1)

    assert asker.run("SELECT $1", 1) == ([(1,)], True)
    assert asker.run("SELECT $1", True) == ([(True,)], False)
    assert asker.run("SELECT $1", 1.0) == ([(1.0,)], False)
    assert asker.run("SELECT $1", "1") == ([("1",)], False)


def test_a_trigger_makes_every_write_a_write_to_every_table(asker: Asker) -> None:
    asker.run("CREATE TRIGGER copies AFTER INSERT ON a FOR EACH STATEMENT INSERT INTO sink VALUES (1, 1)")
    asker.run("SELECT count(*) FROM sink")
    asker.run("INSERT INTO a VALUES (9, 9)")

    assert asker.run("SELECT count(*) FROM sink") == ([(1,)], False)


def test_one_principals_answer_is_not_anothers(tmp_path: Path, cache: ResultCache) -> None:
    warehouse = Warehouse(tmp_path / "w.duckdb")
    asker = Asker(warehouse, cache)
    sql = "SELECT count(*), min(ssn) FROM customers"

    everything = asker.run(sql)
    part = asker.run(sql, sees=ANALYST)
    warehouse.close()

    assert everything[0][0][0] == 40
    assert part == ([(20, "***")], False)


def test_twins_run_once_and_the_end_of_one_who_waits_harms_nobody(asker: Asker) -> None:
    sql = "SELECT count(*) FROM range(40000000) t(i) WHERE (i * 7) % 13 = 5"
    found: list[tuple[list[tuple[Any, ...]], bool]] = []
    refused: list[ErrorCode] = []

    def ask(seconds: float) -> None:
        try:
            found.append(asker.run(sql, call=Call(time.monotonic() + seconds)))
        except QueryRefused as refusal:
            refused.append(refusal.code)

    threads = [threading.Thread(target=ask, args=(20,)) for _ in range(4)]
    threads.append(threading.Thread(target=ask, args=(0.001,)))
    for thread in threads:
        thread.start()
        time.sleep(0.002)
    for thread in threads:
        thread.join()

    assert refused == [ErrorCode.QUERY_TIMEOUT]
    assert len({rows[0] for rows, _ in found}) == 1
    assert [remembered for _, remembered in found].count(False) == 1


def test_too_large_an_answer_is_not_kept_and_entries_expire(asker: Asker) -> None:
    small = ResultCache(entries=100, most_bytes=4096, ttl_s=0.05)
    large_asker = Asker(asker.warehouse, small)
    large_asker.run("SELECT i FROM range(100000) t(i)")
    large_asker.run(TOTALS)
    time.sleep(0.06)

    assert small.entries == 1
    assert large_asker.run(TOTALS)[1] is False


def test_a_large_answer_is_kept_from_the_second_time_on(asker: Asker) -> None:
    roomy = Asker(asker.warehouse, ResultCache(entries=10, most_bytes=1 << 28, ttl_s=60))
    sql = "SELECT i, i + 1 AS j FROM range(1500000) t(i)"

    assert [roomy.run(sql)[1] for _ in range(3)] == [False, False, True]


def test_what_memory_has_no_room_for_comes_back_from_disk(asker: Asker, tmp_path: Path) -> None:
    disk = DiskCache(tmp_path / "spill", most_bytes=1 << 20, ttl_s=60)
    cache = ResultCache(entries=2, most_bytes=1 << 20, ttl_s=60, disk=disk)
    spilling = Asker(asker.warehouse, cache)
    for number in range(6):
        spilling.run(f"SELECT v + {number} FROM a ORDER BY v")
    deadline = time.monotonic() + 5
    while len(list((tmp_path / "spill").iterdir())) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)

    rows, remembered = spilling.run("SELECT v + 0 FROM a ORDER BY v")
    cache.close()

    assert remembered
    assert rows == [(0,), (10,), (20,), (30,), (40,)]
    assert not (tmp_path / "spill").exists()


_READS = (
    "SELECT total FROM over_a",
    "SELECT sum(v) FROM a",
    "SELECT sum(w) FROM b",
    "SELECT count(*), sum(a.v + b.w) FROM a JOIN b USING (id)",
)
_WRITES = (
    "INSERT INTO a VALUES (1, 7)",
    "UPDATE b SET w = w + 1 WHERE id = 2",
    "DELETE FROM a WHERE v = 7",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(_READS + _WRITES)), max_size=25))
def test_a_remembered_read_equals_one_that_is_not_at_all_times(
    shared: Asker, steps: list[tuple[int, str]]
) -> None:
    sessions = [shared.warehouse.engine.open_session() for _ in range(3)]
    try:
        for number, sql in steps:
            try:
                remembered = shared.run(sql, session=sessions[number])[0]
            except QueryRefused:
                continue
            if sql in _READS:
                again = shared.warehouse.rows(sql, session=sessions[number])

                assert remembered == again
    finally:
        for session in sessions:
            session.close()

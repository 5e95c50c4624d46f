"""A query runs where its tables are; one over several engines runs here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from flight_server.engines.duckdb_engine import DuckDBEngine
from flight_server.engines.routing import RoutedEngine
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind, TableName
from flight_server.steps.transpile import Plan
from flight_server.syntax.parser import Parser
from flight_server.syntax.row_writes import Check
from flight_server.watcher import Call
from tests.fixtures.remote_engine import FarEngine


@pytest.fixture
def routed(near: DuckDBEngine, far_engine: FarEngine) -> Iterator[RoutedEngine]:
    """The embedded engine and `far` as one."""
    with closing(Parser()) as parser:
        yield RoutedEngine(near, [far_engine()], parser)


def _plan(routed: RoutedEngine, sql: str) -> Plan:
    far, here = f'{routed.shadow}."far.main"', f"{routed.local.catalog}.main"
    return Plan(
        Kind.READ,
        "SELECT",
        sql.replace("{far}", far).replace("{here}", here),
        None,
        0,
        False,
        (),
        (),
        (),
        None,
    )


def _rows(routed: RoutedEngine, plan: Plan) -> list[dict[str, object]]:
    session = routed.open_session()
    execution = session.execute(plan, (), Call(time.monotonic() + 30), 0)
    found = [row for batch in execution.batches() for row in batch.to_pylist()]
    execution.close()
    session.close()
    return found


def _made(routed: RoutedEngine, sql: str) -> None:
    plan = replace(_plan(routed, sql), kind=Kind.DEFINE, verb="CREATE")
    with closing(routed.local.open_session()) as session:
        session.execute(plan, (), Call(time.monotonic() + 30), 0).close()


def test_the_catalog_shows_the_tables_of_all_engines(routed: RoutedEngine) -> None:
    _made(routed, "CREATE TABLE near_by (k INTEGER)")
    tables, schemas = routed.load_catalog()

    found = {TableName(table.schema, table.name): table.engine for table in tables}
    assert found[TableName("main", "near_by")] == ""
    assert found[TableName("far.main", "orders")] == "far"
    assert "far.main" in schemas


def test_a_query_over_one_remote_engine_runs_there_with_the_types_promised_here(routed: RoutedEngine) -> None:
    plan = _plan(routed, "SELECT count_star() AS n, sum(length(status)) AS s FROM {far}.orders")
    session = routed.open_session()
    promised = session.describe(plan, (), 0)
    execution = session.execute(plan, (), Call(time.monotonic() + 30), 0)

    assert routed.runs(plan) == "far"
    assert execution.schema.equals(promised)
    execution.close()
    session.close()


def test_a_query_over_both_runs_here_and_reads_a_remote_table_as_often_as_it_likes(
    routed: RoutedEngine,
) -> None:
    _made(routed, "CREATE TABLE wanted AS SELECT 'cust-123' AS customer_id")
    plan = _plan(
        routed,
        "WITH o AS (SELECT customer_id, total FROM {far}.orders) SELECT count_star() AS n, "
        "(SELECT count_star() FROM o) AS everything FROM (o INNER JOIN {here}.wanted USING (customer_id))",
    )
    alone = _plan(routed, "SELECT count_star() AS n FROM {far}.orders WHERE (customer_id = 'cust-123')")

    assert routed.runs(plan) == "duckdb"
    assert _rows(routed, plan) == [{"n": _rows(routed, alone)[0]["n"], "everything": 120_000}]


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.DEFINE])
def test_whatever_is_no_query_never_reaches_the_shadow(routed: RoutedEngine, kind: Kind) -> None:
    plan = replace(
        _plan(routed, "INSERT INTO {far}.orders SELECT * FROM {far}.orders"), kind=kind, verb="INSERT"
    )

    with pytest.raises(QueryRefused, match="can be read by queries"):
        _rows(routed, plan)


def test_a_description_of_a_shadow_is_no_answer_about_the_remote_table(routed: RoutedEngine) -> None:
    for sql in ("SUMMARIZE {far}.orders", "SELECT * FROM (DESCRIBE {far}.orders)"):
        with pytest.raises(QueryRefused):
            _rows(routed, _plan(routed, sql))


def test_a_write_that_is_held_to_a_filter_over_a_remote_table_is_refused(routed: RoutedEngine) -> None:
    _made(routed, "CREATE TABLE held (k INTEGER)")
    check = Check("SELECT -1", f'SELECT count(*) FROM {routed.shadow}."far.main".orders WHERE $1 < 0')
    plan = replace(
        _plan(routed, "INSERT INTO {here}.held VALUES (1)"), kind=Kind.WRITE, verb="INSERT", check=check
    )

    with pytest.raises(QueryRefused, match="can be read by queries"):
        _rows(routed, plan)
    assert _rows(routed, _plan(routed, "SELECT count_star() AS n FROM {here}.held")) == [{"n": 0}]


@pytest.mark.parametrize("hides", [False, True])
def test_what_the_binder_refuses_over_the_shadow_is_an_error_of_the_query(
    routed: RoutedEngine, hides: bool
) -> None:
    plan = replace(_plan(routed, "SELECT nope FROM {far}.orders"), hides=hides)

    with pytest.raises(QueryRefused) as caught:
        _rows(routed, plan)
    assert caught.value.code is ErrorCode.QUERY_ERROR
    assert ("nope" in caught.value.message) is not hides


def test_a_schema_that_has_an_engines_name_is_hidden(routed: RoutedEngine) -> None:
    _made(routed, "CREATE SCHEMA far")
    _made(routed, "CREATE TABLE far.trap (k INTEGER)")
    tables, schemas = routed.load_catalog()

    assert not [table for table in tables if table.name == "trap"]
    assert "far" not in schemas

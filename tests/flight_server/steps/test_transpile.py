"""Step 8: the printed text means what the caller wrote, and the referee lets nothing else pass."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind
from flight_server.steps.restrict_rows import Restricted
from flight_server.steps.transpile import Plan, transpile
from flight_server.syntax.parser import Node, only_statement, write_body
from tests.fixtures.warehouse import ANALYST, Sees, Warehouse, rows_of, sight

TABLES = """
CREATE TABLE orders AS SELECT i AS order_id, (i % 10)::INTEGER AS customer_id,
    (i * 1.5)::DECIMAL(18, 2) AS total, 'open' AS status, TIMESTAMP '2024-01-01' + to_hours(i) AS created_at
FROM range(100) t(i);
CREATE TABLE customers AS SELECT i::INTEGER AS customer_id, 'n' || i AS name, 's' || i AS ssn, 'EU' AS region,
    [i, i + 1, 3]::INTEGER[] AS l, {'a': i::INTEGER, 'b': 'x'} AS s, MAP {'k': i::INTEGER} AS m,
    '{"a": 1}'::JSON AS v
FROM range(10) t(i);
"""
TEXT = Path(__file__).with_name("duckdb_only.sql").read_text(encoding="utf-8")
STATEMENTS = [line for line in TEXT.splitlines() if line and not line.startswith("--")]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, duckdb.DuckDBPyConnection]]:
    """The same tables behind the pipeline's steps and in a plain DuckDB."""
    own = Warehouse(tmp_path_factory.mktemp("twin") / "own.duckdb", TABLES)
    with closing(own), duckdb.connect() as plain:
        plain.execute("ATTACH ':memory:' AS hatidata")
        plain.execute("USE hatidata")
        plain.execute(TABLES)
        yield own, plain


Result = tuple[list[str], list[str]] | str


def straight(plain: duckdb.DuckDBPyConnection, sql: str) -> Result:
    try:
        cursor = plain.execute(sql)
        names = [str(column[0]) for column in cursor.description or ()]
        return names, sorted(repr(_plain(row)) for row in cursor.fetchall())
    except duckdb.Error:
        return "refused"


def through(warehouse: Warehouse, sql: str) -> Result:
    try:
        table = warehouse.ask(sql)
    except QueryRefused as refused:
        is_engines = refused.code in (ErrorCode.QUERY_ERROR, ErrorCode.QUERY_PARSE_ERROR)
        return "refused" if is_engines else str(refused)
    return table.schema.names, sorted(repr(_plain(row)) for row in rows_of(table))


def _plain(value: object) -> object:
    """Return a value in the one form that DuckDB's and Arrow's Python values have in common."""
    if type(value).__name__ in ("MonthDayNano", "timedelta"):
        return "interval"
    if isinstance(value, dict):
        pairs = [[key, _plain(item)] for key, item in value.items()]
        return [pair[1] if str(pair[0]).startswith("element") else pair for pair in pairs]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral() else value
    return str(value) if type(value).__name__ in ("UUID", "datetime", "Timestamp") else value


@pytest.mark.parametrize("sql", STATEMENTS)
def test_what_only_duckdb_reads_means_the_same_through_the_steps(
    twin: tuple[Warehouse, duckdb.DuckDBPyConnection], sql: str
) -> None:
    warehouse, plain = twin

    assert through(warehouse, sql) == straight(plain, sql)


def test_nearly_all_of_these_statements_are_answered(
    twin: tuple[Warehouse, duckdb.DuckDBPyConnection],
) -> None:
    refused = [sql for sql in STATEMENTS if through(twin[0], sql) == "refused"]

    assert len(refused) <= 6, refused


def tampered(warehouse: Warehouse, sql: str, sees: Sees) -> tuple[Restricted, Node]:
    """Return a restricted query whose tree a test may still change, and its root."""
    restricted = warehouse.restrict(sql, sees)
    assert restricted.tree is not None
    if restricted.statement.kind is Kind.WRITE and not restricted.write:
        return restricted, write_body(restricted.tree)
    return restricted, only_statement(restricted.tree)["node"]


def printed(warehouse: Warehouse, restricted: Restricted) -> Plan:
    return transpile(restricted, warehouse.parser, warehouse.catalog.snapshot(), warehouse.sealed)


@pytest.mark.parametrize(
    "path",
    [
        ["customers"],
        ["main", "customers"],
        ["memory", "main", "customers"],
        ["system", "main", "duckdb_tables"],
        ["system", "information_schema", "tables"],
    ],
)
def test_a_table_that_was_not_put_there_is_refused(warehouse: Warehouse, path: list[str]) -> None:
    restricted, root = tampered(warehouse, "SELECT order_id FROM orders", ANALYST)
    stranger = only_statement(json.loads(warehouse.parser.parse_read("FROM t")))["node"]["from_table"]
    stranger["qualified_name"]["path"] = path
    root["from_table"] = stranger

    with pytest.raises(QueryRefused) as refused:
        printed(warehouse, restricted)

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert path[-1] not in refused.value.message


def test_a_write_that_was_not_put_there_is_refused(warehouse: Warehouse) -> None:
    restricted, root = tampered(warehouse, "SELECT order_id FROM orders", ANALYST)
    text = f"WITH c AS (DELETE FROM {warehouse.engine.catalog}.main.orders RETURNING *) SELECT 1"
    root.update(only_statement(json.loads(warehouse.parser.parse_read(text)))["node"])

    with pytest.raises(QueryRefused) as refused:
        printed(warehouse, restricted)

    assert refused.value.code is ErrorCode.POLICY_DENIED


def test_a_text_that_breaks_out_of_its_literal_is_refused(warehouse: Warehouse) -> None:
    restricted, root = tampered(warehouse, "SELECT 'x' FROM orders", ANALYST)
    root["select_list"][0] = {**root["select_list"][0], "alias": "a\0b"}

    try:
        plan = printed(warehouse, restricted)
    except QueryRefused:
        return
    assert "\0" not in plan.sql


def test_the_binder_refuses_a_plan_that_reads_more_than_it_says(warehouse: Warehouse) -> None:
    plan = warehouse.plan("SELECT order_id FROM orders", ANALYST)
    wider = dataclasses.replace(plan, sql=f"SELECT employee FROM {warehouse.engine.catalog}.main.salary_data")

    with pytest.raises(QueryRefused) as refused:
        warehouse.engine.referee(wider, (), 1)

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert "salary_data" in refused.value.detail
    assert "salary_data" not in refused.value.message


def test_the_binder_sees_through_a_view(warehouse: Warehouse) -> None:
    plan = warehouse.plan("SELECT order_id FROM orders", (sight("orders", "total > 0"),))
    through_view = dataclasses.replace(plan, sql=f"SELECT ssn FROM {warehouse.engine.catalog}.main.europeans")

    with pytest.raises(QueryRefused) as refused:
        warehouse.engine.referee(through_view, (), 1)

    assert "customers" in refused.value.detail


def test_a_plan_says_what_it_may_read(warehouse: Warehouse) -> None:
    plan = warehouse.plan("SELECT o.order_id FROM orders o JOIN customers c USING (customer_id)", ANALYST)

    assert {str(name) for name in plan.expected} == {"main.orders", "main.customers"}
    assert plan.hides
    assert plan.parameters == 0


def test_a_plan_of_those_who_administer_hides_nothing(warehouse: Warehouse) -> None:
    plan = warehouse.plan("SELECT $1, order_id FROM orders")

    assert (plan.hides, plan.expected, plan.parameters, plan.masked) == (False, frozenset(), 1, ())


@pytest.mark.parametrize(
    ("sql", "asks"),
    [
        ("SELECT now()", True),
        ("SELECT current_date", True),
        ("SELECT order_id FROM orders WHERE created_at > current_timestamp", True),
        ("SELECT age(created_at) FROM orders", True),
        ("SELECT count(*) FROM europeans", True),
        ("SELECT count(*) FROM orders", False),
        ("SELECT strftime(created_at, '%Y') FROM orders", False),
    ],
)
def test_a_plan_says_whether_it_asks_for_the_time(warehouse: Warehouse, sql: str, asks: bool) -> None:
    assert warehouse.plan(sql).reads_clock is asks

"""SHOW and DESCRIBE in Snowflake's words: the shape, the choice, and nothing that is closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Dialect
from flight_server.steps.show import snowflake_type
from tests.fixtures.warehouse_desk import Desk


def ask(
    desk: Desk, sql: str, role: str = "analyst", dialect: Dialect = "snowflake", before: str = ""
) -> list[dict[str, Any]]:
    """Ask in Snowflake's words, in a session in which the administrators' *before* was run."""
    rows: list[dict[str, Any]] = []
    with closing(desk.warehouse.engine.open_session()) as session:
        for text in filter(None, (before, sql)):
            query = dataclasses.replace(desk.query(text, role=role), dialect=dialect)
            with closing(desk.pipeline.run(query, session)) as answer:
                rows = [row for batch in answer.batches() for row in batch.to_pylist()]
    return rows


def names(desk: Desk, sql: str, role: str = "analyst", before: str = "") -> list[str]:
    return [row["name"] for row in ask(desk, sql, role, before=before)]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SHOW TABLES", ["ledger", "customers", "orders", "salary_data"]),
        ("SHOW TERSE TABLES LIKE '%ER%'", ["ledger", "customers", "orders"]),
        ("SHOW TABLES LIKE 'order_'", ["orders"]),
        ("SHOW TABLES LIKE 'order'", []),
        ("SHOW TABLES IN SCHEMA finance", ["ledger"]),
        ("SHOW TABLES IN hatidata.main STARTS WITH 'c'", ["customers"]),
        ("SHOW TABLES IN SCHEMA", ["customers", "orders", "salary_data"]),
        ("SHOW TABLES IN ACCOUNT LIMIT 2", ["ledger", "customers"]),
        ("SHOW TABLES IN DATABASE hatidata LIMIT 1 FROM 'ledger'", ["orders"]),
        ("SHOW VIEWS", ["europeans"]),
        ("SHOW OBJECTS IN SCHEMA main", ["customers", "europeans", "orders", "salary_data"]),
        ("SHOW SCHEMAS", ["finance", "main"]),
        ("SHOW SCHEMAS LIKE 'fin%' IN DATABASE hatidata", ["finance"]),
        ("SHOW DATABASES", ["hatidata"]),
        ("-- a comment\nSHOW TABLES LIKE 'ledger'", ["ledger"]),
    ],
)
def test_who_sees_everything_is_shown_everything(desk: Desk, sql: str, found: list[str]) -> None:
    assert names(desk, sql, "admin") == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SHOW TABLES", ["customers", "orders"]),
        ("SHOW OBJECTS", ["customers", "orders"]),
        ("SHOW VIEWS", []),
        ("SHOW SCHEMAS", ["main"]),
    ],
)
def test_an_analyst_is_shown_what_it_may_see(desk: Desk, sql: str, found: list[str]) -> None:
    assert names(desk, sql) == found


def test_the_columns_are_snowflakes_and_tell_of_no_rows(desk: Desk) -> None:
    (row,) = ask(desk, "SHOW TABLES LIKE 'orders'")
    (terse,) = ask(desk, "SHOW TERSE TABLES LIKE 'orders'")

    assert list(terse) == ["created_on", "name", "kind", "database_name", "schema_name"]
    assert row["name"] == "orders"
    assert (row["database_name"], row["schema_name"], row["kind"]) == ("hatidata", "main", "TABLE")
    assert row["rows"] is row["bytes"] is row["owner"] is None


@pytest.mark.parametrize(
    "sql", ["DESC TABLE orders", "DESCRIBE TABLE main.orders TYPE = COLUMNS", "DESC orders"]
)
def test_a_table_is_described_with_snowflakes_types(desk: Desk, sql: str) -> None:
    rows = ask(desk, sql)

    assert [(row["name"], row["type"], row["kind"], row["null?"]) for row in rows] == [
        ("order_id", "NUMBER(38,0)", "COLUMN", "Y"),
        ("customer_id", "NUMBER(38,0)", "COLUMN", "Y"),
        ("total", "NUMBER(18,2)", "COLUMN", "Y"),
        ("status", "VARCHAR(16777216)", "COLUMN", "Y"),
        ("created_at", "TIMESTAMP_NTZ(6)", "COLUMN", "Y"),
    ]


def test_a_masked_column_is_shown_as_text(own_desk: Callable[..., Desk]) -> None:
    desk = own_desk()
    desk.warehouse.rows("ALTER TABLE customers ALTER COLUMN ssn SET DEFAULT 'secret'")
    desk.warehouse.rows("ALTER TABLE customers ALTER COLUMN code SET DEFAULT 'known'")
    desk.warehouse.catalog.changed()
    seen = {row["name"]: row for row in ask(desk, "DESC TABLE customers")}
    whole = {row["name"]: row for row in ask(desk, "DESC TABLE customers", "admin")}

    assert seen["ssn"]["default"] is seen["code"]["default"] is None
    assert whole["ssn"]["default"] == "'secret'"
    assert seen["ssn"]["type"] == "VARCHAR(16777216)"
    assert seen["customer_id"]["type"] == "NUMBER(38,0)"


def test_columns_are_shown_of_one_table_or_of_all(desk: Desk) -> None:
    one = ask(desk, "SHOW COLUMNS LIKE '%id' IN TABLE orders")
    every = ask(desk, "SHOW COLUMNS LIKE 'customer_id'")

    assert [(row["table_name"], row["column_name"]) for row in one] == [
        ("orders", "order_id"),
        ("orders", "customer_id"),
    ]
    assert one[0]["data_type"] == '{"type": "NUMBER(38,0)", "nullable": true}'
    assert [row["table_name"] for row in every] == ["customers", "orders"]


@pytest.mark.parametrize("sql", ["DESC TABLE {}", "SHOW COLUMNS IN TABLE {}", "DESCRIBE VIEW {}"])
def test_a_closed_table_is_described_like_one_that_is_not_there(desk: Desk, sql: str) -> None:
    answers = set()
    for table in ("salary_data", "missing"):
        with pytest.raises(QueryRefused) as refused:
            ask(desk, sql.format(table))
        answers.add((refused.value.code, refused.value.message.replace(table, "x")))

    assert answers == {
        (ErrorCode.POLICY_DENIED, "Agent 'analyst' is not permitted to access table 'x'"),
    }


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES IN SCHEMA {}", "SHOW VIEWS IN DATABASE {}", "SHOW COLUMNS IN SCHEMA {}"]
)
def test_a_closed_place_is_refused_like_one_that_is_not_there(desk: Desk, sql: str) -> None:
    answers = set()
    for place in ("finance", "nowhere"):
        with pytest.raises(QueryRefused) as refused:
            ask(desk, sql.format(place))
        answers.add((refused.value.code, refused.value.message.replace(place, "x")))
    with pytest.raises(QueryRefused, match="'nowhere' does not exist") as missing:
        ask(desk, sql.format("nowhere"), "admin")

    assert {code for code, _ in answers} == {ErrorCode.POLICY_DENIED}
    assert len(answers) == 1
    assert missing.value.code is ErrorCode.QUERY_ERROR


def test_who_sees_everything_is_told_that_a_table_is_not_there(desk: Desk) -> None:
    with pytest.raises(QueryRefused, match="'missing' does not exist") as refused:
        ask(desk, "DESC TABLE missing", "admin")

    assert refused.value.code is ErrorCode.QUERY_ERROR


def test_a_sessions_own_tables_are_shown_to_it(desk: Desk) -> None:
    made = "CREATE TEMPORARY TABLE own (a NUMBER(5, 1) NOT NULL, v VARIANT)"
    (row,) = ask(desk, "SHOW TABLES LIKE 'own'", "admin", before=made)
    columns = ask(desk, "DESC TABLE own", "admin", before=made)

    assert (row["kind"], row["schema_name"]) == ("TEMPORARY", "main")
    assert [(column["name"], column["type"], column["null?"]) for column in columns] == [
        ("a", "NUMBER(5,1)", "N"),
        ("v", "VARIANT", "Y"),
    ]
    assert names(desk, "SHOW TABLES LIKE 'own'", "admin") == []


def test_auto_takes_what_duckdb_cannot_read_for_snowflakes(desk: Desk) -> None:
    snowflakes = ask(desk, "SHOW TABLES LIKE 'ord%'", "admin", "auto")
    duckdbs = ask(desk, "SHOW TABLES", "admin", "auto")

    assert "created_on" in snowflakes[0]
    assert list(duckdbs[0]) == ["name"]


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW WAREHOUSES",
        "SHOW USERS",
        "SHOW TABLES HISTORY",
        "SHOW PRIMARY KEYS IN TABLE orders",
        "SHOW ROLES",
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(desk: Desk, sql: str) -> None:
    with pytest.raises(QueryRefused, match=r"SHOW.* is not supported"):
        ask(desk, sql, "admin")


def test_the_audit_log_has_the_text_that_was_sent(desk: Desk) -> None:
    ask(desk, "SHOW TABLES LIKE 'orders'")

    assert [record["sql"] for record in desk.records() if record.get("sql")][:1] == [
        "SHOW TABLES LIKE 'orders'"
    ]


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("DECIMAL(9,2)", "NUMBER(9,2)"),
        ("JSON", "VARIANT"),
        ("UUID", "VARCHAR(16777216)"),
        ("INTEGER[]", "INTEGER[]"),
    ],
)
def test_types_have_snowflakes_names(kind: str, named: str) -> None:
    assert snowflake_type(kind) == named

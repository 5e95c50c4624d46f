"""Step 7: a query sees what its grant leaves of every table, in every clause, and nothing else."""

from __future__ import annotations

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from tests.fixtures.warehouse import (
    ANALYST,
    CUSTOMERS,
    FULL,
    HASH,
    NULL,
    ORDERS,
    PARTIAL,
    Sees,
    Warehouse,
    sight,
)


@pytest.mark.parametrize(
    ("sql", "sees", "masked", "late"),
    [
        ("SELECT ssn FROM customers", ANALYST, [0], [0]),
        ("SELECT code, ssn, name AS n FROM customers WHERE ssn = '***'", ANALYST, [1, 2], [1, 2]),
        ("SELECT c.ssn FROM customers c JOIN orders o ON c.customer_id = o.customer_id", ANALYST, [0], [0]),
        ("SELECT revenue FROM customers", ANALYST, [0], [0]),
        ("SELECT revenue FROM (FROM customers)", ANALYST, [0], [0]),
        ("SELECT ssn FROM (FROM customers)", ANALYST, [0], []),
        ("SELECT * FROM customers", ANALYST, [2, 3, 4, 6, 7, 8], [6]),
        ("SELECT ssn FROM customers GROUP BY ALL", ANALYST, [0], []),
        ("SELECT DISTINCT ssn FROM customers", ANALYST, [0], []),
        ("SELECT upper(ssn), ssn || 'x' FROM customers", ANALYST, [], []),
        ("SELECT ssn FROM customers UNION ALL SELECT ssn FROM customers", ANALYST, [0], []),
        ("SELECT ssn FROM customers UNION ALL SELECT code FROM customers", ANALYST, [], []),
        ("SELECT code FROM customers", ANALYST, [], []),
        ("SELECT ssn FROM customers", (sight("customers", "region = 'EU'"),), [], []),
        ("SELECT ssn FROM customers", None, [], []),
    ],
)
def test_an_output_is_masked_late_only_where_no_clause_can_reach_it(
    warehouse: Warehouse, sql: str, sees: Sees, masked: list[int], late: list[int]
) -> None:
    plan = warehouse.plan(sql, sees)

    assert [position for position, _ in plan.masked] == masked
    assert [position for position, _ in plan.late] == late


def test_only_the_columns_that_are_masked_late_are_carried(warehouse: Warehouse) -> None:
    text = warehouse.plan("SELECT ssn FROM customers WHERE name IS NOT NULL", ANALYST).sql

    assert f"__raw_{warehouse.engine.nonce}_ssn" in text
    assert f"__raw_{warehouse.engine.nonce}_name" not in text
    assert f"__raw_{warehouse.engine.nonce}" not in warehouse.plan("FROM customers", ANALYST).sql


def test_a_table_without_filter_or_mask_is_named_and_not_rewritten(warehouse: Warehouse) -> None:
    text = warehouse.plan("SELECT code FROM customers", (sight("customers"),)).sql

    assert text == f"SELECT code FROM {warehouse.engine.catalog}.main.customers"


def test_masks_alone_need_no_fence(warehouse: Warehouse) -> None:
    text = warehouse.plan("FROM customers", (sight("customers", ssn=FULL),)).sql

    assert "LIMIT" not in text
    assert "TRY" not in text


@pytest.mark.parametrize(
    "sql",
    [
        "EXPLAIN SELECT * FROM orders",
        "EXPLAIN ANALYZE SELECT * FROM orders",
        "DESCRIBE orders",
        "SUMMARIZE orders",
        "SELECT * FROM (DESCRIBE orders)",
        "SELECT * FROM orders AT (VERSION => 1)",
        "CREATE TABLE t AS FROM orders",
        "CREATE TEMP TABLE t AS FROM orders",
        "CREATE VIEW v AS FROM orders",
        "DROP TABLE orders",
        "ALTER TABLE orders ADD COLUMN i INTEGER",
        "PIVOT orders ON status USING count(*)",
        "COPY orders TO 'x.csv'",
        "TRUNCATE orders",
        "SELECT stats(total) FROM orders",
        "SELECT * FROM orders, duckdb_tables()",
        "SELECT * FROM orders, query('SELECT 1')",
        "SELECT * FROM salary_data",
        "SELECT * FROM nowhere",
        "SELECT * FROM europeans",
        "SELECT * FROM memory.main.orders",
        "SELECT * FROM information_schema.tables",
    ],
)
def test_forms_that_would_show_more_are_refused_to_the_restricted(warehouse: Warehouse, sql: str) -> None:
    grants = (CUSTOMERS, ORDERS, sight("t"), sight("v"))
    with pytest.raises(QueryRefused) as refused:
        warehouse.ask(sql, sees=grants)

    assert refused.value.code is ErrorCode.POLICY_DENIED


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ('SELECT ssn, SSN, c.Ssn AS "S n" FROM customers c', ["ssn", "SSN", "S n"]),
        ("SELECT (SELECT count(*) FROM orders) FROM customers", ["(SELECT count_star() FROM orders)"]),
        ("SELECT EXISTS (FROM orders) FROM customers", ["EXISTS(SELECT * FROM orders)"]),
        ("SELECT upper(ssn), code = '4' FROM customers", ["upper(ssn)", "(code = '4')"]),
        ("FROM orders", ["order_id", "customer_id", "total", "status", "created_at"]),
    ],
)
def test_outputs_have_the_names_that_the_query_gives_them(
    warehouse: Warehouse, sql: str, names: list[str]
) -> None:
    table = warehouse.ask(sql, sees=ANALYST)

    assert [name.replace('"', "") for name in table.schema.names] == names
    assert "sealed" not in str(table.schema)


def test_a_view_with_a_policy_of_its_own_is_filtered_and_masked_like_a_table(warehouse: Warehouse) -> None:
    sees = (sight("europeans", "customer_id < 5", ssn=PARTIAL),)

    assert warehouse.rows("SELECT customer_id, ssn FROM europeans", sees=sees) == [
        (2, "***0002"),
        (4, "***0004"),
    ]


def test_one_table_twice_is_restricted_twice(warehouse: Warehouse) -> None:
    sees = (sight("customers", "customer_id = 2 OR customer_id = 4", ssn=FULL),)
    sql = "SELECT a.ssn, b.ssn FROM customers a, customers b WHERE a.ssn = b.ssn"

    assert warehouse.rows(sql, sees=sees) == [("***", "***")] * 4


def test_each_mask_is_seen_in_its_own_column(warehouse: Warehouse) -> None:
    sees = (sight("customers", "customer_id = 2", ssn=FULL, email=PARTIAL, name=HASH, revenue=NULL),)

    assert warehouse.rows("SELECT revenue, name, email, ssn FROM customers", sees=sees) == [
        (None, None, "***.com", "***")
    ]


def test_session_functions_name_what_is_public(warehouse: Warehouse) -> None:
    """The engine itself would name the catalog in which the raw tables are sealed."""
    told = "SELECT current_database() AS d, CURRENT_CATALOG() AS c, current_schema(), current_agent_id()"
    answer = warehouse.ask(f"{told} FROM customers LIMIT 1")

    assert answer.schema.names == ["d", "c", "current_schema()", "current_agent_id()"]
    assert answer.to_pylist()[0] == {
        "d": "hatidata",
        "c": "hatidata",
        "current_schema()": "main",
        "current_agent_id()": "tester",
    }
    with pytest.raises(QueryRefused, match="not permitted"):
        warehouse.ask("SELECT current_database() FROM customers", sees=ANALYST)

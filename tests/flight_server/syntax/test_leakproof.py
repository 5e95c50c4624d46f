"""Predicates tested early change no result, and only those are that can neither fail nor tell."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight_server.model import Mask, MaskFunction
from tests.fixtures.warehouse import ANALYST, Warehouse, sight

FENCE = "LIMIT 9223372036854775807"
HALF = (sight("customers", "region = 'EU'", ssn=Mask(MaskFunction.FULL)), sight("orders", "total > 20"))


def fenced(warehouse: Warehouse, sql: str) -> str:
    """Return what stands inside of the fences of the printed query, joined."""
    text = warehouse.plan(sql, HALF).sql
    return " | ".join(piece.rsplit("WHERE", 1)[1] for piece in text.split(FENCE)[:-1])


@pytest.mark.parametrize(
    "predicate",
    [
        "customer_id = 4",
        "customer_id <= 4",
        "customer_id BETWEEN 2 AND 6",
        "customer_id IN (2, 4)",
        "code = '4'",
        "born >= '1970-01-05'",
        "customers.customer_id = 4",
        "main.customers.customer_id = 4",
        "revenue > 7000003",
        "customer_id = 4 AND upper(code) = '4'",
    ],
)
def test_a_comparison_with_a_literal_of_the_columns_type_goes_inside(
    warehouse: Warehouse, predicate: str
) -> None:
    column = predicate.split(maxsplit=1)[0].rsplit(".", maxsplit=1)[-1]
    inside = fenced(warehouse, f"SELECT count(*) FROM customers WHERE {predicate}")

    assert column in inside
    assert "upper" not in inside


@pytest.mark.parametrize(
    "predicate",
    [
        "ssn = '***'",
        "4 > customer_id",
        "ssn IN ('***')",
        "CAST(code AS INTEGER) = 4",
        "upper(code) = '4'",
        "customer_id + 1 = 4",
        "customer_id = revenue",
        "customer_id = $1",
        "customer_id = 4.5",
        "customer_id = 99999999999",
        "code = 4",
        "code LIKE '4%'",
        "customer_id = 4 OR code = '4'",
        "NOT customer_id = 4",
        "customer_id <> 4",
        "customer_id IS NULL",
        "customer_id IS DISTINCT FROM 4",
        "customer_id = NULL",
        "customer_id IN (SELECT 4)",
        "balance > 1",
    ],
)
def test_anything_else_stays_outside(warehouse: Warehouse, predicate: str) -> None:
    assert fenced(warehouse, f"SELECT count(*) FROM customers WHERE {predicate}").strip() == "(region = 'EU')"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 FROM orders o ASOF JOIN customers c ON order_id >= c.customer_id WHERE c.customer_id = 4",
        "SELECT count(*) FROM orders POSITIONAL JOIN customers c WHERE c.customer_id = 4",
        "SELECT count(*) FROM orders NATURAL JOIN customers WHERE revenue = 4",
        "SELECT count(*) FROM orders JOIN customers USING (customer_id) WHERE revenue = 4",
        "SELECT count(*) FROM customers c TABLESAMPLE 10% WHERE c.customer_id = 4",
        "SELECT count(*) FROM customers WHERE customer_id = 4 USING SAMPLE 3 ROWS",
        "SELECT count(*) FROM customers c(customer_id, i) WHERE i = 4",
        "SELECT count(*) FROM customers a, customers b WHERE customer_id = 4",
        "SELECT count(*) FROM customers, range(3) WHERE customer_id = 4",
        "SELECT count(*) FROM customers QUALIFY customer_id = 4",
        "SELECT count(*) FROM customers HAVING any_value(customer_id) = 4",
        "SELECT count(*) FILTER (customer_id = 4) FROM customers",
        "SELECT count(*) FROM customers c JOIN orders o ON c.customer_id = 4",
    ],
)
def test_a_query_that_counts_rows_before_the_predicate_is_left_alone(
    warehouse: Warehouse, query: str
) -> None:
    assert " = 4)" not in fenced(warehouse, query)


def test_a_predicate_of_a_subquery_goes_inside_of_its_own_table(warehouse: Warehouse) -> None:
    sql = "SELECT (SELECT count(*) FROM customers WHERE customer_id = 4) FROM orders WHERE order_id = 1005"
    inside = fenced(warehouse, sql).split("|")

    assert sum("customer_id = 4" in piece for piece in inside) == 1
    assert sum("order_id = 1005" in piece for piece in inside) == 1
    assert not any("customer_id = 4" in piece and "order_id = 1005" in piece for piece in inside)


NUMBERS = st.integers(-3, 45)
PREDICATES = st.one_of(
    st.tuples(
        st.sampled_from(["c.customer_id", "o.customer_id", "o.order_id - 1000"]),
        st.sampled_from(["=", "<", ">", "<=", ">="]),
        NUMBERS.map(str),
    ).map(" ".join),
    NUMBERS.map(lambda n: f"c.code = '{n}'"),
    st.tuples(NUMBERS, NUMBERS).map(lambda p: f"c.customer_id BETWEEN {p[0]} AND {p[1]}"),
    st.lists(NUMBERS, min_size=1, max_size=3).map(lambda ns: f"o.customer_id IN ({', '.join(map(str, ns))})"),
    st.dates(dt.date(1970, 1, 1), dt.date(1970, 2, 12)).map(lambda day: f"c.born >= '{day}'"),
)
JOINS = st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"])


@settings(max_examples=40)
@given(JOINS, st.lists(PREDICATES, min_size=1, max_size=3))
def test_the_result_is_the_same_with_and_without(
    warehouse: Warehouse, join: str, predicates: list[str]
) -> None:
    """A predicate under OR false is never moved, and means the same."""
    if join in ("SEMI JOIN", "ANTI JOIN"):
        predicates = [predicate for predicate in predicates if "c." not in predicate] or ["o.customer_id > 0"]
    query = (
        f"SELECT o.order_id, o.total FROM orders o {join} customers c ON o.customer_id = c.customer_id WHERE "
    )
    moved = query + " AND ".join(predicates) + " ORDER BY ALL"
    unmoved = query + " AND ".join(f"({predicate} OR false)" for predicate in predicates) + " ORDER BY ALL"
    sees = (*HALF,)

    assert warehouse.rows(moved, sees=sees) == warehouse.rows(unmoved, sees=sees)


def test_a_predicate_goes_inside_of_the_table_that_its_alias_names(warehouse: Warehouse) -> None:
    sql = (
        "SELECT a.customer_id, b.customer_id FROM customers a, customers b "
        "WHERE a.customer_id = {} AND b.customer_id = {}"
    )
    seen = [
        row[0] for row in warehouse.rows("SELECT customer_id FROM customers ORDER BY 1 LIMIT 2", sees=HALF)
    ]

    assert warehouse.rows(sql.format(*seen), sees=HALF) == [tuple(seen)]


def test_a_moved_predicate_reaches_the_scan(warehouse: Warehouse) -> None:
    """Which is what moving it is for: the raw scan itself tests it."""
    text = warehouse.plan("SELECT code FROM customers WHERE customer_id = 4", ANALYST).sql
    session = warehouse.engine.plain.borrow()
    try:
        plan = session.execute("EXPLAIN " + text).fetchall()[0][1]
    finally:
        warehouse.engine.plain.give_back(session)

    scan = plan[plan.index("Seq Scan") :] if "Seq Scan" in plan else plan.lower()
    assert "customer_id" in scan
    assert "customer_id=4" in scan.replace(" ", "")

"""Step 7: a query sees what its grant leaves of every table, in every clause, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight_server.errors import ErrorCode, QueryRefused
from tests.fixtures.warehouse import (
    ANALYST,
    CUSTOMERS,
    FULL,
    HASH,
    NULL,
    ORDERS,
    PARTIAL,
    SETUP,
    Sees,
    Warehouse,
    sight,
)

# The analyst's view of the tables, written down a second time and without the code under test.
COPY = """
CREATE TABLE orders AS FROM raw.orders
    WHERE customer_id IN (SELECT customer_id FROM raw.customers WHERE region = 'EU');
CREATE TABLE customers AS SELECT customer_id, code, sha256(name) AS name, '***' || right(email, 4) AS email,
    CASE WHEN ssn IS NOT NULL THEN '***' END AS ssn, region, NULL::DOUBLE AS revenue,
    sha256(balance::VARCHAR) AS balance, '***' || right(born::VARCHAR, 4) AS born
FROM raw.customers WHERE region = 'EU';
"""


@pytest.fixture(scope="module")
def sealed_copy() -> Iterator[duckdb.DuckDBPyConnection]:
    """A plain DuckDB that holds only what the analyst may see."""
    with duckdb.connect() as plain:
        plain.execute("ATTACH ':memory:' AS raw")
        plain.execute("USE raw")
        plain.execute(SETUP)
        plain.execute("ATTACH ':memory:' AS hatidata")
        plain.execute("USE hatidata")
        plain.execute(COPY)
        plain.execute("DETACH raw")
        yield plain


def seen(warehouse: Warehouse, sql: str) -> list[str] | str:
    try:
        return sorted(map(repr, warehouse.rows(sql, sees=ANALYST)))
    except QueryRefused as refused:
        return f"leak: {refused.message}" if "HIDDEN" in refused.message else str(refused.code)


def should_see(copy: duckdb.DuckDBPyConnection, sql: str) -> list[str] | str:
    try:
        return sorted(repr(row) for row in copy.execute(sql).fetchall())
    except duckdb.Error:
        return "QUERY_ERROR"


CUSTOMER = ("customer_id", "code", "name", "email", "ssn", "region", "revenue", "balance", "born")
ORDER = ("order_id", "customer_id", "total", "status", "created_at")
COLUMNS = st.sampled_from([f"c.{name}" for name in CUSTOMER] + [f"o.{name}" for name in ORDER])
EXPRESSIONS = st.one_of(
    COLUMNS,
    COLUMNS.map("CAST({} AS VARCHAR)".format),
    COLUMNS.map("length(CAST({} AS VARCHAR))".format),
    COLUMNS.map("CAST(CAST({} AS VARCHAR) AS INTEGER)".format),
    COLUMNS.map("{} IS NULL".format),
    COLUMNS.map("upper(CAST({} AS VARCHAR))".format),
    st.tuples(COLUMNS, COLUMNS).map(lambda pair: f"concat({pair[0]}, {pair[1]})"),
    st.tuples(COLUMNS, COLUMNS).map(lambda pair: f"coalesce({pair[0]}::VARCHAR, {pair[1]}::VARCHAR)"),
    st.sampled_from(
        ["c", "o", "c::VARCHAR", "(SELECT max(ssn) FROM customers)", "(SELECT count(*) FROM orders)"]
    ),
)
PREDICATES = st.one_of(
    EXPRESSIONS.map("CAST({} AS VARCHAR) LIKE '%HIDDEN%'".format),
    COLUMNS.map("CAST({} AS VARCHAR) >= '5'".format),
    COLUMNS.map("CAST(CAST({} AS VARCHAR) AS DOUBLE) > 3".format),
    st.sampled_from(
        [
            "c.customer_id = 4",
            "c.ssn = '***'",
            "o.status <> 'open'",
            "c.revenue > 1",
            "c.region <> 'EU'",
            "EXISTS (SELECT 1 FROM orders x WHERE x.status LIKE 'H%')",
            "o.total > 100 AND c.code = '6'",
        ]
    ),
)
JOINS = st.sampled_from(
    [
        "customers c JOIN orders o ON c.customer_id = o.customer_id",
        "customers c JOIN orders o USING (customer_id)",
        "customers c LEFT JOIN orders o ON c.ssn = o.status",
        "customers c NATURAL JOIN orders o",
        "customers c FULL JOIN orders o ON c.customer_id = o.order_id - 1000",
        "(FROM customers) c, (SELECT * FROM orders WHERE total < 50) o",
        "customers c, LATERAL (SELECT * FROM orders x WHERE x.customer_id = c.customer_id) o",
    ]
)
SHAPES = st.sampled_from(
    [
        "SELECT {a}, {b} FROM {join} WHERE {p}",
        "SELECT DISTINCT {a} FROM {join} WHERE {p}",
        "SELECT {a}, count(*) FROM {join} WHERE {p} GROUP BY {a}",
        "SELECT {a} AS k FROM {join} GROUP BY ALL",
        "SELECT max({a}), min({b}), count(DISTINCT {a}) FROM {join}",
        "SELECT {a} FROM {join} WHERE {p} UNION SELECT {b} FROM {join}",
        "SELECT x FROM (SELECT {a} AS x, row_number() OVER (PARTITION BY {a}) AS n FROM {join}) WHERE n = 1",
        "WITH t AS (SELECT {a} AS x FROM {join} WHERE {p}) SELECT x, count(*) FROM t GROUP BY x",
        "WITH t AS MATERIALIZED (SELECT {a} AS x FROM {join}) SELECT count(*) FROM t WHERE x::VARCHAR > '5'",
        "SELECT count(*) FROM {join} WHERE {p} AND ({a}) IS NOT NULL",
        "SELECT count(*) FROM (SELECT * FROM {join} WHERE {p})",
        "SELECT count(*) FROM {join} GROUP BY {a} HAVING max({b}) IS NOT NULL",
        "SELECT list(DISTINCT {a} ORDER BY {a}) FROM {join} WHERE {p}",
        "SELECT {a} FROM {join} QUALIFY rank() OVER (ORDER BY {a}) = 1",
    ]
)


@settings(max_examples=150)
@given(SHAPES, EXPRESSIONS, EXPRESSIONS, PREDICATES, JOINS)
def test_a_restricted_query_answers_as_if_the_rest_did_not_exist(
    warehouse: Warehouse,
    sealed_copy: duckdb.DuckDBPyConnection,
    shape: str,
    a: str,
    b: str,
    p: str,
    join: str,
) -> None:
    """The whole of non-interference: no row, value, count, order or error of what is hidden."""
    sql = shape.format(a=a, b=b, p=p, join=join)
    result = seen(warehouse, sql)

    expected = should_see(sealed_copy, sql)

    assert "HIDDEN" not in str(result)
    if expected == "QUERY_ERROR" != result:  # which operand comes first, and so the cast that fails, is open
        expected = should_see(sealed_copy, sql.replace("CAST(CAST(", "TRY_CAST(CAST("))
    assert result == expected


@pytest.mark.parametrize(
    "sql",
    [
        "FROM customers",
        "SELECT * EXCLUDE (ssn) FROM customers",
        "SELECT * REPLACE (upper(ssn) AS ssn) FROM customers",
        "SELECT * RENAME (ssn AS s) FROM customers",
        "SELECT COLUMNS('.*n') FROM customers",
        "SELECT COLUMNS(lambda c: c LIKE 's%') FROM customers",
        "SELECT struct_pack(*COLUMNS(['ssn', 'code'])) FROM customers",
        "SELECT c FROM customers c",
        "SELECT c.* FROM customers AS c",
        "SELECT customers FROM customers",
        "SELECT unnest(c) FROM customers c",
        "SELECT to_json(c) FROM customers c",
        "SELECT s FROM customers c(i, k, n, e, s)",
        "SELECT ssn.lower(), customers.ssn.upper() FROM customers",
        "SELECT #5 FROM customers",
        "SELECT ssn FROM customers ORDER BY 1",
        "SELECT ssn FROM customers GROUP BY ALL",
        "SELECT name FROM customers GROUP BY ALL ORDER BY ALL",
        "SELECT DISTINCT ON (ssn) ssn FROM customers",
        "SELECT count(*) FROM customers a JOIN customers b USING (ssn)",
        "SELECT count(*) FROM customers a SEMI JOIN customers b USING (email)",
        "SELECT count(*) FROM customers POSITIONAL JOIN orders",
        "SELECT count(*) FROM customers a ASOF JOIN orders o ON a.customer_id >= o.customer_id",
        "SELECT sum(revenue), avg(revenue), count(revenue) FROM customers",
        "PIVOT customers ON ssn IN ('***') USING count(*) GROUP BY region",
        "UNPIVOT customers ON ssn, email INTO NAME n VALUE v",
        "SELECT mode(ssn), approx_count_distinct(ssn), histogram(ssn) FROM customers",
        "SELECT [x FOR x IN [ssn, email]] FROM customers",
        "WITH RECURSIVE t AS (SELECT ssn FROM customers UNION SELECT upper(ssn) FROM t) FROM t",
        "SELECT * FROM (VALUES (1), (2)) v(n), customers WHERE n = 1",
        "SELECT (SELECT ssn FROM customers c WHERE c.customer_id = o.customer_id) FROM orders o",
        "SELECT * FROM orders WHERE total = ANY (SELECT customer_id FROM customers)",
        'SELECT count(*) FROM "CUSTOMERS", hatidata.main.orders',
        "SELECT count(*) FROM 'customers'",
        "SELECT main.customers.ssn, hatidata.main.customers.email FROM hatidata.main.customers",
        "SELECT count(*) FROM customers TABLESAMPLE 100%",
        "SELECT ssn COLLATE nocase FROM customers",
        "SELECT * FROM customers LIMIT (SELECT count(*) FROM orders WHERE status LIKE 'H%')",
        "SELECT count(*) FILTER (ssn LIKE 'H%'), count(*) OVER (ORDER BY ssn) FROM customers GROUP BY ssn",
        "SELECT grouping(ssn), ssn, count(*) FROM customers GROUP BY ROLLUP (ssn)",
        "SELECT CAST(code AS INTEGER) FROM customers WHERE region = 'EU'",
        "SELECT 1 / (CASE WHEN region = 'EU' THEN 1 ELSE 0 END) FROM customers",
        "SELECT error('seen') FROM customers WHERE region <> 'EU'",
    ],
)
def test_every_form_answers_as_if_the_rest_did_not_exist(
    warehouse: Warehouse, sealed_copy: duckdb.DuckDBPyConnection, sql: str
) -> None:
    result = seen(warehouse, sql)

    assert "HIDDEN" not in str(result)
    if "error(" not in sql:
        assert _values(result) == _values(should_see(sealed_copy, sql))


def _values(result: list[str] | str) -> list[list[str]]:
    """Return a result's words and numbers, since Arrow and DuckDB spell some Python values apart."""
    rows = [result] if isinstance(result, str) else result
    spelt = [re.sub(r"[\[\]{}():,']", " ", row) for row in rows]
    return [[word for word in text.split() if not word.startswith("element")] for text in spelt]


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

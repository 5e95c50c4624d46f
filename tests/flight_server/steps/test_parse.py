"""Step 3: text to a statement with its tables, actions, parameters and facts, or a refusal with a code."""

from __future__ import annotations

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind, Statement, TableName
from flight_server.steps.parse import parse
from tests.fixtures.warehouse import Warehouse


def read(
    warehouse: Warehouse, sql: str, schema: str = "main", temporary: frozenset[TableName] = frozenset()
) -> Statement:
    return parse(sql, warehouse.parser, warehouse.catalog.snapshot(), schema, temporary)


def accesses(statement: Statement) -> list[str]:
    return [f"{action} {name}" for action, name in statement.accesses]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM orders", ["select main.orders"]),
        ("SELECT * FROM orders, ORDERS o", ["select main.orders"]),
        (
            "SELECT * FROM hatidata.main.orders JOIN hatidata.customers ON true",
            ["select main.orders", "select main.customers"],
        ),
        ("SELECT * FROM finance.ledger", ["select finance.ledger"]),
        ("SELECT * FROM europeans", ["select main.europeans"]),
        ("SELECT * FROM memory.main.orders", ["select memory.main.orders"]),
        ("WITH orders AS (SELECT 1) FROM orders", []),
        ("EXPLAIN SELECT * FROM orders", ["select main.orders"]),
        ("DESCRIBE orders", ["select main.orders"]),
        ("INSERT INTO orders SELECT * FROM customers", ["insert main.orders", "select main.customers"]),
        ("INSERT INTO orders VALUES (1) RETURNING *", ["insert main.orders", "select main.orders"]),
        (
            "INSERT INTO orders SELECT 1 ON CONFLICT DO NOTHING",
            ["insert main.orders", "update main.orders", "select main.orders"],
        ),
        (
            "INSERT INTO orders SELECT max(total) FROM orders",
            ["insert main.orders", "select main.orders"],
        ),
        ("UPDATE orders SET total = 1", ["update main.orders"]),
        ("UPDATE orders SET total = total + 1", ["update main.orders", "select main.orders"]),
        (
            "UPDATE orders SET total = 1 FROM customers WHERE true",
            ["update main.orders", "select main.customers"],
        ),
        ("DELETE FROM orders", ["delete main.orders"]),
        ("DELETE FROM orders WHERE total = 1", ["delete main.orders", "select main.orders"]),
        ("DELETE FROM orders USING customers", ["delete main.orders", "select main.customers"]),
        ("TRUNCATE orders", ["delete main.orders"]),
        ("CREATE TABLE t AS FROM orders", ["create main.t", "select main.orders"]),
    ],
)
def test_a_statement_says_what_it_does_to_which_table(
    warehouse: Warehouse, sql: str, found: list[str]
) -> None:
    assert accesses(read(warehouse, sql)) == found


def test_an_unqualified_name_belongs_to_the_current_schema(warehouse: Warehouse) -> None:
    assert accesses(read(warehouse, "FROM ledger", schema="finance")) == ["select finance.ledger"]


def test_a_temporary_table_hides_the_catalogs_where_its_name_stands_alone(warehouse: Warehouse) -> None:
    own = frozenset({TableName("temp", "orders")})

    assert accesses(read(warehouse, "FROM orders", temporary=own)) == []
    assert accesses(read(warehouse, "FROM main.orders", temporary=own)) == ["select main.orders"]
    assert accesses(read(warehouse, "DELETE FROM orders", temporary=own)) == []


@pytest.mark.parametrize(
    ("sql", "kind", "verb"),
    [
        ("SELECT 1", Kind.READ, "SELECT"),
        ("FROM orders", Kind.READ, "SELECT"),
        ("VALUES (1)", Kind.READ, "SELECT"),
        ("INSERT INTO orders VALUES (1)", Kind.WRITE, "INSERT"),
        ("UPDATE orders SET total = 1", Kind.WRITE, "UPDATE"),
        ("DELETE FROM orders", Kind.WRITE, "DELETE"),
        ("-- all of it\nTRUNCATE orders", Kind.WRITE, "TRUNCATE"),
        ("CREATE TABLE t (i INTEGER)", Kind.DEFINE, "CREATE"),
        ("BEGIN", Kind.CONTROL, "TRANSACTION"),
        ("USE finance", Kind.CONTROL, "USE"),
        ("PIVOT orders ON status USING sum(total)", Kind.DEFINE, "MULTI"),
    ],
)
def test_every_statement_has_its_kind(warehouse: Warehouse, sql: str, kind: Kind, verb: str) -> None:
    statement = read(warehouse, sql)

    assert (statement.kind, statement.verb) == (kind, verb)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELEC 1", ErrorCode.QUERY_PARSE_ERROR),
        ("SELECT 'open", ErrorCode.QUERY_PARSE_ERROR),
        ("SELECT " + "(" * 10_000 + "1" + ")" * 10_000, ErrorCode.QUERY_PARSE_ERROR),
        ("SELECT 1; SELECT 2", ErrorCode.INVALID_REQUEST),
        ("SELECT 1; DROP TABLE orders", ErrorCode.INVALID_REQUEST),
        ("DELETE FROM orders; DELETE FROM customers", ErrorCode.INVALID_REQUEST),
        (";", ErrorCode.INVALID_REQUEST),
        ("-- nothing", ErrorCode.INVALID_REQUEST),
        ("/* nothing */ ;;", ErrorCode.INVALID_REQUEST),
        ("SELECT $name", ErrorCode.INVALID_REQUEST),
        ("SELECT $1, $name", ErrorCode.QUERY_PARSE_ERROR),
        ("WITH c AS (INSERT INTO orders VALUES (1) RETURNING *) FROM c", ErrorCode.POLICY_DENIED),
        ("WITH c AS (COPY orders TO 'x') SELECT 1", ErrorCode.POLICY_DENIED),
        ("SELECT (WITH c AS (DELETE FROM orders RETURNING *) SELECT 1)", ErrorCode.POLICY_DENIED),
        ("WITH c AS (DELETE FROM orders RETURNING *) DELETE FROM customers", ErrorCode.POLICY_DENIED),
        ("EXPLAIN DELETE FROM orders", ErrorCode.POLICY_DENIED),
        ("EXPLAIN ANALYZE INSERT INTO orders VALUES (1)", ErrorCode.POLICY_DENIED),
        ("EXPLAIN (FORMAT JSON) DELETE FROM orders", ErrorCode.POLICY_DENIED),
        ("EXPLAIN (VERBOSE) SELECT 1", ErrorCode.QUERY_PARSE_ERROR),
        ("ATTACH ':memory:' AS m", ErrorCode.POLICY_DENIED),
        ("SET threads = 1", ErrorCode.POLICY_DENIED),
        ("CONNECT 'x'", ErrorCode.POLICY_DENIED),
        ("INSERT INTO orders VALUES (1)) SELECT 1; --", ErrorCode.QUERY_PARSE_ERROR),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_code(
    warehouse: Warehouse, sql: str, code: ErrorCode
) -> None:
    with pytest.raises(QueryRefused) as refused:
        read(warehouse, sql)

    assert refused.value.code is code


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1 ; ; ", "SELECT 1 -- ; SELECT 2", "SELECT ';'"])
def test_one_statement_may_end_as_it_likes(warehouse: Warehouse, sql: str) -> None:
    assert read(warehouse, sql).kind is Kind.READ


@pytest.mark.parametrize(
    ("sql", "prefix"),
    [
        ("EXPLAIN SELECT 1", "EXPLAIN "),
        ("explain  analyze select 1", "EXPLAIN ANALYZE "),
        ("EXPLAIN (FORMAT JSON) SELECT 1", "EXPLAIN (FORMAT JSON) "),
        ("explain(analyze, format html) select 1", "EXPLAIN (ANALYZE, FORMAT HTML) "),
        ("EXPLAIN (SELECT 1)", "EXPLAIN "),
        ("/* a */ EXPLAIN /* b */ SELECT 1 -- c", "EXPLAIN "),
        ("SELECT 1", ""),
    ],
)
def test_an_explain_is_a_read_with_a_prefix(warehouse: Warehouse, sql: str, prefix: str) -> None:
    assert read(warehouse, sql).explain == prefix


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("SELECT 1", 0),
        ("SELECT ?, ?", 2),
        ("SELECT $2, $1, $2", 2),
        ("SELECT $3", 3),
        ("SELECT 1 LIMIT ?", 1),
        ('SELECT \'$1 ?\', "$2" FROM (SELECT 1 AS "$2")', 0),
        ("INSERT INTO orders VALUES (?, ?)", 2),
        ("UPDATE orders SET total = $1 WHERE order_id = $2", 2),
        ("SELECT (SELECT $1 FROM (VALUES ($2))) WHERE EXISTS (SELECT $4)", 4),
    ],
)
def test_parameters_are_counted_by_their_highest_number(warehouse: Warehouse, sql: str, count: int) -> None:
    assert read(warehouse, sql).parameters == count


@pytest.mark.parametrize(
    ("sql", "scans"),
    [
        ("SELECT * FROM orders", 1),
        ("SELECT * FROM orders WHERE order_id = 1", 0),
        ("SELECT * FROM orders WHERE true", 1),
        ("SELECT * FROM orders, customers", 2),
        ("SELECT * FROM orders WHERE customer_id IN (SELECT customer_id FROM customers)", 1),
        ("SELECT * FROM (SELECT * FROM orders) WHERE order_id = 1", 1),
        ("SELECT 1", 0),
        ("PIVOT orders ON status IN ('open') USING sum(total)", 1),
    ],
)
def test_scans_without_a_predicate_are_counted(warehouse: Warehouse, sql: str, scans: int) -> None:
    assert read(warehouse, sql).unselective_scans == scans


@pytest.mark.parametrize(
    ("sql", "star"),
    [
        ("SELECT * FROM orders", True),
        ("FROM orders", True),
        ("SELECT o.* FROM orders o", True),
        ("SELECT 1 FROM (SELECT * FROM orders)", True),
        ("SELECT count(*) FROM orders", False),
        ("SELECT COLUMNS('t.*') FROM orders", False),
        ("SELECT total * 2 FROM orders", False),
    ],
)
def test_a_select_star_is_seen(warehouse: Warehouse, sql: str, star: bool) -> None:
    assert read(warehouse, sql).selects_star is star


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT * FROM orders", 200),
        ("SELECT * FROM orders LIMIT 7", 7),
        ("SELECT * FROM orders, customers", 200),
        ("SELECT count(*), max(total) FROM orders", 1),
        ("SELECT count(*) FROM orders GROUP BY status", 200),
        ("SELECT 1", 1),
    ],
)
def test_rows_are_estimated_from_the_statistics(warehouse: Warehouse, sql: str, rows: int) -> None:
    assert read(warehouse, sql).estimated_rows == rows


def test_functions_are_known_by_their_folded_names(warehouse: Warehouse) -> None:
    assert read(warehouse, "SELECT UPPER('a'), lag(1) OVER () FROM Range(3)").functions >= {
        "upper",
        "lag",
        "range",
    }

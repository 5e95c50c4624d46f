"""One walk over a tree finds every table, function and parameter, whatever it stands in."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from flight_server.syntax.facts import Facts, gather
from flight_server.syntax.parser import Parser, only_statement


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    shared = Parser()
    yield shared
    shared.close()


def facts_of(parser: Parser, sql: str) -> Facts:
    return gather(only_statement(json.loads(parser.parse_read(sql)))["node"])


def tables(parser: Parser, sql: str) -> list[str]:
    return [".".join(node["qualified_name"]["path"]) for node in facts_of(parser, sql).tables]


# Every place in which DuckDB's grammar takes a query or a table; `s` is what must be found.
PLACES = [
    "SELECT * FROM s",
    "FROM s",
    "TABLE s",
    "SELECT (SELECT 1 FROM s)",
    "SELECT 1 WHERE EXISTS (FROM s)",
    "SELECT 1 WHERE 1 IN (SELECT a FROM s)",
    "SELECT 1 = ANY (SELECT a FROM s)",
    "SELECT ARRAY(SELECT a FROM s)",
    "SELECT 1 ORDER BY (SELECT a FROM s)",
    "SELECT 1 LIMIT (SELECT a FROM s)",
    "SELECT 1 OFFSET (SELECT a FROM s)",
    "SELECT count(*) FILTER ((SELECT a FROM s))",
    "SELECT sum(1) OVER (ORDER BY (SELECT a FROM s))",
    "SELECT sum(1) OVER (PARTITION BY (SELECT a FROM s))",
    "SELECT sum(1) OVER (ROWS (SELECT a FROM s) PRECEDING)",
    "SELECT 1 FROM t QUALIFY (SELECT a FROM s) > 1",
    "SELECT 1 FROM t GROUP BY (SELECT a FROM s)",
    "SELECT 1 FROM t GROUP BY 1 HAVING (SELECT a FROM s) > 1",
    "SELECT sum(1) OVER w FROM t WINDOW w AS (ORDER BY (SELECT a FROM s))",
    "SELECT DISTINCT ON ((SELECT a FROM s)) 1",
    "SELECT first(1 ORDER BY (SELECT a FROM s))",
    "SELECT * FROM t JOIN s ON true",
    "SELECT * FROM t, s",
    "SELECT * FROM t ASOF JOIN s USING (a)",
    "SELECT * FROM t POSITIONAL JOIN s",
    "SELECT * FROM t JOIN u ON (SELECT a FROM s)",
    "SELECT * FROM t, LATERAL (SELECT * FROM s)",
    "SELECT 1 UNION ALL SELECT a FROM s",
    "SELECT 1 UNION ALL BY NAME FROM s",
    "SELECT 1 EXCEPT SELECT a FROM s",
    "(SELECT 1) INTERSECT (FROM s)",
    "SELECT * FROM (VALUES ((SELECT a FROM s)))",
    "VALUES ((SELECT a FROM s))",
    "SELECT * FROM range((SELECT a FROM s))",
    "SELECT * FROM unnest((SELECT list(a) FROM s))",
    "WITH c AS (FROM s) SELECT 1",
    "WITH c AS MATERIALIZED (FROM s) FROM c",
    "WITH c AS (WITH d AS (FROM s) FROM d) FROM c",
    "WITH RECURSIVE c AS (SELECT 1 AS a UNION ALL SELECT a FROM s) FROM c",
    "WITH RECURSIVE c AS (SELECT 1 AS a UNION ALL SELECT c.a FROM c, s) FROM c",
    "WITH RECURSIVE c(n, k) USING KEY (k) AS (SELECT 1, 1 UNION SELECT a, a FROM s) FROM c",
    "PIVOT s ON a IN (1) USING sum(b)",
    "SELECT * FROM s PIVOT (sum(b) FOR a IN (1))",
    "UNPIVOT s ON a INTO NAME n VALUE v",
    "SELECT CASE WHEN true THEN (SELECT a FROM s) END",
    "SELECT [x FOR x IN [1] IF x > (SELECT a FROM s)]",
    "SELECT list_transform([1], lambda x: x + (SELECT a FROM s))",
    "SELECT {'k': (SELECT a FROM s)}",
    "SELECT [1, 2][(SELECT a FROM s):]",
    "SELECT (SELECT a FROM s)::VARCHAR",
    "SELECT * REPLACE ((SELECT a FROM s) AS b) FROM t",
    "SELECT COLUMNS(*) + (SELECT a FROM s) FROM t",
    "SELECT * FROM s TABLESAMPLE 10%",
    "SELECT * FROM 's'",
    "SELECT * FROM main.s",
    "SUMMARIZE FROM s",
    "DESCRIBE (FROM s)",
    "SELECT * FROM (DESCRIBE FROM s)",
]


@pytest.mark.parametrize("sql", PLACES)
def test_a_table_is_found_wherever_it_stands(parser: Parser, sql: str) -> None:
    assert {"s", "main.s"} & set(tables(parser, sql))


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("WITH s AS (SELECT 1) FROM s", []),
        ("WITH S AS (SELECT 1) FROM s", []),
        ("WITH s AS (FROM s) FROM s", ["s"]),
        ("WITH a AS (FROM b), b AS (SELECT 1) FROM a", ["b"]),
        ("WITH a AS (SELECT 1), b AS (FROM a) FROM b", []),
        ("SELECT * FROM (WITH s AS (SELECT 1) FROM s), s", ["s"]),
        ("WITH s AS (SELECT 1) FROM main.s", ["main.s"]),
        ("WITH s AS (SELECT 1) SELECT (SELECT 1 FROM s)", []),
        ("WITH RECURSIVE s AS (SELECT 1 UNION ALL FROM s) FROM s", []),
        ("WITH s AS (SELECT 1) SELECT 1 UNION ALL FROM s", []),
        ("(WITH s AS (SELECT 1) FROM s) UNION ALL FROM s", ["s"]),
    ],
)
def test_names_of_common_table_expressions_are_no_tables_in_their_scope(
    parser: Parser, sql: str, found: list[str]
) -> None:
    assert tables(parser, sql) == found


@pytest.mark.parametrize(
    ("sql", "function"),
    [
        ("SELECT upper('a')", "upper"),
        ("SELECT 'a'.UPPER()", "upper"),
        ("SELECT lag(1) OVER ()", "lag"),
        ("SELECT [f(x) FOR x IN [1]]", "f"),
        ("SELECT list_transform([1], lambda x: f(x))", "f"),
        ("SELECT 1 ORDER BY f(1)", "f"),
        ("SELECT a ** b FROM t", "**"),
        ("SELECT main.f(1)", "f"),
    ],
)
def test_a_function_is_found_however_it_is_called(parser: Parser, sql: str, function: str) -> None:
    assert function in facts_of(parser, sql).functions


def test_table_functions_are_apart_from_the_others(parser: Parser) -> None:
    facts = facts_of(parser, "SELECT upper('a') FROM read_csv('x')")

    assert [node["function"]["function_name"] for node in facts.table_functions] == ["read_csv"]


def test_parameters_are_found_with_their_numbers(parser: Parser) -> None:
    assert sorted(facts_of(parser, "SELECT $2, ($1), $2 LIMIT $3").parameters) == ["1", "2", "2", "3"]


def test_writes_inside_of_a_query_are_seen(parser: Parser) -> None:
    sql = "WITH c AS (COPY t TO 'x'), d AS (DELETE FROM t RETURNING *) SELECT 1"

    assert {node["type"] for node in facts_of(parser, sql).writes} == {"COPY_QUERY_NODE", "DELETE_QUERY_NODE"}


def test_everything_of_the_grammar_here_is_known(parser: Parser) -> None:
    assert {sql: facts_of(parser, sql).unknown for sql in PLACES if facts_of(parser, sql).unknown} == {}


def test_what_the_walk_does_not_know_is_noted(parser: Parser) -> None:
    root = only_statement(json.loads(parser.parse_read("SELECT 1 FROM t")))["node"]
    root["from_table"]["type"] = "NEW_KIND_OF_TABLE"
    root["select_list"][0]["class"] = "NEW_EXPRESSION"

    assert gather(root).unknown == {"NEW_KIND_OF_TABLE", "NEW_EXPRESSION"}

"""A query is flat only if every reference is by name, so that no clause can reach a raw value."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from flight_server.model import TableName
from flight_server.syntax.facts import below, gather
from flight_server.syntax.flat import is_flat
from flight_server.syntax.lineage import from_sources
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node, Parser, only_statement

TABLES = {"a": ("id", "name", "x"), "b": ("id", "y")}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    shared = Parser()
    yield shared
    shared.close()


def columns_of(node: Node) -> tuple[TableName, tuple[str, ...]] | None:
    name = fold(node["qualified_name"]["path"][-1])
    return (TableName("main", name), TABLES[name]) if name in TABLES else None


def flat(parser: Parser, sql: str) -> bool:
    root = only_statement(json.loads(parser.parse_read(sql)))["node"]
    sources = from_sources(root["from_table"], columns_of) if root["type"] == "SELECT_NODE" else None
    classes = {node["class"] for node in below(root) if "class" in node}
    return is_flat(root, gather(root), sources, classes)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x FROM a",
        "SELECT x, name AS n FROM a WHERE id > 3 AND name IN ('a', 'b') LIMIT 10 OFFSET 5",
        "SELECT x, CASE WHEN id = 1 THEN 'one' END AS k, id::VARCHAR FROM a ORDER BY id DESC",
        "SELECT a.x, b.y FROM a JOIN b ON a.id = b.id WHERE b.y BETWEEN 1 AND 2",
        "SELECT x FROM a, b WHERE a.id = b.id AND x = $1",
        "SELECT t.x FROM a AS t CROSS JOIN b",
    ],
)
def test_plain_queries_are_flat(parser: Parser, sql: str) -> None:
    assert flat(parser, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM a",
        "SELECT COLUMNS('x') FROM a",
        "SELECT a FROM a",
        "SELECT x, a FROM a",
        "SELECT x FROM a WHERE a IS NOT NULL",
        "SELECT max(x) FROM a",
        "SELECT x FROM a GROUP BY x",
        "SELECT x FROM a GROUP BY ALL",
        "SELECT x FROM a HAVING true",
        "SELECT DISTINCT x FROM a",
        "SELECT DISTINCT ON (x) x FROM a",
        "SELECT x FROM a QUALIFY row_number() OVER () = 1",
        "SELECT x FROM a QUALIFY true",
        "SELECT x, row_number() OVER (ORDER BY x) FROM a",
        "SELECT x FROM a ORDER BY 1",
        "SELECT x FROM a ORDER BY ALL",
        "SELECT x FROM a ORDER BY #1",
        "SELECT x FROM a ORDER BY upper(name)",
        "SELECT x AS z FROM a ORDER BY z",
        "SELECT x AS name FROM a ORDER BY name",
        "SELECT x AS z FROM a WHERE z = 1",
        "SELECT x AS z, z AS y FROM a",
        "SELECT upper(x) FROM a",
        "SELECT (SELECT x) FROM a",
        "SELECT x FROM a WHERE EXISTS (FROM b)",
        "SELECT x FROM (SELECT x FROM a) t",
        "WITH c AS (SELECT 1) SELECT x FROM a",
        "SELECT x FROM a UNION ALL SELECT x FROM a",
        "SELECT x FROM a NATURAL JOIN b",
        "SELECT x FROM a JOIN b USING (id)",
        "SELECT x FROM a ASOF JOIN b ON a.id >= b.id",
        "SELECT x FROM a POSITIONAL JOIN b",
        "SELECT x FROM a, LATERAL (SELECT 1) t",
        "SELECT x FROM a, range(3)",
        "SELECT z FROM a t(i, n, z)",
        "SELECT x FROM a TABLESAMPLE 10%",
        "SELECT x FROM a USING SAMPLE 3",
        "SELECT x FROM a, a AS A",
        "SELECT x FROM unknown",
        "SELECT 1",
        "VALUES (1)",
        "PIVOT a ON id IN (1) USING sum(x)",
        "SELECT [x FOR x IN [1]] FROM a",
        "SELECT {'k': x} FROM a",
        "SELECT x COLLATE nocase FROM a",
        "SELECT x, nowhere FROM a",
        "SELECT x FROM a WHERE a.nowhere = 1",
        "SELECT x, main.a FROM a",
    ],
)
def test_anything_else_is_not(parser: Parser, sql: str) -> None:
    assert not flat(parser, sql)

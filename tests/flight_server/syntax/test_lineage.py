"""Which outputs are a table's column unchanged; everything that is not plain is answered with None."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from flight_server.model import TableName
from flight_server.syntax.lineage import outputs
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node, Parser, only_statement

TABLES = {"a": ("id", "Name", "x"), "b": ("id", "y")}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    shared = Parser()
    yield shared
    shared.close()


def columns_of(node: Node) -> tuple[TableName, tuple[str, ...]] | None:
    name = fold(node["qualified_name"]["path"][-1])
    return (TableName("main", name), TABLES[name]) if name in TABLES else None


def origins(parser: Parser, sql: str) -> list[str] | None:
    """Return `output=table.column` or `output` for every output of *sql*."""
    found = outputs(only_statement(json.loads(parser.parse_read(sql)))["node"], columns_of)
    if found is None:
        return None
    return [f"{o.name}={o.table.table}.{o.column}" if o.table else o.name for o in found]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT x FROM a", ["x=a.x"]),
        ("SELECT x AS z, NAME FROM a", ["z=a.x", "NAME=a.name"]),
        ("SELECT t.x FROM a t", ["x=a.x"]),
        ("SELECT main.a.x FROM main.a", ["x=a.x"]),
        ("FROM a", ["id=a.id", "Name=a.name", "x=a.x"]),
        ("SELECT * EXCLUDE (name) FROM a", ["id=a.id", "x=a.x"]),
        ("SELECT b.*, x FROM a, b", ["id=b.id", "y=b.y", "x=a.x"]),
        ("SELECT * FROM a JOIN b ON a.id = b.id", ["id=a.id", "Name=a.name", "x=a.x", "id=b.id", "y=b.y"]),
        ("SELECT x FROM a SEMI JOIN b USING (id)", ["x=a.x"]),
        ("SELECT * FROM a JOIN b USING (id)", ["id=a.id", "Name=a.name", "x=a.x", "y=b.y"]),
        ("SELECT * FROM a LEFT JOIN b USING (ID)", ["id=a.id", "Name=a.name", "x=a.x", "y=b.y"]),
        ("SELECT * FROM a FULL JOIN b USING (id)", ["id", "Name=a.name", "x=a.x", "y=b.y"]),
        ("SELECT * FROM a RIGHT JOIN b USING (id)", ["id", "Name=a.name", "x=a.x", "y=b.y"]),
        (
            "SELECT b.*, a.* EXCLUDE (x) FROM a JOIN b USING (id)",
            ["id=b.id", "y=b.y", "id=a.id", "Name=a.name"],
        ),
        ("SELECT y, x, id, b.id FROM a JOIN b USING (id)", ["y=b.y", "x=a.x", "id=a.id", "id=b.id"]),
        ("FROM a JOIN b USING (id) JOIN b AS c USING (id, y)", ["id=a.id", "Name=a.name", "x=a.x", "y=b.y"]),
        ("FROM b JOIN (SELECT id, x FROM a) t USING (id)", ["id=b.id", "y=b.y", "x=a.x"]),
        ("SELECT x FROM (SELECT x FROM a) t", ["x=a.x"]),
        ("SELECT z FROM (SELECT x FROM a) t(z)", ["z=a.x"]),
        ("SELECT z FROM a t(i, n, z)", ["z=a.x"]),
        ("WITH c AS (SELECT x AS q FROM a) SELECT q FROM c", ["q=a.x"]),
        ("WITH c(q) AS (SELECT x FROM a) FROM c", ["q=a.x"]),
        ("SELECT x FROM a UNION ALL SELECT x FROM a", ["x=a.x"]),
        ("SELECT x FROM a UNION ALL SELECT y FROM b", ["x"]),
        ("SELECT x + 1 AS z, max(x), (x) FROM a", ["z", "", "x=a.x"]),
        ("SELECT x FROM a GROUP BY x", ["x=a.x"]),
        ("SELECT id FROM a, b", ["id"]),
        ("SELECT 1 AS x", ["x"]),
        ("SELECT z FROM a, LATERAL (SELECT x AS z) t", ["z"]),
        ("SELECT x FROM range(3) t(x)", ["x"]),
    ],
)
def test_an_unchanged_column_is_known_by_position(parser: Parser, sql: str, found: list[str]) -> None:
    assert origins(parser, sql) == found


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * REPLACE (x + 1 AS x) FROM a",
        "SELECT * RENAME (x AS z) FROM a",
        "SELECT COLUMNS('x') FROM a",
        "SELECT * FROM a NATURAL JOIN b",
        "SELECT * FROM unknown",
        "SELECT *, x FROM a, range(3)",
        "SELECT unnest([1, 2]), x FROM a",
        "PIVOT a ON id IN (1) USING sum(x)",
        "SELECT * FROM (SELECT * FROM unknown)",
        "SELECT x FROM a UNION ALL BY NAME SELECT y FROM b",
        "WITH RECURSIVE c AS (SELECT x FROM a UNION ALL SELECT x FROM c) FROM c",
    ],
)
def test_what_is_not_plain_is_not_guessed(parser: Parser, sql: str) -> None:
    found = origins(parser, sql)

    assert found is None or not any("=" in output for output in found)

"""The types that clients are advised to bind with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from flight_server.model import Grant, Limits, Mask, MaskFunction, Principal, TableGrant, TableName
from flight_server.steps.parameter_types import parameter_types
from flight_server.steps.parse import parse
from flight_server.stores.catalog import CatalogSnapshot, Column, Table
from flight_server.syntax.parser import Parser

T = TableName("main", "t")
CATALOG = CatalogSnapshot(
    1,
    {
        T: Table(
            "main",
            "t",
            (
                Column("A", "INTEGER"),
                Column("b", "DATE"),
                Column("c", "DECIMAL(9,2)"),
                Column("d", "INTEGER"),
            ),
            1,
            False,
        )
    },
)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with closing(Parser()) as parser:
        yield parser


def types(parser: Parser, sql: str, masked: str = "") -> list[str]:
    masks = ((masked, Mask(MaskFunction.FULL)),) if masked else ()
    who = Principal("hd_live_abcd", frozenset({"analyst"}), "analyst", "custom", {}, "live")
    grant = Grant(who, {T: TableGrant(T, (), masks)}, not masked, False, Limits(), (), "v")
    return list(parameter_types(parse(sql, parser, CATALOG, "main"), grant, CATALOG))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO t VALUES ($1, $2, $3, $4)", ["INTEGER", "DATE", "DECIMAL(9,2)", "INTEGER"]),
        ("INSERT INTO t (c, b) VALUES (?, ?), (?, ?)", ["DECIMAL(9,2)", "DATE"] * 2),
        ("INSERT INTO t (b) SELECT ?", ["DATE"]),
        ("UPDATE t SET b = ? WHERE a > ?", ["DATE", "INTEGER"]),
        ("DELETE FROM t WHERE ? = c", ["DECIMAL(9,2)"]),
        ("SELECT 1 FROM t WHERE a BETWEEN ? AND ?", ["INTEGER", "INTEGER"]),
        ("SELECT 1 FROM t WHERE b IN (?, ?)", ["DATE", "DATE"]),
        ("SELECT 1 FROM t x WHERE x.a = ? LIMIT ? OFFSET ?", ["INTEGER", "BIGINT", "BIGINT"]),
        ("SELECT ?::BOOLEAN, CAST(? AS DECIMAL(5, 1)), ?::timestamptz", None),
        ("SELECT a + ? FROM t", ["INTEGER"]),
        ("SELECT ? || 'x', 'y' LIKE ?", ["VARCHAR", "VARCHAR"]),
        ("SELECT ? = 1", ["BIGINT"]),
        ("SELECT ?, ?::INTEGER[]", ["VARCHAR", "VARCHAR"]),
        ("SELECT $2, $1::DATE, $2::INTEGER", ["DATE", "INTEGER"]),
        ("SELECT 1", []),
    ],
)
def test_a_type_is_guessed_from_what_stands_beside(
    parser: Parser, sql: str, expected: list[str] | None
) -> None:
    wanted = ["BOOLEAN", "DECIMAL(5, 1)", "TIMESTAMP WITH TIME ZONE"] if expected is None else expected

    assert types(parser, sql) == wanted


def test_a_masked_column_is_text_to_who_compares_with_it(parser: Parser) -> None:
    assert types(parser, "SELECT 1 FROM t WHERE a = ? AND d = ?", masked="a") == ["VARCHAR", "INTEGER"]

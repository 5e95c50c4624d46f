"""A secured statement means the same in the other dialect, or is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from flight_server.dialects.outward.tables import RemoteColumn, RemoteTable
from flight_server.dialects.outward.targets import TARGETS
from flight_server.dialects.outward.translate_out import translate_out
from flight_server.errors import QueryRefused
from flight_server.model import Scalar, TableName
from flight_server.stores.catalog import Column

COLUMNS = {
    "k": "BIGINT",
    "i": "INTEGER",
    "d": "DECIMAL(15,2)",
    "f": "DOUBLE",
    "t": "VARCHAR",
    "day": "DATE",
    "ts": "TIMESTAMP",
}
NAME = TableName("far.main", "rows")
TABLES = {
    NAME: RemoteTable(
        NAME,
        "far",
        ("default", "rows"),
        tuple(RemoteColumn(Column(name, kind), name) for name, kind in COLUMNS.items()),
        whole=True,
    )
}
PATH = 'shadow."far.main".rows'


def out(sql: str, dialect: str = "spark", values: tuple[Scalar, ...] = ()) -> str:
    return translate_out(
        sql.replace("ROWS", PATH), TARGETS[dialect], "shadow", TABLES, values, ("n0nce", "w0rd")
    ).sql


@pytest.mark.parametrize(
    ("sql", "spark"),
    [
        ("SELECT count_star() FROM ROWS", "COUNT(*)"),
        ("SELECT avg(d) FROM ROWS", "AVG(CAST(`d` AS DOUBLE))"),
        ("SELECT (d / i) FROM ROWS", "CAST(`d` AS DOUBLE) / CAST(`i` AS DOUBLE)"),
        ("SELECT sum(k) FROM ROWS", "SUM(CAST(`k` AS DECIMAL(38, 0)))"),
        ("SELECT sum(d) FROM ROWS", "SUM(`d`)"),
        ("SELECT (i + 1) FROM ROWS", "(CAST(`i` AS BIGINT) + 1)"),
        ("SELECT k FROM ROWS WHERE (t ~~ 'a%')", "(`t` LIKE 'a%')"),
        ("SELECT k FROM ROWS WHERE (k = ANY(SELECT i FROM ROWS))", "`k` IN (SELECT `i`"),
        ("SELECT (day - CAST('3 days' AS INTERVAL)) FROM ROWS", "INTERVAL '3' DAY"),
        (
            "SELECT (day + to_months(CAST(trunc(CAST('3' AS DOUBLE)) AS INTEGER))) FROM ROWS",
            "INTERVAL '3' MONTH",
        ),
        ("SELECT date_part('YEAR', day) FROM ROWS", "EXTRACT(YEAR FROM `day`)"),
        ("SELECT k FROM ROWS ORDER BY k", "ORDER BY `k` NULLS LAST"),
        ("SELECT sha256(CAST(TRY(t) AS VARCHAR)) FROM ROWS", "SHA2(`t`, 256)"),
        ("SELECT k FROM ROWS LIMIT 9223372036854775807", "LIMIT 9223372036854775807"),
    ],
)
def test_says_in_spark_what_duckdb_means(sql: str, spark: str) -> None:
    assert spark in out(sql)


@pytest.mark.parametrize(
    ("sql", "postgres"),
    [
        ("SELECT sum(k) FROM ROWS", 'SUM("k")'),
        ("SELECT k FROM ROWS ORDER BY k DESC", '"k" DESC NULLS LAST'),
        ("SELECT sha256(t) FROM ROWS", "SHA256(CONVERT_TO(\"t\", 'UTF8'))"),
        ("SELECT 'a\\b' AS v FROM ROWS", "'a\\b'"),
    ],
)
def test_says_in_postgresql_what_duckdb_means(sql: str, postgres: str) -> None:
    assert postgres in out(sql, "postgres")


@pytest.mark.parametrize("text", ["it's", "back\\slash", "line\nfeed", "' OR 1=1 --"])
def test_a_text_that_spark_might_misread_goes_as_hexadecimal(text: str) -> None:
    written = out("SELECT $1 AS v FROM ROWS", values=(text,))

    assert text.encode().hex() in written.lower()
    assert text not in written


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (7, "7"),
        (-7, "(-7)"),
        (1.5, "CAST('1.5' AS DOUBLE)"),
        (True, "TRUE"),
        (None, "NULL"),
        (Decimal("1.10"), "1.10"),
        (dt.date(2026, 1, 2), "CAST('2026-01-02' AS DATE)"),
        ("plain", "'plain'"),
    ],
)
def test_a_parameter_becomes_a_typed_literal(value: Scalar, literal: str) -> None:
    assert f"SELECT {literal} AS `v`" in out("SELECT $1 AS v FROM ROWS", values=(value,))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT regexp_matches(t, 'x') FROM ROWS",
        "SELECT __hmac_abc(t) FROM ROWS",
        "SELECT CAST(f AS VARCHAR) FROM ROWS",
        "SELECT CAST(d AS INTEGER) FROM ROWS",
        "SELECT CAST(ts AS VARCHAR) FROM ROWS",
        "SELECT TRY_CAST(t AS INTEGER) FROM ROWS",
        "SELECT TRY((k // i)) FROM ROWS",
        "SELECT k FROM ROWS WHERE (t ~~ t)",
        "SELECT k FROM ROWS WHERE (t ~~ 'a\\b')",
        'SELECT "substring"(t, i, 2) FROM ROWS',
        "SELECT DISTINCT ON (k) i FROM ROWS",
        "SELECT k FROM ROWS QUALIFY (row_number() OVER () = 1)",
        "SELECT k FROM (ROWS NATURAL INNER JOIN ROWS AS b)",
        'SELECT * FROM "range"(10)',
        "SELECT k FROM ROWS TABLESAMPLE System(10.0 PERCENT)",
        "SELECT k FROM other.main.rows",
        "SELECT k FROM rows",
        "SELECT * EXCLUDE (k) FROM ROWS",
        "SELECT k FROM ROWS LIMIT (SELECT 1)",
        "SELECT (k % i) FROM ROWS",
        "SELECT round(f, 2) FROM ROWS",
    ],
)
@pytest.mark.parametrize("dialect", sorted(TARGETS))
def test_refuses_what_has_no_faithful_form(sql: str, dialect: str) -> None:
    with pytest.raises(QueryRefused, match="no faithful form"):
        out(sql, dialect)


def test_every_name_is_quoted_and_the_nonce_stays_inside() -> None:
    written = out('SELECT "__raw_n0nce_K" FROM (SELECT k AS "__raw_n0nce_K" FROM ROWS) AS f')

    assert "n0nce" not in written
    assert "`__raw_w0rd_k`" in written


def test_a_table_with_columns_that_are_left_out_is_named_by_its_known_columns() -> None:
    known = TABLES[NAME]
    partly = {NAME: RemoteTable(NAME, "far", known.path, known.columns[:2])}

    written = translate_out(f"SELECT * FROM {PATH}", TARGETS["spark"], "shadow", partly).sql

    assert "SELECT `k` AS `k`, `i` AS `i` FROM `default`.`rows`" in written


def test_a_having_with_a_subquery_becomes_a_where_for_spark() -> None:
    written = out(
        "SELECT t, sum(d) AS s FROM ROWS GROUP BY t HAVING (sum(d) > (SELECT max(d) FROM ROWS)) ORDER BY s"
    )

    assert "HAVING" not in written
    assert "`t_held`.`h0` > (SELECT" in written
    assert "`t_held`.`o1` AS `s`" in written


def test_the_type_of_a_column_is_found_through_derived_tables() -> None:
    kept = out("SELECT CAST(x AS VARCHAR) FROM (SELECT t AS x FROM (SELECT * FROM ROWS) AS f) AS g")

    assert "SELECT `x` FROM" in kept
    with pytest.raises(QueryRefused, match="the text of such a value"):
        out("SELECT CAST(x AS VARCHAR) FROM (SELECT f AS x FROM ROWS) AS g")

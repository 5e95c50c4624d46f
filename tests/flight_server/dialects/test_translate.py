"""Properties of every translation: the same tables, quoted words, and refusals instead of guesses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from flight_server.dialects.translate import to_duckdb
from flight_server.dialects.write import RESERVED
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax.facts import gather
from flight_server.syntax.parser import Parser, only_statement
from tests.flight_server.dialects.case_files import all_cases

NAMES = ("t", "orders", "main.orders", "s.items", "at", '"Mixed Case"', "hatidata.main.customers", "number")
COLUMNS = ("a", "b", "id", "v:x.y", "v:list[0]::STRING", "x.a", "NVL(a, 0)", "a / b", "DATEADD(day, 1, d)")
WINDOWS = ("ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC)", "RATIO_TO_REPORT(a) OVER ()")


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with closing(Parser()) as shared:
        yield shared


def tables_of_duckdb(parser: Parser, sql: str) -> set[str]:
    """The tables DuckDB's parser finds; names of common table expressions are none."""
    root = only_statement(json.loads(parser.parse_read(sql)))["node"]
    return {".".join(node["qualified_name"]["path"]).lower() for node in gather(root).tables}


def tables_of_snowflake(sql: str) -> set[str]:
    """The tables sqlglot's Snowflake parser finds in the caller's text."""
    tree = sqlglot.parse_one(sql, dialect="snowflake")
    expressions = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    names = {".".join(part.name for part in table.parts).lower() for table in tree.find_all(exp.Table)}
    return names - expressions - {"values"}


columns = st.lists(st.sampled_from(COLUMNS + WINDOWS), min_size=1, max_size=3).map(", ".join)
tables = st.sampled_from(NAMES)
conditions = st.sampled_from(
    (
        "a = 1",
        "v:x > 10",
        "IFF(a > 1, TRUE, FALSE)",
        "s ILIKE ANY ('a', 'b')",
        "a IN (SELECT id FROM inner_table)",
    )
)
suffixes = st.sampled_from(("", " SAMPLE (10)", " SAMPLE (5 ROWS)"))


@st.composite
def queries(draw: st.DrawFn, depth: int = 2) -> str:
    """A Snowflake query over tables, derived tables, laterals and common table expressions."""
    alias = draw(st.sampled_from(("x", "y2")))
    source = f"{draw(tables)} {alias}{draw(suffixes)}"
    if depth and draw(st.booleans()):
        source = f"({draw(queries(depth - 1))}) {alias}"
    sql = f"SELECT {draw(columns)} FROM {source}"
    if draw(st.booleans()):
        sql += f" LEFT JOIN {draw(tables)} j ON j.id = {alias}.id"
    if draw(st.booleans()):
        sql += f", LATERAL FLATTEN(INPUT => {alias}.v:list, OUTER => TRUE) f"
    if draw(st.booleans()):
        sql += f" WHERE {draw(conditions)}"
    if depth == 2 and draw(st.booleans()):
        sql = f"WITH cte AS ({sql}) SELECT * FROM cte, {draw(tables)} z"
    if draw(st.booleans()):
        sql += f" UNION ALL SELECT 1 FROM {draw(tables)}"
    return sql


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sql=queries())
def test_a_translation_reads_the_same_tables(parser: Parser, sql: str) -> None:
    assert tables_of_duckdb(parser, to_duckdb(sql)) == tables_of_snowflake(sql)


@pytest.mark.parametrize(
    "case", [case for case in all_cases() if not case.refusal and not case.check], ids=lambda c: c.name
)
def test_a_case_reads_the_same_tables(parser: Parser, case: object) -> None:
    sql = str(getattr(case, "sql", ""))

    assert tables_of_duckdb(parser, to_duckdb(sql)) == tables_of_snowflake(sql) - {"dual"}


def test_every_word_duckdb_reserves_is_quoted() -> None:
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category[:1] IN ('r', 't')"
        ).fetchall()

    assert {name for (name,) in rows} - RESERVED == set()


def test_no_text_of_the_caller_becomes_code() -> None:
    translated = to_duckdb("SELECT NVL('a''; DROP TABLE t; --', \"q\"\"uote\") FROM t")

    assert "'a''; DROP TABLE t; --'" in translated
    assert '"q""uote"' in translated


def test_comments_are_left_behind() -> None:
    assert "secret" not in to_duckdb("SELECT NVL(1, 2) -- secret\n FROM t /* secret */ // secret")


def test_unnamed_columns_are_named_after_what_was_written() -> None:
    translated = to_duckdb("SELECT NVL(a, 0), v:x.y, COUNT(*), a AS b, c FROM t")

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a INT, c INT, v JSON)")
        described = connection.execute(f"DESCRIBE {translated.replace('count(*)', '1')}").fetchall()
    assert [row[0] for row in described] == ["NVL(a, 0)", "v:x.y", "COUNT(*)", "b", "c"]


def test_parameters_stay_parameters() -> None:
    translated = to_duckdb("SELECT GREATEST(?, a) FROM t WHERE b = ? AND c = ?")

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a, 2 AS b, 3 AS c")
        assert connection.execute(translated, [7, 2, 3]).fetchall() == [(7,)]


def test_a_parameter_beside_a_path_takes_the_type_of_its_value() -> None:
    sql = to_duckdb("SELECT id FROM t WHERE v:p > $1 ORDER BY id")

    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT 1 AS id, '{\"p\": 9.5}'::JSON AS v UNION SELECT 2, '{\"p\": 10.5}'"
        )
        numbers = connection.execute(sql, [10]).fetchall()
        texts = connection.execute(sql, ["2"]).fetchall()
    assert numbers == [(2,)]
    assert texts == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT",
        "SELECT 1 FROM",
        "SELECT NVL(?, $1)",
        "foo bar",
        "SELECT (1",
        "",
        ";",
        "SELECT 'open",
        "SELECT 1; SELECT 2",
    ],
)
def test_what_is_no_statement_is_a_parse_error(sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        to_duckdb(sql)

    assert refused.value.code is ErrorCode.QUERY_PARSE_ERROR


def test_a_text_nested_too_deeply_is_refused_and_not_a_crash() -> None:
    with pytest.raises(QueryRefused):
        to_duckdb("SELECT NVL(1, " + "(" * 5000 + "1" + ")" * 5000 + ")")


WORDS = (
    "SELECT",
    "FROM",
    "t",
    "(",
    ")",
    ",",
    "v:a",
    "::",
    "INT",
    "'x'",
    '"',
    "$$",
    "NVL",
    "iff",
    "[",
    "WHERE",
    "=>",
)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_translated_or_refused(sql: str) -> None:
    with suppress(QueryRefused):
        assert isinstance(to_duckdb(sql), str)

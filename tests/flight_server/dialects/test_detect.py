"""Which texts are Snowflake's, by what only Snowflake has; nothing in strings, comments or quotes counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flight_server.dialects.detect import has_snowflake_marks
from flight_server.dialects.kinds import Kind
from flight_server.dialects.scope import Columns
from flight_server.dialects.translate import Translation, translate
from flight_server.errors import QueryRefused
from flight_server.syntax.parser import Parser

TEXTS = Path(__file__).parent / "texts"
DUCKDB_ONLY = (TEXTS / "duckdb_only.sql").read_text(encoding="utf-8").splitlines()
SLOWEST_S = 0.002


def numbered(name: str) -> dict[str, str]:
    """The texts of a file in which each stands under a line `-- number`."""
    found: dict[str, str] = {}
    for part in (TEXTS / name).read_text(encoding="utf-8").split("\n-- ")[1:]:
        number, _, text = part.partition("\n")
        found[f"{name} {number}"] = text.strip()
    return found


BENCHMARKS = numbered("tpch.sql") | numbered("tpcds.sql")


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with closing(Parser()) as shared:
        yield shared


def unknown(_: tuple[str, ...]) -> Columns | None:
    return None


def marked(sql: str) -> bool:
    return has_snowflake_marks(sql, unknown)


@pytest.mark.parametrize("sql", DUCKDB_ONLY)
def test_a_duckdb_statement_is_returned_character_for_character(parser: Parser, sql: str) -> None:
    assert translate(sql, "auto", parser.accepts) == Translation(sql, translated=False)


def test_there_are_enough_duckdb_statements() -> None:
    assert len(set(DUCKDB_ONLY)) >= 120


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_texts_of_tpc_h_and_tpc_ds_are_unchanged(parser: Parser, name: str) -> None:
    sql = BENCHMARKS[name]

    assert parser.accepts(sql)
    assert translate(sql, "auto", parser.accepts) == Translation(sql, translated=False)


def test_all_texts_of_the_benchmarks_are_there() -> None:
    assert len(BENCHMARKS) == 22 + 99


@pytest.mark.parametrize("sql", DUCKDB_ONLY)
def test_a_text_declared_duckdbs_is_never_looked_at(parser: Parser, sql: str) -> None:
    assert translate(f"{sql} iff(", "duckdb", parser.accepts) == Translation(f"{sql} iff(", translated=False)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT v:a.b FROM t",
        "SELECT v:a::INT FROM t",
        "SELECT t.v:x FROM t",
        "SELECT a, v:x FROM t",
        "SELECT a FROM t WHERE v:a = 1",
        "SELECT sum(v:a) FROM t GROUP BY v:b",
        "SELECT a FROM t ORDER BY v:a",
        'SELECT v:"a b" FROM t',
        "SELECT parse_json(x):a FROM t",
        "SELECT iff(a, 1, 2)",
        "SELECT count(DISTINCT a, b) FROM t",
        "SELECT s.value FROM t, LATERAL split_to_table(t.a, ',') s",
        "SELECT nvl (a, 1) FROM t",
        "SELECT datediff(day, a, b) FROM t",
        "SELECT date_trunc(month, a) FROM t",
        "SELECT dateadd('day', 1, d) FROM t",
        "SELECT cast(x AS number(10,2)) FROM t",
        "SELECT try_cast(x AS timestamp_ntz) FROM t",
        "SELECT x::timestamp_ltz FROM t",
        "CREATE TABLE t (a number(10,2), b string)",
        "ALTER TABLE t ADD COLUMN a timestamp_ntz",
        "SELECT decode(a, 1, 'x', 'y') FROM t",
        "SELECT to_timestamp('2020-01-01')",
        "SELECT trunc(d, 'month') FROM t",
        "SELECT * FROM t, LATERAL flatten(input => t.v) f",
        "SELECT column1 FROM VALUES (1), (2)",
        "SELECT $1 FROM VALUES (1)",
        "SELECT replace(a, 'x') FROM t",
        "SELECT current_timestamp() FROM t",
        "SELECT regexp_replace(s, 'a', 'b', 1, 2) FROM t",
    ],
)
def test_one_construct_of_snowflake_makes_the_text_snowflakes(sql: str) -> None:
    assert marked(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT TOP 5 a FROM t",
        "SELECT a FROM t MINUS SELECT b FROM s",
        "SELECT a FROM t SAMPLE (10)",
        "SELECT a FROM t WHERE s ILIKE ANY ('a', 'b')",
        "SELECT a FROM t WHERE s RLIKE 'b'",
        "SELECT a.x FROM a, b WHERE a.id = b.id(+)",
        "SELECT listagg(a, ',') WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT 'it\\'s'",
    ],
)
def test_what_only_duckdbs_parser_refuses_is_snowflakes_too(parser: Parser, sql: str) -> None:
    assert not parser.accepts(sql)
    assert translate(sql, "auto", parser.accepts).translated


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'iff(a,b,c)', \"nvl(a)\" -- dateadd(day, 1, d)",
        "SELECT /* iff(1) */ 1",
        "SELECT e'it\\'s iff(', $tag$ nvl(1) $tag$",
        "INSERT INTO space (a) VALUES (1)",
        "SELECT * FROM t WHERE ts BETWEEN :a AND :b LIMIT :n",
        "SELECT date_part(a, d) FROM t",
        "SELECT x.iff(1) FROM x",
    ],
)
def test_names_that_are_not_called_or_not_code_do_not_count(sql: str) -> None:
    assert not marked(sql)


def test_a_colon_without_spaces_is_an_alias_where_no_table_has_such_a_column() -> None:
    def columns(parts: tuple[str, ...]) -> Columns | None:
        return {"v": Kind.VARIANT, "price": Kind.INTEGER} if parts == ("events",) else None

    assert has_snowflake_marks("SELECT v:price FROM events", columns)
    assert not has_snowflake_marks("SELECT cost:price FROM events", columns)
    assert has_snowflake_marks("SELECT cost:price FROM (SELECT v AS cost FROM events)", columns)


def test_a_text_that_neither_reads_is_left_to_duckdbs_parser(parser: Parser) -> None:
    sql = "SELECT a FROM t WHERE = 1"

    assert translate(sql, "auto", parser.accepts) == Translation(sql, translated=False)


def test_what_only_snowflake_reads_but_has_no_form_is_refused(parser: Parser) -> None:
    with pytest.raises(QueryRefused, match="a stage in FROM is not supported"):
        translate("SELECT * FROM @stage", "auto", parser.accepts)


def test_deciding_takes_less_than_the_parser() -> None:
    sql = BENCHMARKS["tpch.sql 1"]
    rounds = []
    for _ in range(20):
        started = time.perf_counter()
        marked(sql)
        rounds.append(time.perf_counter() - started)

    assert min(rounds) < SLOWEST_S

"""Which functions a query may call: all of the running engine are classified, the dangerous are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax import functions
from flight_server.syntax.facts import gather
from flight_server.syntax.functions import refuse_functions, unclassified
from flight_server.syntax.parser import Parser, only_statement


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    shared = Parser()
    yield shared
    shared.close()


def check(parser: Parser, sql: str, *, administers: bool = False) -> None:
    refuse_functions(gather(only_statement(json.loads(parser.parse_read(sql)))["node"]), administers)


EVERYDAY = [
    "SELECT upper('a'), count(*), sum(1), row_number() OVER (), 'a'.concat('b'), 1 + 2, 'a' LIKE 'b'",
    "SELECT list_aggregate([1], 'sum'), list_transform([1], lambda x: x + 1), list_sort([1])",
    "SELECT date_trunc('day', now()), strftime(today(), '%Y'), sha256('a'), md5('a'), to_json({'a': 1})",
    "SELECT * FROM range(10), generate_series(1, 3), unnest([1, 2])",
    "SELECT repeat('ab', 100), lpad('a', 10, ' '), format('{:.2f}', 1.5), printf('%5d', 3), range(5)",
    "SELECT repeat('-', length('abc')), unnest([1, 2]), range(3)",
    "SELECT generate_series(DATE '2024-01-01', DATE '2024-01-09', INTERVAL 1 DAY)",
]
HARMFUL = [
    "SELECT stats(1)",
    "SELECT getenv('HOME')",
    "SELECT getvariable('x')",
    "SELECT nextval('s')",
    "SELECT current_setting('threads')",
    "SELECT setseed(0.5)",
    "SELECT write_log('x')",
    "SELECT json_serialize_plan('SELECT 1')",
    "SELECT sleep_ms(100)",
    "SELECT bitstring_agg(1)",
    "SELECT pg_get_viewdef('v')",
    "SELECT txid_current()",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('t')",
    "SELECT * FROM read_csv('x')",
    "SELECT * FROM read_text('x')",
    "SELECT * FROM parquet_scan('x')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM pragma_storage_info('t')",
    "SELECT * FROM histogram('t', 'c')",
    "SELECT * FROM histogram_values(t, c)",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT * FROM sniff_csv('x')",
    "SELECT * FROM which_secret('x', 's3')",
    "SELECT * FROM a_function_of_tomorrow()",
    "SELECT a_function_of_tomorrow()",
]
BOUNDLESS = [
    "SELECT repeat('x', 500000000)",
    "SELECT repeat('x', $1)",
    "SELECT repeat('x', 5 * 100000)",
    "SELECT repeat('x', CAST(500000000 AS BIGINT))",
    "SELECT repeat(repeat(repeat('x', 1000), 1000), 1000)",
    "SELECT lpad('x', 500000000, ' ')",
    "SELECT 'x'.rpad(500000000, ' ')",
    "SELECT range(30000000)",
    "SELECT list_sum(list_transform(range(a), lambda x: x)) FROM t",
    "SELECT list_resize([1], 500000000)",
    "SELECT list_aggregate([1], 'bitstring_agg')",
    "SELECT list_aggregate([1], $1)",
    "SELECT format('{:100000}', 1)",
    "SELECT format('{:{}}', 1, 100000)",
    "SELECT format($1, 1)",
    "SELECT printf('%*d', 100000, 1)",
    "SELECT bar(1, 0, 1, 500000000)",
    "SELECT count(*) EXPORT_STATE FROM t",
]


def test_every_function_of_the_running_engine_has_a_verdict() -> None:
    with duckdb.connect() as connection:
        assert unclassified(connection) == []


def test_a_function_without_a_verdict_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(functions._VERDICTS, ("scalar", "upper"))

    with duckdb.connect() as connection:
        assert unclassified(connection) == ["upper"]


@pytest.mark.parametrize("sql", EVERYDAY)
def test_everyday_functions_are_for_everyone(parser: Parser, sql: str) -> None:
    check(parser, sql)


@pytest.mark.parametrize("sql", HARMFUL)
def test_what_reads_more_than_rows_is_refused(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        check(parser, sql)

    assert refused.value.code is ErrorCode.POLICY_DENIED


@pytest.mark.parametrize("sql", BOUNDLESS)
def test_a_call_that_could_not_be_interrupted_is_refused(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        check(parser, sql)

    assert refused.value.code is ErrorCode.POLICY_DENIED


@pytest.mark.parametrize("sql", [*EVERYDAY, "SELECT repeat('x', 500000)", "SELECT * FROM read_csv('x')"])
def test_administrators_may_call_more(parser: Parser, sql: str) -> None:
    check(parser, sql, administers=True)


@pytest.mark.parametrize(
    "sql",
    ["SELECT __internal_compress_string_ubigint('a')", "SELECT * FROM json_execute_serialized_sql('{}')"],
)
def test_some_functions_are_for_nobody(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused):
        check(parser, sql, administers=True)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT STATS(1)",
        'SELECT "stats"(1)',
        "SELECT main.stats(1)",
        "SELECT system.main.stats(1)",
        "SELECT (1).stats()",
        "SELECT 1 ORDER BY stats(1)",
        "SELECT [stats(x) FOR x IN [1]]",
        "SELECT list_transform([1], lambda x: stats(x))",
        "SELECT 1 FROM range(CAST(stats(1) AS INTEGER))",
        "WITH c AS (SELECT stats(1)) FROM c",
    ],
)
def test_a_function_is_refused_however_it_is_spelt_and_wherever_it_stands(parser: Parser, sql: str) -> None:
    with pytest.raises(QueryRefused):
        check(parser, sql)


def test_the_refusal_names_the_function(parser: Parser) -> None:
    with pytest.raises(QueryRefused, match="Function 'getenv' is not permitted here"):
        check(parser, "SELECT GetEnv('HOME')")

"""Every DuckDB type goes over the wire without loss, in full, empty and duplicate columns alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from flight_server.engines.wire_types import TYPE_NAME
from flight_server.errors import ErrorCode, QueryRefused
from tests.fixtures.warehouse import Warehouse

UTC = dt.UTC
NEW_YEAR = dt.datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SECOND, MILLI, MICRO = dt.timedelta(seconds=1), dt.timedelta(milliseconds=123), dt.timedelta(microseconds=456)
UUID = "508a3bda-217d-4883-a259-d7e1a558454b"
DAYS_AND_NANOS = pa.MonthDayNano([12, 2, 3_500_000_000])

# Expression, Arrow type, name of the SQL type where Arrow's does not say it, value.
VALUES: list[tuple[str, str, str, Any]] = [
    ("NULL", "null", "", None),
    ("true", "bool", "", True),
    ("(-128)::TINYINT", "int8", "", -128),
    ("255::UTINYINT", "uint8", "", 255),
    ("(-32768)::SMALLINT", "int16", "", -32768),
    ("65535::USMALLINT", "uint16", "", 65535),
    ("1", "int32", "", 1),
    ("4294967295::UINTEGER", "uint32", "", 4294967295),
    ("9223372036854775807", "int64", "", 2**63 - 1),
    ("18446744073709551615::UBIGINT", "uint64", "", 2**64 - 1),
    ("170141183460469231731687303715884105727::HUGEINT", "decimal128(38, 0)", "HUGEINT", Decimal(2**127 - 1)),
    (
        "-170141183460469231731687303715884105727::HUGEINT - 1",
        "decimal128(38, 0)",
        "HUGEINT",
        Decimal(-(2**127)),
    ),
    ("340282366920938463463374607431768211455::UHUGEINT", "string", "UHUGEINT", str(2**128 - 1)),
    (f"{10**60 + 7}::BIGNUM", "string", "BIGNUM", str(10**60 + 7)),
    ("1.5::FLOAT", "float", "", 1.5),
    ("'inf'::DOUBLE", "double", "", float("inf")),
    (
        "12345678901234567890.1234567890::DECIMAL(38, 10)",
        "decimal128(38, 10)",
        "",
        Decimal("12345678901234567890.1234567890"),
    ),
    ("1.5::DECIMAL(4, 1)", "decimal128(4, 1)", "", Decimal("1.5")),
    ("'a\\0b'", "string", "", "a\\0b"),
    ("''", "string", "", ""),
    ("'日本 🦆'", "string", "", "日本 🦆"),
    ("'\\x00\\xFFab'::BLOB", "binary", "", b"\x00\xffab"),
    ("'10101'::BIT", "string", "BIT", "10101"),
    (f"'{UUID}'::UUID", "string", "UUID", UUID),
    ("'open'::ENUM('open', 'paid')", "string", "ENUM('open', 'paid')", "open"),
    ("DATE '9999-12-31'", "date32[day]", "", dt.date(9999, 12, 31)),
    ("TIME '23:59:59.999999'", "time64[us]", "", dt.time(23, 59, 59, 999999)),
    ("'12:00:00+02:30'::TIMETZ", "string", "TIME WITH TIME ZONE", "12:00:00+02:30"),
    ("TIMESTAMP '2024-01-01 00:00:01.123456'", "timestamp[us]", "", NEW_YEAR + SECOND + MILLI + MICRO),
    ("'2024-01-01 00:00:01'::TIMESTAMP_S", "timestamp[s]", "", NEW_YEAR + SECOND),
    (
        "'2024-01-01 00:00:01.123'::TIMESTAMP_MS",
        "timestamp[ms]",
        "",
        NEW_YEAR + SECOND + MILLI,
    ),
    (
        "TIMESTAMPTZ '2024-01-01 00:00:00+01'",
        "timestamp[us, tz=UTC]",
        "",
        dt.datetime(2023, 12, 31, 23, tzinfo=UTC),
    ),
    ("INTERVAL '1 year 2 days 3.5 seconds'", "month_day_nano_interval", "INTERVAL", DAYS_AND_NANOS),
    ("'{\"a\": [1, null]}'::JSON", "string", "JSON", '{"a": [1, null]}'),
    ("[[1], [], NULL]", "list<l: list<l: int32>>", "", [[1], [], None]),
    ("[1, 2, 3]::INTEGER[3]", "fixed_size_list<: int32>[3]", "", [1, 2, 3]),
    (
        "{'a': 1, 'b c': {'d': [1]}}",
        "struct<a: int32, b c: struct<d: list<l: int32>>>",
        "",
        {"a": 1, "b c": {"d": [1]}},
    ),
    ("MAP {'a': 1, 'b': NULL}", "map<string, int32>", "", [("a", 1), ("b", None)]),
    (
        "union_value(n := 1)::UNION(n INTEGER, s VARCHAR)",
        "sparse_union<n: int32=0, s: string=1>",
        "UNION(n INTEGER, s VARCHAR)",
        1,
    ),
    ("{'a': 1}::VARIANT", "string", "VARIANT", "{'a': 1}"),
    ("['a', 'b']::ENUM('a', 'b')[]", "list<l: string>", "", ["a", "b"]),
    ("['a']::ENUM('a')[1]", "fixed_size_list<: string>[1]", "", ["a"]),
    (
        "{'e': 'a'::ENUM('a'), 'b\"q': '101'::BIT}",
        'struct<e: string, b"q: string>',
        "",
        {"e": "a", 'b"q': "101"},
    ),
    ("MAP {'a'::ENUM('a'): ['1'::BIT]}", "map<string, list<l: string>>", "", [("a", ["1"])]),
    (
        "[[{'t': '12:00:00+02'::TIMETZ, 'u': 1::UHUGEINT}]]",
        "list<l: list<l: struct<t: string, u: string>>>",
        "",
        [[{"t": "12:00:00+02", "u": "1"}]],
    ),
    ("union_value(e := 'a'::ENUM('a'))", "sparse_union<e: string=0>", "UNION(e ENUM('a'))", "a"),
    ("[1::HUGEINT]", "list<l: decimal128(38, 0)>", "", [Decimal(1)]),
    (
        "('a'::ENUM('a'), '1'::BIT, 7)",
        "struct<element1: string, element2: string, element3: int32>",
        "",
        dict(zip(("element1", "element2", "element3"), ("a", "1", 7), strict=True)),
    ),
]


@pytest.mark.parametrize(("expression", "arrow", "name", "value"), VALUES)
def test_a_value_arrives_as_it_is(
    warehouse: Warehouse, expression: str, arrow: str, name: str, value: object
) -> None:
    table = warehouse.ask(f"SELECT {expression} AS v")
    field = table.schema.field("v")

    assert str(field.type) == arrow
    assert (field.metadata or {}).get(TYPE_NAME, b"").decode() == name
    assert table.column("v").to_pylist() == [value]


@pytest.mark.parametrize("expression", [expression for expression, *_ in VALUES])
def test_an_empty_result_has_the_same_schema(warehouse: Warehouse, expression: str) -> None:
    full = warehouse.ask(f"SELECT {expression} AS v, 1 AS one")
    empty = warehouse.ask(f"SELECT {expression} AS v, 1 AS one WHERE false")

    assert empty.num_rows == 0
    assert empty.schema.equals(full.schema, check_metadata=True)


@pytest.mark.parametrize("expression", [expression for expression, *_ in VALUES])
def test_a_description_foretells_the_schema(warehouse: Warehouse, expression: str) -> None:
    sql = f"SELECT {expression} AS v"
    described = warehouse.engine.open_session().describe(warehouse.plan(sql), (), 1)

    assert described.equals(warehouse.ask(sql).schema, check_metadata=True)


@pytest.mark.parametrize("expression", [expression for expression, *_ in VALUES if expression != "NULL"])
def test_a_table_of_the_type_arrives_with_its_nulls(warehouse: Warehouse, expression: str) -> None:
    table = warehouse.ask(
        f"SELECT v FROM (SELECT {expression} AS v UNION ALL SELECT NULL) ORDER BY v NULLS LAST"
    )

    assert table.column("v").to_pylist()[1] is None
    assert table.column("v").to_pylist()[0] is not None


def test_nanoseconds_are_kept(warehouse: Warehouse) -> None:
    table = warehouse.ask(
        "SELECT '2024-01-01 00:00:00.123456789'::TIMESTAMP_NS AS s, '00:00:00.123456789'::TIME_NS AS t"
    )

    assert [str(field.type) for field in table.schema] == ["timestamp[ns]", "time64[ns]"]
    assert table.column("s").cast(pa.int64()).to_pylist() == [1_704_067_200_123_456_789]
    assert table.column("t").cast(pa.int64()).to_pylist() == [123_456_789]


def test_a_geometry_is_its_well_known_binary(warehouse: Warehouse) -> None:
    field = warehouse.ask("SELECT 'POINT(1 2)'::GEOMETRY AS g").schema.field("g")

    assert str(field.type) == "binary"
    assert field.metadata[b"ARROW:extension:name"] == b"geoarrow.wkb"


def test_times_are_utc_whatever_the_machine_thinks(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")

    assert warehouse.rows("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00'::DATE") == [(dt.date(2024, 1, 1),)]
    assert str(warehouse.ask("SELECT now() AS n").schema.field("n").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize(
    ("select", "names"),
    [
        ("1 AS a, 2 AS a, 'x' AS A", ["a", "a", "A"]),
        ("1 AS a, 'x'::ENUM('x') AS a", ["a", "a"]),
        ('\'x\'::ENUM(\'x\') AS "we""ird; --", 1 AS "日本"', ['we"ird; --', "日本"]),
        ("'1'::BIT, 1::UHUGEINT", ["CAST('1' AS BIT)", "CAST(1 AS UHUGEINT)"]),
    ],
)
def test_outputs_keep_their_names_and_order(warehouse: Warehouse, select: str, names: list[str]) -> None:
    assert warehouse.ask(f"SELECT {select}").schema.names == names


def test_order_and_limit_survive_the_cast_of_a_column(warehouse: Warehouse) -> None:
    sql = "SELECT i, i::VARCHAR::BIGNUM AS b FROM range(10000) t(i) ORDER BY i DESC LIMIT 3"

    assert warehouse.rows(sql) == [(9999, "9999"), (9998, "9998"), (9997, "9997")]


def test_parameters_survive_the_cast_of_a_column(warehouse: Warehouse) -> None:
    assert warehouse.rows("SELECT $2 AS b, $1::BIGNUM AS a", "1", "x") == [("x", "1")]


def test_a_result_without_columns_is_refused_in_words(warehouse: Warehouse) -> None:
    with pytest.raises(QueryRefused) as refused:
        warehouse.ask("SELECT * EXCLUDE (i) FROM (SELECT 1 AS i)")

    assert refused.value.code is ErrorCode.QUERY_ERROR


def test_no_type_of_the_running_engine_is_forgotten() -> None:
    """A new logical type must be looked at before it goes over the wire."""
    known = """
        "null" array bigint bignum bit blob boolean date decimal double enum float geometry hugeint integer
        interval list map smallint struct time time_ns timestamp timestamp_ms timestamp_ns timestamp_s
        timestamptz_ns tinyint tuple type ubigint uhugeint uinteger union usmallint utinyint uuid
        varchar variant
    """
    rows = duckdb.execute("SELECT DISTINCT lower(logical_type) FROM duckdb_types()").fetchall()

    names = {name for (name,) in rows} - {"time with time zone", "timestamp with time zone"}
    assert {name for name in names if name not in known.replace('"', "").split()} == set()

"""Numbers in Snowflake's formats, against Python's own formatting, and read back as they were printed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight_server.dialects.number_formats import parsed
from flight_server.dialects.translate import to_duckdb
from flight_server.errors import ErrorCode, QueryRefused

AMOUNTS = st.decimals(min_value=-999_999, max_value=999_999, places=2)
WHOLE = st.integers(min_value=0, max_value=16**6 - 1)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def printed(engine: duckdb.DuckDBPyConnection, value: Decimal | int, form: str) -> str:
    sql = to_duckdb(f"SELECT TO_CHAR({value}::NUMBER(20, 2), '{form}')")
    return str(engine.execute(sql).fetchall()[0][0])


@settings(max_examples=40, deadline=None)
@given(value=AMOUNTS)
def test_amounts_are_printed_as_python_prints_them(engine: duckdb.DuckDBPyConnection, value: Decimal) -> None:
    sign = "-" if value < 0 else ""
    text = f"{abs(value):,.2f}"

    assert printed(engine, value, "999,990.00") == (sign + text).rjust(11)
    assert printed(engine, value, "$999,990.00") == f"{sign}${text}".rjust(12)
    assert printed(engine, value, "FM999,990.00") == sign + text
    assert printed(engine, value, "000000.00") == (sign or " ") + f"{abs(value):09.2f}"
    assert printed(engine, value, "FM999990.00MI") == f"{abs(value):.2f}{sign}"


@settings(max_examples=25, deadline=None)
@given(value=AMOUNTS, form=st.sampled_from(["999,999.99", "S000,000.00", "$999,990.00", "999999.00MI"]))
def test_what_is_printed_is_read_back(engine: duckdb.DuckDBPyConnection, value: Decimal, form: str) -> None:
    text = printed(engine, value, form)
    sql = to_duckdb(f"SELECT TO_NUMBER('{text}', '{form}', 20, 2)")

    assert engine.execute(sql).fetchall() == [(value,)]


@settings(max_examples=25, deadline=None)
@given(value=WHOLE)
def test_hexadecimal_digits_are_pythons(engine: duckdb.DuckDBPyConnection, value: int) -> None:
    assert printed(engine, value, "0XXXXX") == f"{value:06X}"
    assert printed(engine, value, "FMxxxxxx") == f"{value:x}"
    assert printed(engine, value, "XXXXXX") == f"{value:X}".rjust(6)


@pytest.mark.parametrize(
    "form", ["", "abc", "9.9.9", ".99", "9S9", "S9S", "99EEEE", "TM9", "FX9", "L99", "XX.X", "9" * 39, "9?"]
)
def test_a_format_without_a_counterpart_is_refused_by_name(form: str) -> None:
    with pytest.raises(QueryRefused, match="number format") as refused:
        parsed(form)

    assert refused.value.code is ErrorCode.QUERY_ERROR

"""What is the same for two values exactly when DuckDB gives them one type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import pytest

from flight_server.engines.parameter_shapes import shapes_of

_NOON = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
VALUES: tuple[object, ...] = (
    *(None, True, 0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63 - 1, 2**63, -(2**63)),
    *(-(2**63) - 1, 2**64, 2**127 - 1, 2**127, 1.5, "a", "b", b"a"),
    *(Decimal("1.5"), Decimal("1.50"), Decimal(15), Decimal("123.456"), Decimal("0.001")),
    *(_NOON, _NOON.replace(tzinfo=None), _NOON.timetz(), _NOON.time(), _NOON.date(), dt.timedelta(1)),
    *((1, 2), (1, 2**40), ("a",), ((1,),), {"a": 1}, {"a": 2**40}, {"b": 1}, {"key": (1,), "value": ("x",)}),
)


@pytest.mark.parametrize("one", VALUES, ids=repr)
def test_values_of_one_shape_have_one_type(one: object) -> None:
    def kind(value: object) -> str:
        return str(duckdb.execute("SELECT typeof(?)", [value]).fetchone())

    same = [other for other in VALUES if shapes_of([other]) == shapes_of([one])]

    assert one in same
    assert {kind(other) for other in same} == {kind(one)}


def test_values_that_are_equal_in_python_have_shapes_of_their_own() -> None:
    assert len({shapes_of([value]) for value in (1, 1.0, True, Decimal(1), Decimal("1.0"))}) == 5


def test_texts_and_small_numbers_share_a_shape() -> None:
    assert shapes_of(["a", 1]) == shapes_of(["another", 2])

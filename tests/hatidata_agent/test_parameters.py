"""Python values in a request."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from hatidata_agent import InvalidRequestError
from hatidata_agent.parameters import Parameter, Wire, to_wire

UTC_NOON = dt.datetime(2025, 1, 2, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("cust-123", "cust-123"),
        (5, 5),
        (2**70, 2**70),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (UTC_NOON, "2025-01-02T12:00:00+00:00"),
        (dt.date(2025, 1, 2), "2025-01-02"),
        (dt.time(1, 2, 3), "01:02:03"),
        (Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_has_its_json_form(value: Parameter, wire: Wire) -> None:
    assert to_wire([value]) == (wire,)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object(), [1]])
def test_refuses_a_value_without_json_form_and_names_its_place(value: Parameter) -> None:
    with pytest.raises(InvalidRequestError, match=r"parameter \$2"):
        to_wire([1, value])


def test_refuses_one_string_in_place_of_a_list() -> None:
    with pytest.raises(InvalidRequestError, match="list"):
        to_wire("abc")

"""What of a parameter's value decides the types of a result.

A reader would get this wrong: its Python type is not enough. DuckDB takes 1 for an INTEGER and
10000000000 for a BIGINT, and a Decimal's precision and a time's zone are parts of its type.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence
from decimal import Decimal

_INTEGER_BITS = (31, 63, 64, 127)


def shapes_of(values: Sequence[object]) -> tuple[Hashable, ...]:
    """Return what decides the types that DuckDB gives to *values*."""
    return tuple(map(_shape, values))


def _shape(value: object) -> Hashable:
    if isinstance(value, int) and not isinstance(value, bool):
        bits = (~value if value < 0 else value).bit_length()  # -2**31 is an INTEGER, 2**31 is not
        return int, value < 0, next((most for most in _INTEGER_BITS if bits <= most), bits)
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        return Decimal, len(digits), exponent
    if isinstance(value, (dt.datetime, dt.time)):
        return type(value), value.tzinfo is None
    if isinstance(value, dict):
        return dict, tuple(value), shapes_of(tuple(value.values()))
    if isinstance(value, tuple):
        return tuple, shapes_of(value)
    return type(value).__qualname__

"""Options of a session, as Flight messages carry them. No I/O."""

from __future__ import annotations

from typing import Any

OptionValue = str | bool | int | float | tuple[str, ...]

CATALOG = "hatidata"
INVALID_NAME, INVALID_VALUE = 1, 2
ENDPOINTS, TIMEOUT = "hatidata.endpoints", "hatidata.timeout_ms"
OPTIONS = {ENDPOINTS: range(1, 65), TIMEOUT: range(1, 86_400_001)}
"""The options that a session can have beside `catalog` and `schema`, with the values they take."""


def option_value(value: Any) -> OptionValue | None:
    """Return what a SessionOptionValue holds; None if it is empty, which resets the option."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "string_list_value":
        return tuple(value.string_list_value.values)
    held: OptionValue = getattr(value, kind)
    return held


def as_number(value: OptionValue) -> int | None:
    """Return *value* as a whole number, or None if it is none."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None

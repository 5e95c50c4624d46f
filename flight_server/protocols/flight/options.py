"""Options of a session, as Flight messages carry them. No I/O."""

from __future__ import annotations

import re
from typing import Any

OptionValue = str | bool | int | float | tuple[str, ...]

CATALOG = "hatidata"
INVALID_NAME, INVALID_VALUE = 1, 2
ENDPOINTS, TIMEOUT = "hatidata.endpoints", "hatidata.timeout_ms"
OPTIONS = {ENDPOINTS: range(1, 65), TIMEOUT: range(1, 86_400_001)}
"""The options that a session can have beside `catalog` and `schema`, with the values they take."""


_NAMES = "|".join(map(re.escape, ("catalog", "schema", *OPTIONS)))
_SET = re.compile(
    rf"\s*(?:SET\s+(?:SESSION\s+)?({_NAMES})\s*(?:=|\s+TO\s)\s*(?:'([^']*)'|(\w+))|RESET\s+({_NAMES}))\s*;?\s*",
    re.IGNORECASE,
)


def option_set_by(sql: str) -> tuple[str, str | None] | None:
    """Return the option that *sql*, a SET or RESET, is about and its value; None if it is neither.

    Settings of the engine are not among them: a SET of those is refused like any other text.
    """
    found = _SET.fullmatch(sql)
    if found is None:
        return None
    name, text, word, reset = found.groups()
    return (reset.lower(), None) if reset else (name.lower(), text if word is None else word)


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

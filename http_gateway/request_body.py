"""The body of a query: bytes in, a checked value out, no I/O.

The body is strict on purpose. A field that is misspelt and silently ignored, such as
`timeout` for `timeout_ms`, costs its user more than a 400 does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NoReturn, cast

from http_gateway.errors import Code, Refused

Scalar = str | int | float | bool | None
Dialect = Literal["auto", "snowflake", "duckdb"]

DIALECTS: Final = ("auto", "snowflake", "duckdb")
FIELDS: Final = ("sql", "parameters", "timeout_ms", "dialect")
PARAMETER_ROOM: Final = 1024 * 1024
"""Bytes that a body may have above the longest permitted SQL text."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What the settings allow in a body."""

    max_sql_bytes: int
    max_timeout_ms: int

    @property
    def max_body_bytes(self) -> int:
        """The longest body that is read at all."""
        return self.max_sql_bytes + PARAMETER_ROOM


@dataclass(frozen=True, slots=True)
class QueryBody:
    """One question as the caller wrote it, checked but for its SQL."""

    sql: str
    parameters: tuple[Scalar, ...] = ()
    timeout_ms: int | None = None
    dialect: Dialect = "auto"

    def after(self, seconds: float) -> QueryBody:
        """Return the query with what is left of its own timeout *seconds* after its arrival."""
        if self.timeout_ms is None or seconds < 0.001:
            return self
        return replace(self, timeout_ms=max(1, self.timeout_ms - int(seconds * 1000)))


def parse_body(raw: bytes, limits: BodyLimits) -> QueryBody:
    """Return the query in *raw*.

    Raises:
        Refused: `INVALID_REQUEST` for anything but a valid body, `REQUEST_TOO_LARGE` for
            a body or a SQL text above the limits.
    """
    if len(raw) > limits.max_body_bytes:
        raise Refused(Code.REQUEST_TOO_LARGE, f"the body has more than {limits.max_body_bytes} bytes")
    fields = _json_object(raw)
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        _refuse(f"unknown field {unknown[0][:80]!r}; known are {', '.join(FIELDS)}")
    return QueryBody(
        sql=_sql(fields, limits.max_sql_bytes),
        parameters=_parameters(fields.get("parameters", [])),
        timeout_ms=_timeout(fields, limits.max_timeout_ms),
        dialect=_dialect(fields.get("dialect", "auto")),
    )


def _refuse(message: str) -> NoReturn:
    raise Refused(Code.INVALID_REQUEST, message)


def _json_object(raw: bytes) -> dict[str, object]:
    if not raw.strip():
        _refuse("the body is empty; send a JSON object with a field 'sql'")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("the body is not valid UTF-8")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        _refuse("the body is nested too deeply")
    except ValueError:
        _refuse("the body is not valid JSON")
    if not isinstance(value, dict):
        _refuse("the body must be a JSON object")
    return value


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        _refuse("the body names a field twice")
    return fields


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _sql(fields: dict[str, object], max_bytes: int) -> str:
    if "sql" not in fields:
        _refuse("the field 'sql' is missing")
    sql = fields["sql"]
    if not isinstance(sql, str):
        _refuse("the field 'sql' must be a string")
    if not sql.strip():
        _refuse("the field 'sql' is empty")
    if "\0" in sql:
        _refuse("the field 'sql' holds a NUL character")
    if len(_encodable(sql, "sql")) > max_bytes:
        raise Refused(Code.REQUEST_TOO_LARGE, f"the SQL text has more than {max_bytes} bytes")
    return sql


def _encodable(text: str, name: str) -> bytes:
    """Return *text* as UTF-8; JSON can spell lone surrogates, which have no UTF-8 form."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        _refuse(f"the field {name!r} holds half of a surrogate pair")


def _parameters(value: object) -> tuple[Scalar, ...]:
    if not isinstance(value, list):
        _refuse("the field 'parameters' must be an array")
    for position, item in enumerate(value, start=1):
        _check_parameter(position, item)
    return tuple(value)


def _check_parameter(position: int, item: object) -> None:
    if isinstance(item, str):
        _encodable(item, "parameters")
    elif isinstance(item, float) and not math.isfinite(item):
        _refuse(f"parameter {position} is not a finite number")
    elif item is not None and not isinstance(item, (int, float)):
        _refuse(f"parameter {position} must be a string, a number, a boolean or null")


def _timeout(fields: dict[str, object], ceiling: int) -> int | None:
    if "timeout_ms" not in fields:
        return None
    value = fields["timeout_ms"]
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse("the field 'timeout_ms' must be an integer")
    if not 0 < value <= ceiling:
        _refuse(f"the field 'timeout_ms' must be between 1 and {ceiling}")
    return value


def _dialect(value: object) -> Dialect:
    if not isinstance(value, str) or value not in DIALECTS:
        _refuse(f"the field 'dialect' must be one of {', '.join(DIALECTS)}")
    return cast(Dialect, value)

"""Bytes to values: tickets and commands as JSON or SQL text. No I/O."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, cast

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Dialect, Receipt, Scalar

_FIELDS = frozenset({"sql", "parameters", "timeout_ms", "dialect"})
_DIALECTS = ("auto", "snowflake", "duckdb")
_INGEST_MODES = ("create", "append", "replace", "create_append")


@dataclass(frozen=True, slots=True)
class QueryCommand:
    """A query as the JSON ticket holds it."""

    sql: str
    parameters: tuple[Scalar, ...] = ()
    timeout_ms: int | None = None
    dialect: Dialect = "auto"


@dataclass(frozen=True, slots=True)
class IngestCommand:
    """Rows to be written to a table.

    Attributes:
        mode: `create` refuses an existing table, `append` a missing one, `replace` drops the
            old one, `create_append` takes both.
    """

    table: str
    mode: str


def read_command(body: bytes) -> QueryCommand | IngestCommand:
    """Return what a ticket or a descriptor's command asks for.

    Raises:
        QueryRefused: INVALID_REQUEST.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("the ticket is neither UTF-8 text nor a Flight SQL message") from None
    if not text.lstrip().startswith("{"):
        return QueryCommand(text)
    try:
        told = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        raise invalid("the ticket is not valid JSON") from None
    if not isinstance(told, dict):
        raise invalid("the ticket must be a JSON object")
    return _ingest(told["ingest"]) if set(told) == {"ingest"} else _query(told)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a field is given twice")
    return told


def _query(told: dict[str, Any]) -> QueryCommand:
    unknown = sorted(set(told) - _FIELDS)
    if unknown:
        raise invalid(f"unknown field '{unknown[0][:64]}'")
    sql, timeout_ms, dialect = told.get("sql"), told.get("timeout_ms"), told.get("dialect") or "auto"
    if not isinstance(sql, str):
        raise invalid("'sql' must be a string")
    if timeout_ms is not None and (not isinstance(timeout_ms, int) or isinstance(timeout_ms, bool)):
        raise invalid("'timeout_ms' must be a whole number of milliseconds")
    if dialect not in _DIALECTS:
        raise invalid("'dialect' must be auto, snowflake or duckdb")
    return QueryCommand(sql, _parameters(told.get("parameters")), timeout_ms, cast(Dialect, dialect))


def _parameters(values: object) -> tuple[Scalar, ...]:
    if values is None:
        return ()
    if not isinstance(values, list):
        raise invalid("'parameters' must be an array")
    for index, value in enumerate(values, start=1):
        if isinstance(value, (dict, list)) or (isinstance(value, float) and not math.isfinite(value)):
            raise invalid(f"parameter {index} must be a string, a finite number, a boolean or null")
        if isinstance(value, int) and not -(2**127) <= value < 2**127:
            raise invalid(f"parameter {index} is too large a number")
    return tuple(values)


def _ingest(told: object) -> IngestCommand:
    if not isinstance(told, dict) or not set(told) <= {"table", "mode"}:
        raise invalid("'ingest' must be an object with 'table' and 'mode'")
    table, mode = told.get("table"), told.get("mode", "create")
    if not isinstance(table, str) or not table:
        raise invalid("'table' must be a string")
    if mode not in _INGEST_MODES:
        raise invalid(f"'mode' must be one of {', '.join(_INGEST_MODES)}")
    return IngestCommand(table, mode)


def receipt_bytes(receipt: Receipt, file_bytes: int | None = None) -> bytes:
    """Return the receipt as the JSON that ends a stream; *file_bytes* are in the gateway's file instead."""
    lent = {} if file_bytes is None else {"file_bytes": file_bytes}
    return json.dumps(
        {
            **lent,
            "query_id": receipt.query_id,
            "rows": receipt.rows,
            "bytes": receipt.bytes,
            "duration_ms": receipt.duration_ms,
            "credits_consumed": receipt.credits_consumed,
            "transpile_cache_hit": receipt.transpile_cache_hit,
            "result_cache_hit": receipt.result_cache_hit,
            "masked_columns": receipt.masked_columns,
            "row_filters": receipt.row_filters,
            "policy_version": receipt.policy_version,
            "rows_affected": receipt.rows_affected,
        }
    ).encode()


def invalid(what: str) -> QueryRefused:
    """Return the refusal of a request that is not well formed."""
    return QueryRefused(ErrorCode.INVALID_REQUEST, f"Invalid request: {what}")

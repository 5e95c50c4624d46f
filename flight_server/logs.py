"""The operator's log: JSON lines in production, readable text on a terminal, on standard error.

What a query carries in it (text, literals, parameters, credentials) never gets here: a query's line
is made from the audit entry by naming the members that may be shown, and the SQL is none of them.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from flight_server.stores.audit_entry import AuditEntry
from hatidata_telemetry.lines import LateLines, stamped

LogFormat = Literal["auto", "json", "text"]

_encode: Final = json.JSONEncoder(separators=(",", ":"), default=str).encode
_lines: Final = LateLines()


def configure_logging(
    log_format: LogFormat = "auto", level: str = "info", stream: TextIO | None = None
) -> None:
    """Send every structlog logger of this process to *stream* (default: standard error).

    Raises:
        ValueError: *level* is no level of the standard library.
    """
    target = stream or sys.stderr
    text = log_format == "text" or (log_format == "auto" and target.isatty())
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would quote statements, secrets and all
    structlog.configure(
        processors=_processors(text=text, colors=target.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(_level(level)),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )


def log_query(logger: FilteringBoundLogger, entry: AuditEntry) -> None:
    """Have the line of a query that ended written; a defect of ours is an error, all else information."""
    _lines.write(
        logger.error if entry.outcome == "INTERNAL_ERROR" else logger.info,
        "query",
        query_id=entry.query_id,
        code=entry.outcome,
        protocol=entry.protocol,
        source_ip=entry.source_ip,
        key=entry.key_prefix,
        agent=entry.agent_id,
        session=entry.session_id,
        kind=entry.kind,
        tables=entry.tables,
        rows=entry.rows,
        bytes=entry.bytes,
        credits=entry.credits,
        duration_ms=entry.duration_ms,
        compile_hit=entry.transpile_cache_hit,
        result_hit=entry.result_cache_hit,
    )


def flush_lines() -> None:
    """Write the lines of queries that ended up to now."""
    _lines.flush()


def _processors(*, text: bool, colors: bool) -> list[Processor]:
    if text:
        plain = structlog.dev.plain_traceback
        return [stamped, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    # Local variables of a traceback would show parameters and credentials.
    without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    exceptions = structlog.processors.ExceptionRenderer(without_locals)
    return [stamped, exceptions, structlog.processors.JSONRenderer(_to_json)]


def _to_json(event: Any, **_options: Any) -> str:
    """Serialise an event; structlog hands over options of `json.dumps` that are fixed here."""
    return _encode(event)


def _level(name: str) -> int:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise ValueError(f"unknown log level {name!r}")
    return level

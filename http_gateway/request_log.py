"""One line for each request: never its SQL, its parameters or its credential."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, Final, TextIO

import structlog
from flask import Response, g, request
from structlog.typing import EventDict, Processor

from hatidata_settings import Settings
from hatidata_telemetry.lines import LateLines, stamped
from http_gateway.exchange import Exchange

log = structlog.get_logger()

PROBES: Final = ("/health", "/ready")
"""Paths that supervisors ask every few seconds; their lines are for debugging."""

_encode: Final = json.JSONEncoder(default=str).encode
_lines: Final = LateLines()
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure_log(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Set how this process logs: JSON for machines, aligned text on a terminal."""
    text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    structlog.configure(
        processors=[stamped, structlog.processors.format_exc_info, _renderer(text=text)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.log_level]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


def log_like_us(logger: logging.Logger, log_format: str) -> None:
    """Have a standard library logger, such as gunicorn's, write lines of the same form."""
    for handler in logger.handlers:
        if log_format != "text":
            handler.setFormatter(_LineFormatter())


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return _encode(event)


def _renderer(*, text: bool) -> Processor:
    return structlog.dev.ConsoleRenderer() if text else _json_line


def _json_line(_: Any, __: str, event: EventDict) -> str:
    return _encode(event)


def log_request(exchange: Exchange, response: Response) -> None:
    """Have the line of the present request and its answer written; an app calls it after everything else."""
    path = request.path
    _lines.write(
        log.debug if path in PROBES else log.info,
        "request",
        query_id=exchange.query_id,
        method=request.method,
        path=path[:200],
        profile=exchange.profile.name,
        status=response.status_code,
        code=g.get("code"),
        bytes=getattr(response, "length", None),
        rows=getattr(response, "rows", None),
        ms=round((time.monotonic() - exchange.arrived) * 1000, 2),
        client=request.remote_addr,
    )

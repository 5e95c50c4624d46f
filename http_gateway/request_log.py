"""One line for each request: never its SQL, its parameters or its credential."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, Final, TextIO

import structlog
from flask import Response, g, request
from structlog.typing import EventDict

from hatidata_settings import Settings
from http_gateway.exchange import Exchange, this_exchange

log = structlog.get_logger()

PROBES: Final = ("/health", "/ready")
"""Paths that supervisors ask every few seconds; their lines are for debugging."""

_encode: Final = json.JSONEncoder(default=str).encode
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure_log(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Set how this process logs: JSON for machines, aligned text on a terminal."""
    text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if text else _json_line
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
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


def _json_line(_: Any, __: str, event: EventDict) -> str:
    return _encode(event)


def log_request(response: Response) -> Response:
    """Log the present request and its answer; an app calls it after everything else."""
    exchange: Exchange = this_exchange()
    write = log.debug if request.path in PROBES else log.info
    write(
        "request",
        query_id=exchange.query_id,
        method=request.method,
        path=request.path[:200],
        profile=exchange.profile.name.lower(),
        status=response.status_code,
        code=g.get("code"),
        bytes=response.headers.get("Content-Length", type=int),
        rows=response.headers.get("X-Row-Count", type=int),
        ms=round((time.monotonic() - exchange.arrived) * 1000, 2),
        client=request.remote_addr,
    )
    return response

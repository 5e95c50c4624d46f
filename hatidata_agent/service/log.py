"""The supervisor's own log lines, in the form that the settings ask for."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import TextIO

from hatidata_agent.service.child import Log


def log_for(log_format: str, stream: TextIO = sys.stderr) -> Log:
    """Return a log that writes text or JSON lines; `auto` is text on a terminal."""
    as_text = log_format == "text" or (log_format == "auto" and stream.isatty())

    def write(event: str, **fields: object) -> None:
        line = _text(event, fields) if as_text else _json(event, fields)
        stream.write(line + "\n")
        stream.flush()

    return write


def _text(event: str, fields: dict[str, object]) -> str:
    return " ".join(["hati:", event, *(f"{name}={value}" for name, value in fields.items())])


def _json(event: str, fields: dict[str, object]) -> str:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {"timestamp": now, "level": "info", "logger": "hati", "event": event, **fields}, default=str
    )

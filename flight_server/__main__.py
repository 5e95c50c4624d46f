"""`python -m flight_server`: one process that owns the data and answers Flight."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

import duckdb

from flight_server.app import App
from flight_server.engines.duckdb_lock import NotLocked
from flight_server.engines.duckdb_selftest import EngineUnusable
from flight_server.logs import configure_logging, flush_lines
from flight_server.policy.faults import PolicyFaults
from hatidata_settings import SettingsError, load_settings

CONFIGURATION_FAULT = 78


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM; return the exit code."""
    options = _options(arguments)
    overrides = {name: value for name, value in vars(options).items() if name != "home" and value is not None}
    try:
        settings = load_settings(Path(options.home).absolute(), os.environ, overrides)
        configure_logging(settings.log_format, settings.log_level)
        app = App(settings)
    except (SettingsError, PolicyFaults, EngineUnusable, NotLocked) as fault:
        print(f"flight_server cannot start:\n{fault}", file=sys.stderr)
        return CONFIGURATION_FAULT
    except (OSError, duckdb.Error) as fault:
        print(f"flight_server cannot start: {fault}", file=sys.stderr)
        return 1
    return _serve(app)


def _serve(app: App) -> int:
    ended = threading.Event()
    drained = threading.Event()

    def on_term(*_: object) -> None:
        if ended.is_set():
            os._exit(1)
        ended.set()

    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGINT, on_term)
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=app.reload, name="reload").start())
    app.load_memories(ended)
    app.start()
    while not ended.wait(0.5):
        pass

    def drain() -> None:
        try:
            app.drain()
        finally:
            drained.set()

    threading.Thread(target=drain, name="drain", daemon=True).start()
    while not drained.wait(0.1):
        pass
    flush_lines()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flight_server", description=__doc__)
    parser.add_argument("--home", default=os.environ.get("HATIDATA_HOME", "./.hati"))
    parser.add_argument("--host")
    for name in ("flight-port", "health-port", "metrics-port"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--tls", action="store_true", default=None)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    exit_code = main()
    sys.stderr.flush()
    os._exit(exit_code)  # past DuckDB's own farewell, which reports its types as leaks to the terminal

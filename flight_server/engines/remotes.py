"""Opens the remote engines of the settings and puts them beside the embedded one."""

from __future__ import annotations

import hashlib

from flight_server.engines.adbc_engine import AdbcEngine
from flight_server.engines.duckdb_engine import DuckDBEngine
from flight_server.engines.engine import Engine
from flight_server.engines.routing import RoutedEngine
from flight_server.syntax.parser import Parser
from hatidata_settings import Settings


def with_remotes(local: DuckDBEngine, settings: Settings, parser: Parser) -> Engine:
    """Return *local*, or an engine of it and the remote ones, if there are any."""
    if not settings.engines:
        return local
    shadow = local.provide_shadow()
    folder = settings.run_folder / "engines"
    folder.mkdir(exist_ok=True, mode=0o700)
    stand_in = hashlib.sha256(f"outside {local.nonce}".encode()).hexdigest()[:16]
    remotes = [
        AdbcEngine(
            engine,
            shadow.types,
            folder / f"{engine.name}.json",
            (local.nonce, stand_in),
            settings.batch_bytes,
        )
        for engine in settings.engines
    ]
    return RoutedEngine(local, remotes, parser)

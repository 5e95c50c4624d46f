"""The peers: installed from PyPI into bench/.peers, started, and asked for lineitem.

Whatever cannot be had is reported as absent with its reason; nothing is guessed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from bench.clients import adbc_bytes, adbc_connection
from bench.data import LINEITEM
from bench.lab import Peer
from bench.processes import free_port, listens, running, wait_for

PEERS: Final = Path(__file__).parent / ".peers"
PACKAGES: Final = ("roapi==0.12.7", "pysail==0.7.2", "duckdb==1.5.5", "pyarrow==26.0.1")
_QUACK: Final = "import duckdb; c = duckdb.connect(); c.execute('INSTALL quack'); c.execute('LOAD quack')"


def install() -> None:
    """Make the throw-away environment; again, nothing to do."""
    if (PEERS / "bin" / "roapi").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    subprocess.run([str(PEERS / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True)


@contextmanager
def started(folder: Path) -> Iterator[tuple[tuple[Peer, ...], Mapping[str, str]]]:
    """Yield the peers that answer, and why the others do not."""
    alive: list[Peer] = []
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        for name, start in (("ROAPI", _roapi), ("Sail", _sail)):
            try:
                alive.append(_answering(stack.enter_context(start(folder))))
            except (RuntimeError, OSError, ImportError) as error:
                absent[name] = str(error).strip().splitlines()[-1]
        absent["DuckDB Quack"] = _why_no_quack()
        yield tuple(alive), {name: why for name, why in absent.items() if why}


@contextmanager
def _roapi(folder: Path) -> Iterator[Peer]:
    http, sql = free_port(), free_port()
    addresses = ["-a", f"127.0.0.1:{http}", "--addr-flight-sql", f"127.0.0.1:{sql}"]
    output = folder / "roapi.txt"
    with running([PEERS / "bin" / "roapi", *addresses, "-t", f"lineitem={LINEITEM}"], output) as process:
        wait_for(lambda: listens(http) and listens(sql), process, output)
        yield Peer("ROAPI 0.12.7", f"grpc://127.0.0.1:{sql}", f"http://127.0.0.1:{http}/api/sql")


@contextmanager
def _sail(folder: Path) -> Iterator[Peer]:
    port = free_port()
    output = folder / "sail.txt"
    with running([PEERS / "bin" / "sail", "flight", "server", "--port", str(port)], output) as process:
        wait_for(lambda: listens(port), process, output)
        yield Peer("Sail 0.7.2", f"grpc://127.0.0.1:{port}", None, f"parquet.`{LINEITEM}`")


def _answering(peer: Peer) -> Peer:
    """Return *peer* once it has answered a query.

    Raises:
        RuntimeError: It does not.
    """
    try:
        with closing(adbc_connection(peer.flight_sql or "", None)) as connection:
            adbc_bytes(connection, peer.spelled("SELECT count(*) AS n FROM lineitem"))
    except connection_errors() as error:
        raise RuntimeError(f"{peer.name} does not answer: {error}") from error
    return peer


def connection_errors() -> tuple[type[Exception], ...]:
    """What the driver raises when a peer refuses."""
    import adbc_driver_manager.dbapi as dbapi

    return (dbapi.Error,)


def _why_no_quack() -> str:
    """Say why Quack is not measured; its extension comes from DuckDB's own repository, not from PyPI."""
    done = subprocess.run(
        [PEERS / "bin" / "python", "-c", _QUACK], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1]
        reason = "no connection to it" if "establish connection" in said else said
        return f"its extension is not on PyPI, and DuckDB's extension repository could not be used: {reason}"
    return "its extension can be installed here, but this bench has no client for it yet"

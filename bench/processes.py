"""Starts and stops what is measured; every process is this program's own child."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flight_server.stores.keys import KeyStore

ROOT = Path(__file__).parent.parent
PORTS = ("http", "mcp", "flight", "health", "metrics")
_START_SECS = 60.0

_ACCESS = """\
permit(principal in Role::"admin", action, resource);
permit(principal in Role::"reader", action, resource);
"""
_MASKS = """\
- {table: main.lineitem, column: l_comment, function: hash, exempt_roles: [admin]}
- {table: main.lineitem, column: l_shipinstruct, function: partial, exempt_roles: [admin]}
"""
_CONFIG = """\
dev_mode = false
duckdb_threads = 2
max_result_bytes = 100_000_000_000
spool_memory_bytes = 536_870_912
"""
NO_RESULT_CACHE = "cache_l1_max_entries = 0\ncache_l2_max_size_mb = 0\n"
"""Most claims are about running a query, so the answer to the last round must not be kept."""
RESULT_CACHE = "cache_l1_max_size_mb = 2048\ncache_l1_ttl_seconds = 3600\n"
AS_SHIPPED = ""
"""The settings that a user has: results are kept."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The service with all of its pipeline on, and two keys: one that sees all, one under masks."""

    endpoints: Mapping[str, str]
    key: str
    masked_key: str
    flight_pid: int
    gateway_pid: int


@contextmanager
def our_service(home: Path, warehouse: Path, caching: str = NO_RESULT_CACHE) -> Iterator[Ours]:
    """Serve a copy of *warehouse* by `hati serve`, with real keys and dev_mode off."""
    (home / "policies").mkdir(parents=True)
    shutil.copyfile(warehouse, home / "warehouse.duckdb")
    files = {"access.cedar": _ACCESS, "masks.yaml": _MASKS, "row_filters.yaml": "[]\n", "limits.yaml": "[]\n"}
    for name, text in files.items():
        (home / "policies" / name).write_text(text)
    (home / "config.toml").write_text(_CONFIG + caching)
    with closing(KeyStore.open(home / "keys.db")) as store:
        keys = [store.create(roles=[role], agent_id=f"bench-{role}") for role in ("admin", "reader")]
    ports = [part for port in PORTS for part in (f"--{port}-port", "0")]
    command = [sys.executable, "-m", "hatidata_agent", "serve", "--home", str(home), *ports]
    with running(command, home / "output.txt") as process:
        wait_for((home / "run" / "endpoints.json").exists, process, home / "output.txt")
        endpoints = json.loads((home / "run" / "endpoints.json").read_text())
        pids = [
            json.loads((home / "run" / f"{name}.json").read_text())["pid"] for name in ("flight", "gateway")
        ]
        yield Ours(endpoints, keys[0], keys[1], pids[0], pids[1])


@contextmanager
def bare_flight(warehouse: Path, folder: Path) -> Iterator[str]:
    """The bare Flight server; yields its URI."""
    port = free_port()
    command = [sys.executable, "-m", "bench.bare_flight", str(warehouse), str(port)]
    with running(command, folder / "bare_flight.txt") as process:
        wait_for(lambda: listens(port), process, folder / "bare_flight.txt")
        yield f"grpc://127.0.0.1:{port}"


@contextmanager
def bare_gateway(flight_uri: str, folder: Path) -> Iterator[str]:
    """The bare gateway over *flight_uri*; yields the URL to post queries to."""
    port = free_port()
    gunicorn = [
        sys.executable,
        "-m",
        "gunicorn",
        "-k",
        "gthread",
        "--threads",
        "32",
        "--log-level",
        "warning",
    ]
    command = [*gunicorn, "-b", f"127.0.0.1:{port}", "bench.bare_gateway:app"]
    with running(command, folder / "bare_gateway.txt", {"BARE_FLIGHT": flight_uri}) as process:
        wait_for(lambda: listens(port), process, folder / "bare_gateway.txt")
        yield f"http://127.0.0.1:{port}/query"


@contextmanager
def running(
    command: Sequence[str | Path], output: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* for as long as the block lasts; what it prints goes to *output*."""
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environ or {})},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], output: Path) -> None:
    """Wait until *ready* says so.

    Raises:
        RuntimeError: The process ended, or a minute passed.
    """
    deadline = time.monotonic() + _START_SECS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start: {output.read_text()[-2_000:]}")
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something accepts connections on *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def resident_mb(pid: int) -> float:
    """Resident memory of a process in megabytes (10^6)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

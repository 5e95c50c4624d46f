"""Starts the whole service, as a user does, for tests that need all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PORTS = ("http", "mcp", "flight", "health", "metrics")
START_SECS = 40.0
STOP_SECS = 20.0


class NotServedError(Exception):
    """The service did not become ready; the message holds what it printed."""


@contextmanager
def served(home: Path, environ: Mapping[str, str] | None = None) -> Iterator[Mapping[str, str]]:
    """Serve *home* on ports that the system chooses; yields the endpoints by name.

    Raises:
        NotServedError: It ended, or was not ready within 40 seconds.
    """
    ports = [part for port in PORTS for part in (f"--{port}-port", "0")]
    command = [sys.executable, "-m", "hatidata_agent", "serve", "--home", str(home), *ports]
    output = home / "output.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=subprocess.STDOUT, env={**os.environ, **(environ or {})}
        )
    try:
        yield _endpoints(process, home, output)
    finally:
        _stop(process)


def _endpoints(process: subprocess.Popen[bytes], home: Path, output: Path) -> Mapping[str, str]:
    announced = home / "run" / "endpoints.json"
    deadline = time.monotonic() + START_SECS
    while not announced.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotServedError(output.read_text(errors="replace")[-4_000:])
        time.sleep(0.05)
    found: dict[str, str] = json.loads(announced.read_text())
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECS)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(STOP_SECS)

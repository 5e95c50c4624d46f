"""P8: a 10 GB result to a fast and to a slow reader, while the server's resident memory is watched."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.flight as flight

from bench.clients import flight_options, ticket
from bench.data import WAREHOUSE
from bench.lab import Lab
from bench.measure import Claim, Finding, Sample
from bench.processes import Ours, our_service, resident_mb
from bench.workloads import TEN_GIGABYTES

LIMIT_MB = 200.0
SLOW_SECONDS = 25.0
SLOW_PAUSE = 0.02
INTERVAL = 0.02


def measure(_lab: Lab) -> Finding:
    """The fast reader reads everything; the slow one reads 50 batches a second for 25 seconds.

    Both meet a service that was just started: one that has served much keeps memory to grow into.
    """
    growth: dict[str, float] = {}
    sizes: list[float] = []
    for name, reading in (("fast reader", _to_the_end), ("slow reader", _slowly)):
        with (
            tempfile.TemporaryDirectory(prefix="hatidata-bench-") as folder,
            our_service(Path(folder) / "home", WAREHOUSE) as fresh,
        ):
            _read(fresh, lambda read: read < 200_000_000)
            before = resident_mb(fresh.flight_pid)
            with _Watch(fresh.flight_pid) as watch:
                sizes.append(_read(fresh, reading()) / 1e6)
            growth[name] = watch.highest - before
    claims = [
        Claim("P8", f"10 GB, {name}", f"grows < {LIMIT_MB:.0f} MB", f"{grown:.0f} MB", grown < LIMIT_MB)
        for name, grown in growth.items()
    ]
    samples = [Sample("P8", f"{name}, growth", "MB", (grown,)) for name, grown in growth.items()]
    return Finding(tuple(claims), (*samples, Sample("P8", "fast reader, read", "MB", (sizes[0],))))


def _to_the_end() -> Callable[[int], bool]:
    return lambda _read_so_far: True


def _slowly() -> Callable[[int], bool]:
    """Pauses at each batch, and ends the reading after a while."""
    end = time.monotonic() + SLOW_SECONDS

    def going(_read_so_far: int) -> bool:
        time.sleep(SLOW_PAUSE)
        return time.monotonic() < end

    return going


def _read(ours: Ours, going: Callable[[int], bool]) -> int:
    """Read for as long as *going*, which is told the bytes read, says so."""
    with closing(flight.connect(ours.endpoints["flight"])) as client:
        question = ticket(TEN_GIGABYTES, timeout_ms=300_000)
        reader = client.do_get(flight.Ticket(question), flight_options(ours.key))
        read = 0
        for chunk in reader:
            read += chunk.data.nbytes
            if not going(read):
                reader.cancel()
                break
    return read


class _Watch:
    """Samples a process's memory until the block ends."""

    def __init__(self, pid: int) -> None:
        self.highest = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.highest = max(self.highest, resident_mb(self._pid))

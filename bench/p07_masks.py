"""P7: six million rows with one column hashed and one partly masked, against DuckDB hashing natively.

The native contender is measured twice: through the bare server, which pays the same transport
for the same output, and in this process without any, which is the stricter reading of the target.
"""

from __future__ import annotations

import time
from contextlib import closing

import duckdb
import pyarrow.flight as flight

from bench.clients import do_get, flight_options, ticket
from bench.data import WAREHOUSE
from bench.lab import Lab
from bench.measure import Claim, Finding, interleaved
from bench.workloads import MASKED, MASKED_NATIVELY

FACTOR = 1.5


def measure(lab: Lab) -> Finding:
    """Seconds for the whole result."""
    with (
        closing(flight.connect(lab.ours.endpoints["flight"])) as ours,
        closing(flight.connect(lab.bare_flight)) as bare,
    ):
        samples = interleaved(
            "P7",
            "s",
            lab.rounds,
            {
                "ours, masked": lambda: _seconds(ours, ticket(MASKED), lab.ours.masked_key),
                "ours, unmasked": lambda: _seconds(ours, ticket(MASKED), lab.ours.key),
                "bare server, native hash": lambda: _seconds(
                    bare, ticket(MASKED_NATIVELY, batch_rows=8192), None
                ),
                "DuckDB in process, native hash": _native,
            },
        )
    masked = samples["ours, masked"].median
    claims = []
    for name in ("bare server, native hash", "DuckDB in process, native hash"):
        native = samples[name].median
        measured = f"{masked:.2f} s, {masked / native:.2f}x {native:.2f} s"
        claims.append(
            Claim("P7", "6 M rows masked", f"<= {FACTOR}x {name}", measured, masked / native <= FACTOR)
        )
    return Finding(tuple(claims), tuple(samples.values()))


def _seconds(client: flight.FlightClient, question: bytes, key: str | None) -> float:
    started = time.perf_counter()
    do_get(client, question, flight_options(key))
    return time.perf_counter() - started


def _native() -> float:
    with duckdb.connect(str(WAREHOUSE), read_only=True, config={"threads": "2"}) as warehouse:
        started = time.perf_counter()
        for _ in warehouse.sql(MASKED_NATIVELY).to_arrow_reader(8192):
            pass
        return time.perf_counter() - started

"""P11: a repeated query with the result cache on, against the bare server streaming from memory."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.flight as flight
import requests

from bench.clients import do_get, flight_options, ticket
from bench.data import WAREHOUSE
from bench.lab import Lab
from bench.measure import Claim, Finding, interleaved, rate
from bench.processes import RESULT_CACHE, our_service
from bench.workloads import NUMERIC

SHARE = 0.8


def measure(lab: Lab) -> Finding:
    """A service of its own whose cache has room for the result, and holds it."""
    with (
        tempfile.TemporaryDirectory(prefix="hatidata-bench-") as folder,
        our_service(Path(folder) / "home", WAREHOUSE, RESULT_CACHE) as caching,
        closing(flight.connect(caching.endpoints["flight"])) as ours,
        closing(flight.connect(lab.bare_flight)) as bare,
    ):
        secret, question = flight_options(caching.key), ticket(NUMERIC)
        rows = next(iter(ours.do_get(flight.Ticket(question), secret))).data.num_rows
        _keep(lambda: do_get(ours, question, secret), caching.endpoints["metrics"])
        kept = ticket(NUMERIC, batch_rows=rows, keep=True)
        contenders = {
            "ours, cached, DoGet": lambda: rate(lambda: do_get(ours, question, secret)),
            "bare server from memory": lambda: rate(lambda: do_get(bare, kept, flight_options(None))),
        }
        samples = interleaved("P11", "GB/s", lab.rounds, contenders)
    cached, limit = samples["ours, cached, DoGet"].median, samples["bare server from memory"].median
    measured = f"{cached:.2f} GB/s, {cached / limit:.2f} of {limit:.2f} GB/s"
    claim = Claim(
        "P11", "num again, cache on", f">= {SHARE} of the wire limit", measured, cached / limit >= SHARE
    )
    return Finding((claim,), tuple(samples.values()))


def _keep(ask: Callable[[], int], metrics: str) -> None:
    """Ask until the result is kept: a large one is only when it was asked for before.

    Raises:
        RuntimeError: It is not kept after the fifth time.
    """
    for _ in range(5):
        if _kept_bytes(metrics) >= ask():
            return
    raise RuntimeError("the result is not kept")


def _kept_bytes(metrics: str) -> float:
    text = requests.get(metrics, timeout=5).text
    found = re.search(r"^hatidata_cached_result_bytes (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0

"""The table on the terminal, docs/performance.md and the raw numbers in bench/results."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.measure import Claim, Finding, Sample

PAGE: Final = Path(__file__).parent.parent / "docs" / "performance.md"
RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = ("duckdb", "pyarrow", "adbc-driver-flightsql", "sqlglot", "flask", "gunicorn")
_MARKS: Final = {True: "met", False: "**missed**", None: "not judged"}
_HEAD: Final = """\
# Performance

Written by `{command}`; do not edit. Every number is the median of {rounds} rounds in which the contenders
took turns, after one round that is not counted. Ratios count; absolute values drift with the machine.
The service ran as `hati serve` starts it, with the whole pipeline on: a verified key, policies,
metering and audit.
"""
_NOTES: Final = """\
## How it was measured

- **num** is eight numeric columns of TPC-H lineitem (scale factor 1, 6,001,215 rows), decimals as doubles;
  **all** is all sixteen; **small** is `SELECT 42 AS a`.
- The **bare server** is `bench/bare_flight.py`: DuckDB's streaming reader behind one DoGet, with our batch
  size. The **bare gateway** is `bench/bare_gateway.py`: Flask under gunicorn's gthread, streaming from it.
- "bare, ADBC" is what the driver's calls cost on a pyarrow server that does nothing else; it prepares
  nothing, so it answers fewer calls than ours.
- P3's answer is gathered before its first header leaves, since row count and length are exact; the bare
  gateway streams.
- The result cache is off, but where a line says "as shipped" and in P11, whose limit of the wire is the
  bare server streaming from memory.
- P8's slow reader reads 50 batches a second for 25 seconds and then leaves; the fast one reads all 10 GB.
- P10 counts from the event until `hatidata_running_queries` is 0 again, by looking every 5 ms.
"""


def write(findings: Sequence[Finding], rounds: int, absent: Mapping[str, str], *, page: bool) -> None:
    """Print the table, keep the raw numbers, and write the page when *page* says so."""
    claims = [claim for finding in findings for claim in finding.claims]
    samples = [sample for finding in findings for sample in finding.samples]
    _print(claims)
    RESULTS.mkdir(exist_ok=True)
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    raw = {"machine": machine(), "claims": list(map(asdict, claims)), "samples": list(map(asdict, samples))}
    (RESULTS / f"{stamp}.json").write_text(json.dumps(raw, indent=1) + "\n")
    if page:
        PAGE.write_text("\n".join(_page(claims, samples, rounds, absent)) + "\n")


def machine() -> str:
    """Processor, cores, memory, system and date, in one line."""
    text = Path("/proc/cpuinfo").read_text()
    models = [row.partition(":")[2].strip() for row in text.splitlines() if "model name" in row]
    model = models[0] if models else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    today = dt.datetime.now(dt.UTC).date().isoformat()
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}, {today}"


def _print(claims: Sequence[Claim]) -> None:
    table = Table("", "what", "target", "measured", "", title="Claims")
    for claim in claims:
        table.add_row(claim.id, claim.what, claim.target, claim.measured, _MARKS[claim.met].strip("*"))
    Console(width=150).print(table)


def _page(
    claims: Sequence[Claim], samples: Sequence[Sample], rounds: int, absent: Mapping[str, str]
) -> Iterator[str]:
    command = " ".join(["python", "-m", "bench", *sys.argv[1:]])
    yield _HEAD.format(command=command, rounds=rounds)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    yield f"- Machine: {machine()}\n- Python {platform.python_version()}, {versions}"
    yield f"- Command: `{command}`\n"
    yield "## Targets\n\n| id | what | target | measured | |\n|---|---|---|---|---|"
    for claim in claims:
        note = f" ({claim.note})" if claim.note else ""
        yield f"| {claim.id} | {claim.what} | {claim.target} | {claim.measured} | {_MARKS[claim.met]}{note} |"
    if absent:
        yield "\nNot measured:\n"
        yield from (f"- {name}: {why}." for name, why in absent.items())
    yield "\n## All medians\n\n| claim | contender | median | lowest | highest |\n|---|---|---|---|---|"
    yield from map(_sample_row, samples)
    yield f"\n{_NOTES}".rstrip()


def _sample_row(sample: Sample) -> str:
    low, high = min(sample.values), max(sample.values)
    middle = statistics.median(sample.values)
    return f"| {sample.claim} | {sample.contender} | {middle:,.2f} {sample.unit} | {low:,.2f} | {high:,.2f} |"

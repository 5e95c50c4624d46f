"""P9: writing the numeric columns by ADBC ingest, against DuckDB inserting the same Arrow in this process."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
from adbc_driver_flightsql.dbapi import Connection

from bench.clients import adbc_connection
from bench.data import WAREHOUSE
from bench.lab import Lab
from bench.measure import Claim, Finding, interleaved
from bench.workloads import NUMERIC

SHARE = 0.6


def measure(lab: Lab) -> Finding:
    """Both write a new table into a database file in every round."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as warehouse:
        rows = warehouse.sql(NUMERIC).to_arrow_table()
    with (
        tempfile.TemporaryDirectory(prefix="hatidata-bench-") as folder,
        closing(adbc_connection(lab.ours.endpoints["flight"], lab.ours.key)) as connection,
        duckdb.connect(str(Path(folder) / "native.duckdb"), config={"threads": "2"}) as native,
    ):
        contenders = {
            "ours, ADBC ingest": lambda: _ingested(connection, rows),
            "DuckDB in process": lambda: _inserted(native, rows),
        }
        samples = interleaved("P9", "GB/s", lab.rounds, contenders)
    ours, theirs = samples["ours, ADBC ingest"].median, samples["DuckDB in process"].median
    measured = f"{ours:.2f} GB/s, {ours / theirs:.2f} of {theirs:.2f} GB/s"
    claim = Claim(
        "P9", "ingest of num by ADBC", f">= {SHARE} of DuckDB in process", measured, ours / theirs >= SHARE
    )
    return Finding((claim,), tuple(samples.values()))


def _ingested(connection: Connection, rows: pa.Table) -> float:
    started = time.perf_counter()
    with closing(connection.cursor()) as cursor:
        cursor.adbc_ingest("bench_ingest", rows.to_reader(16_384), mode="replace")
    size: int = rows.nbytes
    return size / (time.perf_counter() - started) / 1e9


def _inserted(native: duckdb.DuckDBPyConnection, rows: pa.Table) -> float:
    started = time.perf_counter()
    native.register("incoming", rows)
    native.execute("CREATE OR REPLACE TABLE bench_ingest AS FROM incoming")
    size: int = rows.nbytes
    return size / (time.perf_counter() - started) / 1e9

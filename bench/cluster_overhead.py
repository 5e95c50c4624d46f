"""`make bench-cluster`: the service beside ADBC straight to the same Sail cluster, with 1, 2 and 4 workers.

Rounds alternate between the two, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.flight as flight
from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_manager import AdbcStatement

from bench.cluster_sail import files, sail, tpch
from bench.processes import running, wait_for
from flight_server.stores.keys import KeyStore
from hatidata_agent.service.endpoints import read_endpoints
from hatidata_agent.service.home import Home

_NUM: Final = (
    "SELECT l_orderkey, l_partkey, l_suppkey, l_linenumber, CAST(l_quantity AS DOUBLE) AS q, "
    "CAST(l_extendedprice AS DOUBLE) AS p, CAST(l_discount AS DOUBLE) AS d, l_shipdate FROM {at}lineitem"
)
WORK: Final = {
    "small": "SELECT r_regionkey FROM {at}region WHERE r_regionkey = 1",
    "num": _NUM,
    "all": "SELECT * FROM {at}lineitem",
    "Q1": (
        "SELECT l_returnflag, l_linestatus, sum(l_quantity) AS a, "
        "sum(l_extendedprice * (1 - l_discount)) AS b, count(*) AS c FROM {at}lineitem "
        "WHERE l_shipdate <= DATE '1998-09-02' GROUP BY 1, 2"
    ),
    "Q6": (
        "SELECT sum(l_extendedprice * l_discount) AS r FROM {at}lineitem "
        "WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' "
        "AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24"
    ),
}
Ask = Callable[[str], int]
_ROUNDS: Final = {"small": 200}
_ACCESS: Final = 'permit(principal in Role::"admin", action, resource);\n'


def main() -> None:
    """Print one table for each number of workers."""
    parser = argparse.ArgumentParser(prog="make bench-cluster", description=__doc__)
    parser.add_argument("--scale", default="0.1")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    options = parser.parse_args()
    print(f"TPC-H at scale factor {options.scale}; medians; rounds alternate\n", flush=True)
    print(
        "| workers | query | straight by ADBC | through the service | ratio |\n|---|---|---|---|---|",
        flush=True,
    )
    for workers in options.workers:
        with _both(options.scale, workers) as (straight, service, ask_once):
            here, there = _alternate(
                partial(_ask, straight, WORK["small"].format(at="")),
                partial(ask_once, WORK["small"].format(at="cluster.")),
                _ROUNDS["small"],
            )
            _print(workers, "small, by one DoGet", here, there)
            for name, sql in WORK.items():
                rounds = _ROUNDS.get(name, options.rounds)
                here, there = _alternate(
                    partial(_ask, straight, sql.format(at="")),
                    partial(_ask, service, sql.format(at="cluster.")),
                    rounds,
                )
                _print(workers, name, here, there)


def _print(workers: int, name: str, here: float, there: float) -> None:
    line = f"{here * 1000:.1f} ms | {there * 1000:.1f} ms | {there / here:.2f}"
    print(f"| {workers} | {name} | {line} |", flush=True)


@contextmanager
def _both(scale: str, workers: int) -> Iterator[tuple[Any, Any, Ask]]:  # Any: connections of the driver
    """Yield a connection to a cluster, one to a service over it, and what asks that in one round trip."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hati-bench-")))
        cluster = stack.enter_context(sail(folder, files(tpch(scale)), workers, slots=4))
        home = folder / "home"
        (home / "policies").mkdir(parents=True)
        (home / "policies" / "access.cedar").write_text(_ACCESS)
        for name in ("row_filters.yaml", "masks.yaml", "limits.yaml"):
            (home / "policies" / name).write_text("[]\n")
        engine = f'[engines.cluster]\ndriver = "flightsql"\nuri = "{cluster.uri}"\ndialect = "spark"\n'
        (home / "config.toml").write_text(f"dev_mode = false\n\n{engine}")
        with closing(KeyStore.open(home / "keys.db")) as store:
            key = store.create(roles=["admin"], agent_id="bench")
        ports = [p for n in ("http", "mcp", "flight", "health", "metrics") for p in (f"--{n}-port", "0")]
        command = [sys.executable, "-m", "hatidata_agent", "serve", "--home", str(home), *ports]
        process = stack.enter_context(running(command, home / "output.txt"))
        wait_for(lambda: read_endpoints(Home(home).endpoints) is not None, process, home / "output.txt")
        endpoints = read_endpoints(Home(home).endpoints)
        assert endpoints is not None
        header = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {key}"}
        straight = stack.enter_context(closing(flightsql.connect(cluster.uri, autocommit=True)))
        service = flightsql.connect(endpoints.flight, db_kwargs=header, autocommit=True)
        client = stack.enter_context(flight.connect(endpoints.flight))
        options = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {key}".encode())])

        def ask_once(sql: str) -> int:
            return int(client.do_get(flight.Ticket(sql), options).read_all().num_rows)

        yield straight, stack.enter_context(closing(service)), ask_once


def _alternate(one: Callable[[], int], other: Callable[[], int], rounds: int) -> tuple[float, float]:
    """Return the median seconds of both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for taken, ask in zip(times, (one, other), strict=True):
            began = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - began)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def _ask(connection: Any, sql: str) -> int:
    """Run *sql* without preparing it, and return how many rows came."""
    with closing(AdbcStatement(connection.adbc_connection)) as statement:
        statement.set_sql_query(sql)
        stream, _ = statement.execute_query()
        reader = pa.RecordBatchReader._import_from_c(stream.address)
        return sum(batch.num_rows for batch in reader)


if __name__ == "__main__":
    main()

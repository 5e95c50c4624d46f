"""Sail as a cluster on this machine, with the TPC-H tables in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import adbc_driver_flightsql.dbapi as flightsql

from bench.cluster_pods import Pods, pods
from bench.processes import free_port, listens, wait_for

TABLES: Final = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


def tpch(scale: str) -> Path:
    """Return the folder of the TPC-H tables as Parquet at *scale*, made once."""
    folder = Path(__file__).parent / "data" / f"sf{scale}"
    if not all((folder / f"{table}.parquet").exists() for table in TABLES):
        generator = Path(sys.executable).with_name("tpchgen-cli")
        command = [str(generator), "parquet", "-s", scale, "--output-dir", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


@dataclass
class Sail:
    """A Sail server that can be killed and started again on the same port.

    Attributes:
        tables: Where the Parquet files are, by the name of the table.
        workers: The processes of the workers, in the mode that has them.
    """

    port: int
    folder: Path
    tables: Mapping[str, Path]
    environ: Mapping[str, str]
    workers: Pods | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def uri(self) -> str:
        """Where it answers Flight SQL."""
        return f"grpc://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and tell it of its tables."""
        output = self.folder / "sail.txt"
        sail = Path(sys.executable).with_name("sail")
        with output.open("ab") as sink:
            self.process = subprocess.Popen(
                [str(sail), "flight", "server", "--port", str(self.port)],
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environ},
            )
        wait_for(lambda: listens(self.port), self.process, output)
        with closing(flightsql.connect(self.uri, autocommit=True)) as connection:
            for name, file in self.tables.items():
                with closing(connection.cursor()) as cursor:
                    cursor.execute(f"CREATE TABLE {name} USING parquet LOCATION '{file}'")
                    cursor.fetchall()

    def kill(self) -> None:
        """Kill it as the machine's failure would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def sail(
    folder: Path, tables: Mapping[str, Path], workers: int = 2, separate: bool = False, slots: int = 8
) -> Iterator[Sail]:
    """Run Sail with so many workers, as threads or each as a *separate* process."""
    with ExitStack() as stack:
        environ = {
            "SAIL_MODE": "local-cluster",
            "SAIL_CLUSTER__WORKER_INITIAL_COUNT": str(workers),
            "SAIL_CLUSTER__WORKER_MAX_COUNT": str(workers),
            "SAIL_CLUSTER__WORKER_TASK_SLOTS": str(slots),
            "SAIL_CLUSTER__WORKER_HEARTBEAT_INTERVAL_SECS": "1",
            "SAIL_CLUSTER__WORKER_HEARTBEAT_TIMEOUT_SECS": "5",
            "RUST_LOG": "warn",
        }
        started: Pods | None = None
        if separate:
            started, told = stack.enter_context(pods(folder))
            environ |= told
        running = Sail(free_port(), folder, tables, environ, started)
        running.start()
        try:
            yield running
        finally:
            running.kill()


def files(folder: Path) -> dict[str, Path]:
    """Return the files of the TPC-H tables in *folder*."""
    return {name: folder / f"{name}.parquet" for name in TABLES}

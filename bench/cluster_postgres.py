"""PostgreSQL in a folder of its own, from the Debian package, with tables in it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from bench.processes import free_port

_SERVER_USER: Final = "postgres"
_TYPES: Final = {"VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real", "BLOB": "bytea"}


@dataclass
class Postgres:
    """A PostgreSQL server that can be stopped and started again on the same port."""

    port: int
    folder: Path
    programs: Path
    password: str = field(repr=False)

    @property
    def uri(self) -> str:
        """Where it answers; the password stands in the variable CLUSTER_PG_PASSWORD."""
        return f"postgresql://hati:${{CLUSTER_PG_PASSWORD}}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log.txt")
        self._as_server("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def kill(self) -> None:
        """Stop it without waiting for anything."""
        self._as_server("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def ask(self, sql: str, database: str = "postgres") -> str:
        """Run *sql* by psql and return what it prints."""
        command = [str(self.programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "hati"]
        done = subprocess.run(
            [*command, "-d", database, "-v", "ON_ERROR_STOP=1", "-Atqc", sql],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def fill(
        self, source: duckdb.DuckDBPyConnection, tables: Sequence[str], database: str = "postgres"
    ) -> None:
        """Copy *tables* of *source*, named `schema.table` or `table`, here."""
        for table in tables:
            described = source.sql(f"DESCRIBE {table}").fetchall()
            columns = ", ".join(f'"{row[0]}" {_TYPES.get(row[1], row[1])}' for row in described)
            schema = table.rpartition(".")[0]
            if schema:
                self.ask(f'CREATE SCHEMA IF NOT EXISTS "{schema}"', database)
            file = self.folder / "rows.csv"
            source.execute(f"COPY {table} TO '{file}' (FORMAT csv, HEADER false)")
            self.ask(f"CREATE TABLE {table} ({columns})", database)
            self.ask(f"\\copy {table} from '{file}' with (format csv)", database)
            file.unlink()
            for column in described:
                if str(column[0]).endswith("key"):
                    self.ask(f'CREATE INDEX ON {table} ("{column[0]}")', database)
        self.ask("ANALYZE", database)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def create(self) -> None:
        """Make its files; PostgreSQL refuses to run as root, so its own user owns them."""
        word = self.folder / "word"
        word.write_text(self.password)
        if os.getuid() == 0:
            for path in (self.folder, word):
                shutil.chown(path, _SERVER_USER)
        options = ["-U", "hati", "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--locale=C.UTF-8"]
        self._as_server("initdb", "-D", str(self._data), *options)

    def _as_server(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", _SERVER_USER, "--", *command]
        output = self.folder / "output.txt"
        with output.open("ab") as sink:
            done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, check=False, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{program}: {output.read_text()[-1000:]}")


def programs() -> Path:
    """Return the folder of PostgreSQL's programs; root has them installed by apt-get if need be.

    Raises:
        RuntimeError: They are not there and cannot be installed.
    """
    found = _installed()
    if found is None and os.getuid() == 0 and shutil.which("apt-get"):
        environ: Mapping[str, str] = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "postgresql"]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
        found = _installed()
    if found is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql (or run this as root)")
    return found


def _installed() -> Path | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    return versions[-1].parent if versions else None


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Run PostgreSQL with its files in *folder*."""
    server = Postgres(free_port(), folder, programs(), secrets.token_hex(12))
    server.create()
    server.start()
    try:
        yield server
    finally:
        server.kill()

"""One service over Sail and PostgreSQL, with the same tables in its own warehouse.

These tests start clusters, so they run by `make test-cluster` alone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from bench.cluster_postgres import Postgres, postgres
from bench.cluster_sail import TABLES, Sail, files, sail, tpch
from flight_server.stores.keys import KeyStore
from tests.cluster.governed import ENGINES, Governed, write_policies
from tests.serving import served

collect_ignore_glob = [] if os.environ.get("TEST_CLUSTER") else ["test_*.py"]

SCALE = "0.01"


@pytest.fixture(scope="session")
def tables() -> dict[str, Path]:
    """The TPC-H tables as Parquet files."""
    return files(tpch(SCALE))


@pytest.fixture(scope="session")
def sail_cluster(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Path]) -> Iterator[Sail]:
    """Sail in mode local-cluster with two workers."""
    with sail(tmp_path_factory.mktemp("sail"), tables) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Path]) -> Iterator[Postgres]:
    """PostgreSQL with the same tables."""
    with (
        tempfile.TemporaryDirectory(
            prefix="hati-postgres-"
        ) as folder,  # its user cannot enter pytest's folders
        postgres(Path(folder)) as running,
        duckdb.connect() as source,
    ):
        for name, file in tables.items():
            source.execute(f"CREATE VIEW {name} AS FROM '{file}'")
        running.fill(source, TABLES)
        yield running


@pytest.fixture(scope="session")
def governed(
    tmp_path_factory: pytest.TempPathFactory,
    tables: dict[str, Path],
    sail_cluster: Sail,
    postgres_server: Postgres,
) -> Iterator[Governed]:
    """A service whose catalogs `cluster` and `pg` hold what its warehouse holds, under equal policies."""
    home = tmp_path_factory.mktemp("governed") / "home"
    write_policies(home)
    (home / "config.toml").write_text(ENGINES.format(sail=sail_cluster.uri, postgres=postgres_server.uri))
    (home / "secret.txt").write_text(f"password={postgres_server.password}\n")
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        for name, file in tables.items():
            warehouse.execute(f"CREATE TABLE {name} AS FROM '{file}'")
    with closing(KeyStore.open(home / "keys.db")) as store:
        keys = {role: store.create(roles=[role], agent_id=role) for role in ("admin", "analyst")}
    with served(home, {"CLUSTER_PG_PASSWORD": postgres_server.password}) as endpoints:
        yield Governed(home, endpoints, keys)

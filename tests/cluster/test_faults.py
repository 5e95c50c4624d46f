"""Whatever breaks, callers get a clear code in time, never a part of an answer; soon all is well again."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.flight as flight
import pytest

from bench.cluster_postgres import Postgres
from bench.cluster_sail import Sail, sail
from flight_server.stores.keys import KeyStore
from tests.cluster.governed import Governed
from tests.cluster.wire import Wire, wire
from tests.serving import served

CONFIG = """\
dev_mode = false

[engines.cluster]
driver = "flightsql"
uri = "grpc://127.0.0.1:{sail}"
dialect = "spark"
connect_secs = 2

[engines.pg]
driver = "postgresql"
uri = "{postgres}"
dialect = "postgres"
connect_secs = 2
"""
LONG = (
    "SELECT sum(CAST(a.l_orderkey AS DOUBLE) * b.l_partkey) AS s FROM {catalog}.main.lineitem AS a "
    "CROSS JOIN {catalog}.main.lineitem AS b WHERE b.l_orderkey < 15000"
)
LONGER = LONG.replace("15000", "50000")
"""Several seconds even on a machine that does nothing else."""

WIDE = (
    "SELECT a.l_comment AS x, b.o_comment AS y FROM {catalog}.main.lineitem AS a "
    "CROSS JOIN {catalog}.main.orders AS b WHERE b.o_orderkey < 100"
)
SHORT = "SELECT count(*) AS n FROM {catalog}.main.lineitem"
ROWS = [{"n": 60_175}]
RECOVERS_SECS = 40.0


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Path]) -> Iterator[Sail]:
    """Sail with two workers that are processes of their own."""
    with sail(tmp_path_factory.mktemp("fragile"), tables, separate=True) as running:
        yield running


@pytest.fixture(scope="module")
def line(fragile: Sail) -> Iterator[Wire]:
    """What the service reaches Sail by."""
    with wire(fragile.port) as laid:
        yield laid


@pytest.fixture
def service(over_both: Governed, fragile: Sail) -> Governed:
    """The service, with an engine that answers, whatever the test before has broken."""
    assert fragile.process is not None
    if fragile.process.poll() is not None:
        fragile.start()
    assert recovers(over_both, "cluster")
    return over_both


@pytest.fixture(scope="module")
def over_both(
    tmp_path_factory: pytest.TempPathFactory, line: Wire, postgres_server: Postgres
) -> Iterator[Governed]:
    """A service over both, of which an admin has a key."""
    home = tmp_path_factory.mktemp("fragile") / "home"
    (home / "policies").mkdir(parents=True)
    for name in ("row_filters.yaml", "masks.yaml", "limits.yaml"):
        (home / "policies" / name).write_text("[]\n")
    (home / "policies" / "access.cedar").write_text('permit(principal in Role::"admin", action, resource);\n')
    (home / "config.toml").write_text(CONFIG.format(sail=line.port, postgres=postgres_server.uri))
    with closing(KeyStore.open(home / "keys.db")) as store:
        keys = {"admin": store.create(roles=["admin"], agent_id="admin")}
    with served(home, {"CLUSTER_PG_PASSWORD": postgres_server.password}) as endpoints:
        yield Governed(home, endpoints, keys)


def refused(work: Callable[[], object]) -> tuple[str, float]:
    """Return the code that *work* is refused with, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises((flight.FlightError, pa.ArrowException)) as caught:
        work()
    return str(caught.value).partition("]")[0].removeprefix("["), time.monotonic() - began


def recovers(service: Governed, catalog: str) -> bool:
    """Tell whether the engine answers again before long, without a restart of the service."""
    deadline = time.monotonic() + RECOVERS_SECS
    while time.monotonic() < deadline:
        try:
            found = service.ask("admin", SHORT.format(catalog=catalog))
        except (flight.FlightError, pa.ArrowException):
            time.sleep(0.5)
        else:
            return bool(found.to_pylist() == ROWS)
    return False


def after(seconds: float, work: Callable[[], object]) -> threading.Timer:
    """Do *work* in a while."""
    timer = threading.Timer(seconds, work)
    timer.start()
    return timer


@pytest.mark.parametrize("killed", [1, 2])
def test_killed_workers_lead_to_the_whole_answer_or_to_a_clear_code(
    service: Governed, fragile: Sail, tables: dict[str, Path], killed: int
) -> None:
    assert fragile.workers is not None
    workers = fragile.workers.alive[-killed:]

    def kill() -> None:
        for worker in workers:
            worker.kill()

    timer = after(1.0, kill)
    began = time.monotonic()

    try:
        outcome = service.ask("admin", LONG.format(catalog="cluster")).column(0).to_pylist()
    except (flight.FlightError, pa.ArrowException) as error:
        outcome = [str(error).partition("]")[0]]
    seconds = time.monotonic() - began
    timer.join()

    assert outcome in ([pytest.approx(_product(tables["lineitem"]), rel=1e-9)], ["[SERVICE_UNAVAILABLE"])
    assert seconds < 30
    assert recovers(service, "cluster")


def _product(lineitem: Path) -> float:
    """Return what LONG computes; Sail runs the tasks of a lost worker again where it can."""
    parts = f"SELECT sum(l_orderkey), sum(l_partkey) FILTER (l_orderkey < 15000) FROM '{lineitem}'"
    left, right = duckdb.execute(parts).fetchall()[0]
    return float(left) * float(right)


def test_a_cluster_that_is_killed_ends_the_query_and_is_used_again_once_it_is_back(
    service: Governed, fragile: Sail
) -> None:
    timer = after(1.0, fragile.kill)

    code, seconds = refused(lambda: service.ask("admin", LONGER.format(catalog="cluster")))
    timer.join()
    gone, at_once = refused(lambda: service.ask("admin", SHORT.format(catalog="cluster")))
    local = service.ask("admin", "SELECT 1 AS one").to_pylist()
    fragile.start()

    assert (code, seconds < 10) == ("SERVICE_UNAVAILABLE", True)
    assert (gone, at_once < 5) == ("SERVICE_UNAVAILABLE", True)
    assert local == [{"one": 1}]
    assert recovers(service, "cluster")


def test_an_answer_that_is_cut_off_is_never_taken_for_whole(service: Governed, fragile: Sail) -> None:
    headers = [(b"authorization", f"Bearer {service.keys['admin']}".encode())]
    ticket = flight.Ticket(json.dumps({"sql": WIDE.format(catalog="cluster"), "timeout_ms": 60_000}))
    notes: list[bytes] = []

    def read() -> None:
        with flight.connect(service.endpoints["flight"]) as client:
            for number, chunk in enumerate(client.do_get(ticket, flight.FlightCallOptions(headers=headers))):
                notes.append(bytes(chunk.app_metadata or b""))
                if number == 3:
                    fragile.kill()

    code, _ = refused(read)

    assert code == "SERVICE_UNAVAILABLE"
    assert len(notes) > 3
    assert not any(notes)


def test_a_slow_cluster_ends_in_a_timeout_at_the_deadline(service: Governed, fragile: Sail) -> None:
    assert fragile.process is not None
    fragile.process.send_signal(signal.SIGSTOP)
    try:
        code, seconds = refused(
            lambda: service.ask("admin", LONG.format(catalog="cluster"), timeout_ms=1_500)
        )
    finally:
        fragile.process.send_signal(signal.SIGCONT)

    assert (code, 1.4 < seconds < 3.0) == ("QUERY_TIMEOUT", True)
    assert recovers(service, "cluster")


def test_a_half_open_connection_is_found_out_and_replaced(service: Governed, line: Wire) -> None:
    line.dead = True
    time.sleep(2.5)

    code, seconds = refused(lambda: service.ask("admin", SHORT.format(catalog="cluster"), timeout_ms=20_000))
    line.dead = False

    assert (code, seconds < 8) == ("SERVICE_UNAVAILABLE", True)
    assert recovers(service, "cluster")


@pytest.mark.parametrize("catalog", ["cluster", "pg"])
def test_the_deadline_ends_a_long_query(service: Governed, catalog: str) -> None:
    code, seconds = refused(lambda: service.ask("admin", LONGER.format(catalog=catalog), timeout_ms=1_500))

    assert (code, 1.4 < seconds < 3.0) == ("QUERY_TIMEOUT", True)
    assert recovers(service, catalog)


def test_a_caller_that_leaves_stops_the_statement_in_postgresql(
    service: Governed, postgres_server: Postgres
) -> None:
    headers = [(b"authorization", f"Bearer {service.keys['admin']}".encode())]
    ticket = flight.Ticket(json.dumps({"sql": WIDE.format(catalog="pg"), "timeout_ms": 60_000}))
    with flight.connect(service.endpoints["flight"]) as client:
        reader = client.do_get(ticket, flight.FlightCallOptions(headers=headers))
        reader.read_chunk()
        before = _active(postgres_server)
        reader.cancel()
    deadline = time.monotonic() + 5
    while _active(postgres_server) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert before == 1
    assert _active(postgres_server) == 0


def _active(server: Postgres) -> int:
    """Return how many statements of the service PostgreSQL runs."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%o_comment%'"
    return int(server.ask(f"{sql} AND pid <> pg_backend_pid()"))


def test_a_backend_of_postgresql_that_is_ended_ends_the_query(
    service: Governed, postgres_server: Postgres
) -> None:
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%l_partkey%'"
    timer = after(1.0, lambda: postgres_server.ask(f"{ends} AND pid <> pg_backend_pid()"))

    code, seconds = refused(lambda: service.ask("admin", LONG.format(catalog="pg")))
    timer.join()

    assert (code, seconds < 10) == ("SERVICE_UNAVAILABLE", True)
    assert recovers(service, "pg")

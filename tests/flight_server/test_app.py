"""The Flight server as a process: how it starts, refuses to start, reloads, drains and ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pyarrow.flight as fl
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flight_server.app import gateway_token, write_atomically
from hatidata_agent.service.home import create_home

START_S = 40.0
ENDLESS = "SELECT sum(hash(a.i + b.i)) FROM range(1000000000) a(i), range(1000000) b(i)"
PORTS = ("--flight-port", "0", "--health-port", "0", "--metrics-port", "0")


@dataclass
class Server:
    """A running process and what it has said."""

    home: Path
    process: subprocess.Popen[bytes]

    @property
    def told(self) -> dict[str, Any]:
        """What flight.json says."""
        found: dict[str, Any] = json.loads((self.home / "run" / "flight.json").read_text())
        return found

    def output(self) -> str:
        """Return all that it printed."""
        return (self.home / "out.txt").read_text()

    def ask(self, sql: str, **fields: object) -> Any:
        """Run a query and return its table."""
        ticket = fl.Ticket(json.dumps({"sql": sql, **fields}).encode())
        with fl.connect(self.told["flight"]) as client:
            return client.do_get(ticket).read_all()

    def health(self) -> str:
        """Return what the health service says."""
        address = self.told["health"].removeprefix("grpc://")
        with grpc.insecure_channel(address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=5)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    def running(self) -> int:
        """Return how many queries hold a slot."""
        lines = requests.get(self.told["metrics"], timeout=5).text.splitlines()
        return int(
            float(next(line for line in lines if line.startswith("hatidata_running_queries")).split()[1])
        )

    def end(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


Start = Callable[..., Server]


def spawn(home: Path, *options: str, **settings: str) -> Server:
    """Start a process on *home*; it may still be starting, or refuse to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HATIDATA_")}
    ours = {f"HATIDATA_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "flight_server", "--home", str(home), *PORTS, *options]
    with (home / "out.txt").open("wb") as out:
        return Server(home, subprocess.Popen(command, stdout=out, stderr=out, env=kept | ours))


def until(condition: Callable[[], bool], explain: Callable[[], str], seconds: float = START_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, explain()
        time.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "hati"
    create_home(root, demo=False)
    return root


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start a server and wait until it listens: `start("--option", setting="value")`."""
    with ExitStack() as stack:

        def started(*options: str, **settings: str) -> Server:
            (home / "run" / "flight.json").unlink(missing_ok=True)
            server = spawn(home, *options, **settings)
            stack.callback(server.process.wait)
            stack.callback(server.process.kill)
            until((home / "run" / "flight.json").exists, server.output)
            return server

        yield started


@pytest.fixture
def refused(home: Path) -> Callable[..., tuple[int, str]]:
    """Start a server that must end by itself; returns the exit code and what it printed."""

    def ended(*options: str, **settings: str) -> tuple[int, str]:
        server = spawn(home, *options, **settings)
        code = server.process.wait(START_S)
        return code, server.output()

    return ended


def test_it_says_where_it_listens_and_answers_there(start: Start) -> None:
    server = start()

    assert server.told["pid"] == server.process.pid
    assert server.ask("SELECT 42 AS answer").to_pydict() == {"answer": [42]}
    assert server.health() == "SERVING"
    assert server.running() == 0
    assert server.end() == 0
    assert "Traceback" not in server.output()


def test_what_was_written_is_there_after_a_restart(start: Start) -> None:
    first = start()
    first.ask("CREATE TABLE kept AS SELECT 7 AS i")
    first.end()
    second = start()

    assert second.ask("FROM kept").to_pydict() == {"i": [7]}


def test_a_drain_lets_running_queries_end_and_takes_no_new_ones(start: Start) -> None:
    server = start(drain_grace_secs="20")
    answers: list[Any] = []
    sql = "SELECT max(hash(i)) FROM range(400000000) t(i)"
    asking = threading.Thread(target=lambda: answers.append(server.ask(sql)))
    asking.start()
    until(lambda: server.running() == 1, server.output)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.health() == "NOT_SERVING", server.output, 5)
    with pytest.raises(fl.FlightUnavailableError, match="SERVICE_UNAVAILABLE"):
        server.ask("SELECT 1")
    asking.join(30)

    assert [answer.num_rows for answer in answers] == [1]
    assert server.process.wait(20) == 0


def test_a_drain_interrupts_what_takes_too_long(start: Start) -> None:
    server = start(drain_grace_secs="1")
    failures: list[str] = []

    def ask() -> None:
        try:
            server.ask(ENDLESS, timeout_ms=60_000)
        except fl.FlightError as error:
            failures.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: server.running() == 1, server.output)
    begun = time.monotonic()
    code = server.end()
    took = time.monotonic() - begun
    asking.join(10)

    assert code == 0
    assert 1.0 <= took < 8
    assert "SERVICE_UNAVAILABLE" in failures[0]


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    server = start(drain_grace_secs="60")

    def ask() -> None:
        with pytest.raises(fl.FlightError):
            server.ask(ENDLESS, timeout_ms=60_000)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: server.running() == 1, server.output)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.health() == "NOT_SERVING", server.output, 5)
    begun = time.monotonic()
    code = server.end()
    took = time.monotonic() - begun
    asking.join(10)

    assert code == 1
    assert took < 2


def test_a_reload_takes_good_policies_and_keeps_the_old_for_faulty_ones(start: Start, home: Path) -> None:
    server = start()
    report = home / "run" / "policies.json"

    def reported() -> tuple[str, bool]:
        found = json.loads(report.read_text())
        return found["version"], bool(found["faults"])

    version, _ = reported()
    access = home / "policies" / "access.cedar"
    good = access.read_text()
    access.write_text(good + '\n@id("more") permit (principal in Role::"new", action, resource);\n')
    server.process.send_signal(signal.SIGHUP)
    until(lambda: reported()[0] != version, server.output, 10)
    changed, _ = reported()
    access.write_text("nonsense")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: reported()[1], server.output, 10)

    assert reported() == (changed, True)
    assert "policies are faulty" in server.output()
    assert server.ask("SELECT 1 AS i").to_pydict() == {"i": [1]}


def test_all_faults_of_the_settings_are_listed(refused: Callable[..., tuple[int, str]], home: Path) -> None:
    with (home / "config.toml").open("a") as config:
        config.write('nonsense = 1\nmax_concurrent_queries = "many"\n')
    code, output = refused(query_timeout_secs="-5")

    assert code == 78
    assert all(
        word in output for word in ("nonsense", "max_concurrent_queries", "HATIDATA_QUERY_TIMEOUT_SECS")
    )
    assert "Traceback" not in output


def test_all_faults_of_the_policies_are_listed(refused: Callable[..., tuple[int, str]], home: Path) -> None:
    (home / "policies" / "access.cedar").write_text("permit (principal,")
    (home / "policies" / "masks.yaml").write_text("- {table: nowhere, column: c, function: full}\n")
    (home / "policies" / "limits.yaml").write_text("analyst: {max_rows: -1}\n")
    code, output = refused()

    assert code == 78
    assert all(name in output for name in ("access.cedar", "masks.yaml", "limits.yaml"))
    assert "Traceback" not in output
    assert not (home / "run" / "flight.json").exists()


def test_dev_mode_on_an_open_address_does_not_start(refused: Callable[..., tuple[int, str]]) -> None:
    code, output = refused("--host", "0.0.0.0")

    assert code == 78
    assert "dev_mode" in output


def test_a_warehouse_in_use_does_not_start_twice(
    start: Start, refused: Callable[..., tuple[int, str]]
) -> None:
    server = start()
    told = server.told
    code, output = refused()

    assert code == 1
    assert "flight_server cannot start" in output
    assert "Traceback" not in output
    assert server.told == told
    assert server.ask("SELECT 1 AS i").num_rows == 1


def test_a_file_that_is_no_warehouse_does_not_start(
    refused: Callable[..., tuple[int, str]], home: Path
) -> None:
    (home / "warehouse.duckdb").write_bytes(b"not a database" * 1000)
    code, output = refused()

    assert code == 1
    assert "Traceback" not in output


def test_the_gateways_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.token"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(gateway_token(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert len(bytes.fromhex(found[0])) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    write_atomically(path, "first")
    with path.open() as reader:
        write_atomically(path, "second")
        old = reader.read()

    assert (old, path.read_text()) == ("first", "second")
    assert [file.name for file in tmp_path.iterdir()] == ["told.json"]

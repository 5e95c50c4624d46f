"""What a person reads when a service is not as it should be: one line, an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.service import Service, hati, plain_environment

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"


def asked(service: Service, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hatidata_agent", "--home", str(service.home), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=plain_environment() | {"HATIDATA_API_KEY": key},
    )


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "failing_rows.csv"
    path.write_text("a\n1\n")
    return str(path)


def test_a_wrong_key_is_refused(service: Service, rows: str) -> None:
    for arguments in (("query", "SELECT 1"), ("load", rows)):
        done = asked(service, "hd_live_" + "x" * 32, *arguments)

        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
        assert done.stderr.startswith("hati: Invalid API key")


def test_a_closed_table_is_refused(service: Service, rows: str) -> None:
    key = service.key("--role", "analyst", "--agent", "reader")
    for arguments in (("query", "SELECT * FROM salary_data"), ("load", rows)):
        done = asked(service, key, *arguments)

        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
        assert done.stderr.startswith("hati: Agent 'reader' is not permitted to access table ")


def test_where_nothing_listens_the_command_says_so(service: Service, rows: str) -> None:
    for arguments in (("query", "SELECT 1"), ("load", rows)):
        done = hati(arguments[0], "--host", "127.0.0.1", "--port", "1", arguments[1], home=service.home)

        assert (done.returncode, done.stdout) == (3, "")
        told = "hati: cannot connect to the service at http://127.0.0.1:1: is it running?"
        assert done.stderr == f"{told} [SERVICE_UNAVAILABLE]\n"


def test_a_slow_query_ends_at_its_time(service: Service) -> None:
    done = hati("query", "--timeout-ms", "500", ENDLESS, home=service.home)

    assert (done.returncode, done.stdout) == (1, "")
    assert "[QUERY_TIMEOUT]" in done.stderr


def test_a_server_that_hangs_is_given_up(start_service: Callable[..., Service]) -> None:
    home = start_service().home
    pid = int(json.loads((home / "run" / "flight.json").read_text())["pid"])
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        done = hati("query", "SELECT 1", home=home)
        took = time.monotonic() - began
    finally:
        os.kill(pid, signal.SIGCONT)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "is not ready: the Flight server gave no answer within 2 s [SERVICE_UNAVAILABLE]" in done.stderr
    assert took < 10
    assert hati("query", "-q", "--format", "csv", "SELECT 1 AS a", home=home).stdout == '"a"\n1\n'


def test_the_addresses_of_a_service_that_was_killed_are_not_believed(
    start_service: Callable[..., Service], rows: str
) -> None:
    running = start_service()
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()

    assert (running.home / "run" / "endpoints.json").exists()
    for command in (("query", "SELECT 1"), ("mcp",), ("load", rows)):
        done = hati(*command, home=running.home)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
        assert "no service is running for" in done.stderr
    status = hati("status", "--json", home=running.home)
    assert (status.returncode, json.loads(status.stdout)["state"]) == (3, "stopped")


def test_a_huge_result_streams_through(service: Service) -> None:
    command = f"{sys.executable} -m hatidata_agent --home {service.home} query -q --format csv"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} 'SELECT * FROM range(5000000) AS t(i)' | tail -1"],
        capture_output=True,
        text=True,
        check=False,
        env=plain_environment(),
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "4999999\n", "")

"""A whole service from `hati init` to `hati stop`, and what it survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from hatidata_agent import HatiDataAgent, HatiDataError
from hatidata_agent.service.endpoints import port_of
from tests.fixtures.certs import Certificates
from tests.fixtures.service import STOP_SECS, Service, hati, make_home, plain_environment

PORTS = "".join(f"{name}_port = 0\n" for name in ("http", "mcp", "flight", "health", "metrics"))
Start = Callable[..., Service]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose background service takes any port, stopped at the end."""
    root = make_home(tmp_path / "hati")
    (root / "config.toml").write_text("dev_mode = true\n" + PORTS)
    yield root
    hati("stop", "--now", home=root)


def _address(home: Path) -> str:
    return str(json.loads((home / "run" / "endpoints.json").read_text())["http"])


def test_init_starts_what_stop_ends(home: Path) -> None:
    started = hati("init", home=home)
    port = port_of(_address(home))
    state = json.loads(hati("status", "--json", home=home).stdout)["state"]
    rows = HatiDataAgent("localhost", port, api_key="").query("SELECT 1 AS a")
    stopped = hati("stop", home=home)

    assert started.stdout.splitlines()[1:] == [f"Proxy running on localhost:{port}"]
    assert (state, rows, stopped.stdout) == ("ready", [{"a": 1}], "HatiData stopped.\n")
    assert hati("status", home=home).returncode == 3


def test_a_second_init_finds_the_service_running(home: Path) -> None:
    hati("init", home=home)
    before = _address(home)
    again = hati("init", home=home)

    assert again.returncode == 0
    assert "already initialized" in again.stdout
    assert _address(home) == before


def test_a_home_is_served_once(home: Path) -> None:
    hati("init", home=home)
    second = hati("serve", home=home)

    assert second.returncode == 1
    assert "already running" in second.stderr


def test_init_tells_why_the_service_refuses_to_start(home: Path) -> None:
    (home / "policies" / "masks.yaml").write_text("- table: 5\n")
    done = hati("init", home=home)

    assert done.returncode == 78
    assert "masks.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_data_is_refused_while_the_warehouse_is_in_use(home: Path) -> None:
    hati("init", home=home)
    done = hati("init", "--demo", home=home)

    assert (done.returncode, "hati stop" in done.stderr) == (1, True)


def test_a_signal_ends_a_service_cleanly(start_service: Start) -> None:
    running = start_service()
    running.process.send_signal(signal.SIGTERM)
    code = running.process.wait(STOP_SECS)

    assert code == 0
    assert not (running.home / "run" / "endpoints.json").exists()
    assert "Traceback" not in running.log()


def test_running_queries_end_before_the_service(start_service: Start) -> None:
    running = start_service()
    slow = "SELECT count(*) AS n FROM range(300000000) AS t(i) WHERE i % 7 = 3"
    with subprocess.Popen(
        [sys.executable, "-m", "hatidata_agent", "--home", str(running.home), "query", "-q", slow],
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    ) as asking:
        _wait_for_a_running_query(running.home)
        running.process.send_signal(signal.SIGTERM)
        code = running.process.wait(STOP_SECS)
        answer, _ = asking.communicate()

    assert (code, asking.returncode) == (0, 0)
    assert "42857143" in answer


@pytest.mark.parametrize("name", ["flight", "gateway"])
def test_a_killed_process_comes_back_on_its_port(start_service: Start, name: str) -> None:
    running = start_service()
    announcement = running.home / "run" / f"{name}.json"
    before = json.loads(announcement.read_text())
    os.kill(before["pid"], signal.SIGKILL)
    with running.agent() as client:
        rows = _eventually(lambda: client.query("SELECT 1 AS a"))
    after = json.loads(announcement.read_text())

    assert rows == [{"a": 1}]
    assert after["pid"] != before["pid"]
    assert {**after, "pid": 0} == {**before, "pid": 0}


def test_a_memory_is_found_at_once_and_after_a_kill(start_service: Start) -> None:
    """Nothing that was stored waits for the background: neither while the service lives nor when it died."""
    running = start_service()
    sql = "SELECT content FROM _hatidata_agent_memory ORDER BY semantic_rank(content, $1) DESC LIMIT 1"
    with running.agent() as client:
        for text in ("the disk is full", "a customer asked for a refund"):
            client.query("SELECT store_memory($1, 'ops')", [text])
        at_once = client.query(sql, ["money back"])
        os.kill(json.loads((running.home / "run" / "flight.json").read_text())["pid"], signal.SIGKILL)
        afterwards = _eventually(lambda: client.query(sql, ["money back, again"]))

    assert at_once == afterwards == [{"content": "a customer asked for a refund"}]


def test_a_client_finds_flight_again_after_a_restart(start_service: Start) -> None:
    running = start_service()
    with running.agent() as client:
        client.query("SELECT 1")
        os.kill(json.loads((running.home / "run" / "flight.json").read_text())["pid"], signal.SIGKILL)
        _eventually(lambda: client.query("SELECT 2"))
        time.sleep(1.1)
        client.query("SELECT 3")

        assert client.transport == "flight"


def test_two_inits_at_once_start_one_service(home: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: hati("init", home=home), range(3)))

    assert [each.returncode for each in done] == [0, 0, 0]
    assert len({each.stdout.splitlines()[-1] for each in done}) == 1


def test_everything_runs_over_tls(start_service: Start, certificates: Certificates, tmp_path: Path) -> None:
    options = (
        f'dev_mode = true\ntls_cert = "{certificates.server_cert}"\ntls_key = "{certificates.server_key}"\n'
    )
    running = start_service("--tls", config=options)
    rows = [
        running.agent(ca_file=certificates.ca, host="localhost", transport=transport).query("SELECT 1 AS a")
        for transport in ("flight", "http")
    ]
    asked = hati(
        "query",
        "-q",
        "--format",
        "json",
        "--ca-file",
        str(certificates.ca),
        "SELECT 1 AS a",
        home=running.home,
    )

    assert running.endpoints.http.startswith("https://")
    assert running.endpoints.flight.startswith("grpc+tls://")
    assert rows == [[{"a": 1}], [{"a": 1}]]
    assert json.loads(asked.stdout) == [{"a": 1}]


def test_becomes_ready_when_it_asks_for_client_certificates(
    start_service: Start, certificates: Certificates
) -> None:
    running = start_service(
        config=f'tls = true\ntls_cert = "{certificates.server_cert}"\n'
        f'tls_key = "{certificates.server_key}"\nclient_ca = "{certificates.ca}"\n'
    )
    presented = (str(certificates.client_cert), str(certificates.client_key))

    answer = requests.get(
        running.endpoints.http + "/ready", cert=presented, verify=str(certificates.ca), timeout=10
    )

    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(running.endpoints.http + "/ready", verify=str(certificates.ca), timeout=10)


def test_a_certificate_opens_the_client_the_command_and_mcp(
    start_service: Start, certificates: Certificates
) -> None:
    running = start_service(
        config=f'tls = true\ntls_cert = "{certificates.server_cert}"\n'
        f'tls_key = "{certificates.server_key}"\nclient_ca = "{certificates.ca}"\n'
    )
    key = running.key("--role", "admin", "--certificate", "analyst")
    cert, private = str(certificates.client_cert), str(certificates.client_key)
    files = ("--ca-file", str(certificates.ca), "--cert-file", cert, "--key-file", private)
    with running.agent(ca_file=certificates.ca, cert_file=cert, key_file=private) as by_certificate:
        seen = (by_certificate.transport, by_certificate.query("SELECT 1 AS a"))
    asked = hati("query", "-q", "--json", *files, "SELECT 1 AS a", home=running.home)
    (running.home / "api_key").write_text(key)
    told = hati(
        "mcp", *files, home=running.home, input_text='{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    )
    alone = hati("query", *files[:4], "SELECT 1", home=running.home)

    assert seen == ("flight", [{"a": 1}])
    assert json.loads(asked.stdout) == [{"a": 1}]
    assert json.loads(told.stdout) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert (alone.returncode, "go together" in alone.stderr) == (2, True)


def _commands_in(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("curl ") or " -c '" in line]


def _wait_for_a_running_query(home: Path) -> None:
    metrics = json.loads((home / "run" / "endpoints.json").read_text())["metrics"]
    end = time.monotonic() + 20
    while "hatidata_running_queries 1.0" not in requests.get(metrics, timeout=5).text:
        assert time.monotonic() < end
        time.sleep(0.02)


def _eventually(action: Callable[[], list[dict[str, object]]]) -> list[dict[str, object]]:
    end = time.monotonic() + 30
    while True:
        try:
            return action()
        except HatiDataError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_the_welcome_commands_run_as_they_are_printed(service: Service) -> None:
    end = time.monotonic() + 20
    while len(lines := _commands_in(service.log())) < 4:  # they are printed after the addresses are announced
        assert time.monotonic() < end
        time.sleep(0.05)
    outputs = [
        subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout  # noqa: S602 - as typed
        for line in lines
    ]

    assert len(outputs) == 4
    for output in outputs:
        assert "Latin America" in output

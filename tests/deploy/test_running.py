"""What docs/operations.md says can be done with a running service, done with one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from certs.make_certs import make_authority, make_server_pair
from tests.fixtures.service import Service, hati, plain_environment, serving

BACKUP = Path(__file__).parents[2] / "deploy" / "backup.sh"
Start = Callable[..., Service]


def asking(url: str, key: str, sql: str, **headers: str) -> requests.Response:
    return requests.post(
        f"{url}/v1/query",
        json={"sql": sql, "timeout_ms": 20_000},
        headers={"Authorization": f"Bearer {key}", **headers},
        timeout=30,
    )


class Load:
    """Four callers that write rows and note the queries that were answered."""

    def __init__(self, url: str, key: str) -> None:
        self.answered: list[tuple[str, int]] = []
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._futures = [self._pool.submit(self._write, url, key, caller) for caller in range(4)]

    def _write(self, url: str, key: str, caller: int) -> None:
        for number in range(1_000_000):
            if self._ended.is_set():
                return
            row = caller * 1_000_000 + number
            try:
                answer = asking(url, key, f"INSERT INTO marks VALUES ({row})")
            except requests.ConnectionError:
                return
            if answer.status_code == 200:
                self.answered.append((answer.headers["X-Query-Id"], row))

    def wait_for(self, answers: int) -> None:
        """Wait until so many queries have been answered."""
        end = time.monotonic() + 60
        while len(self.answered) < answers:
            assert time.monotonic() < end
            time.sleep(0.01)

    def stop(self) -> None:
        """End the callers."""
        self._ended.set()
        self._pool.shutdown()
        for future in self._futures:
            future.result()


def recorded(home: Path) -> set[str]:
    """The ids of all queries whose record says that they were answered."""
    records = (
        json.loads(line)
        for file in sorted((home / "audit").glob("audit-*.jsonl"))
        for line in file.read_text().splitlines()
    )
    return {record["query_id"] for record in records if record.get("outcome") == "OK"}


def rows_of(service: Service, key: str) -> set[int]:
    answer = asking(service.endpoints.http, key, "SELECT mark FROM marks")
    return {row["mark"] for row in answer.json()["rows"]}


def busy(service: Service) -> tuple[str, Load]:
    """Make a table, and have it written to."""
    key = service.key("--role", "admin")
    assert asking(service.endpoints.http, key, "CREATE TABLE marks (mark BIGINT)").status_code == 200
    return key, Load(service.endpoints.http, key)


def test_nothing_that_was_answered_is_lost_when_everything_is_killed(start_service: Start) -> None:
    service = start_service()
    key, load = busy(service)
    load.wait_for(200)
    for pid in (service.process.pid, *children_of(service.process.pid)):
        os.kill(pid, signal.SIGKILL)
    service.process.wait()
    load.stop()
    (
        service.home / "run" / "endpoints.json"
    ).unlink()  # of the dead service; we would take it for the next one's
    with serving(service.home) as again:
        found = rows_of(again, key)
    verified = hati("audit", "verify", home=service.home)

    assert verified.returncode == 0, verified.stdout
    assert {row for _, row in load.answered} - found == set()
    assert {query_id for query_id, _ in load.answered} - recorded(service.home) == set()


def test_a_copy_of_a_running_home_is_whole(start_service: Start, tmp_path: Path) -> None:
    service = start_service()
    key, load = busy(service)
    load.wait_for(100)
    before = list(load.answered)
    copied = subprocess.run([BACKUP, service.home, tmp_path / "copy"], capture_output=True, text=True)
    load.wait_for(len(load.answered) + 50)
    load.stop()
    verified = hati("audit", "verify", home=tmp_path / "copy")
    with serving(tmp_path / "copy") as restored:
        found = rows_of(restored, key)

    assert copied.returncode == 0, copied.stderr
    assert verified.returncode == 0, verified.stdout
    assert {row for _, row in before} - found == set()
    assert {query_id for query_id, _ in before} - recorded(tmp_path / "copy") == set()
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert hati("audit", "verify", home=tmp_path / "copy").returncode == 0


@pytest.mark.parametrize("wrong", ["no home", "copy exists", "warehouse elsewhere"])
def test_no_copy_is_made_of_what_would_not_be_whole(tmp_path: Path, wrong: str) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    home.mkdir()
    if wrong != "no home":
        (home / "config.toml").write_text("duckdb_path = 'elsewhere'\n" if "elsewhere" in wrong else "")
    if wrong == "copy exists":
        copy.mkdir()
    tried = subprocess.run([BACKUP, home, copy], capture_output=True, text=True)

    assert tried.returncode == 2
    assert not (copy / "config.toml").exists()


def test_a_renewed_certificate_is_served_without_a_gap(start_service: Start, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "ca")
    pair = make_server_pair(authority, tmp_path / "first")
    cert, private = tmp_path / "server.pem", tmp_path / "server.key"
    shutil.copy(pair.cert, cert)
    shutil.copy(pair.key, private)
    service = start_service(config=f'tls = true\ntls_cert = "{cert}"\ntls_key = "{private}"\n')
    key = service.key("--role", "admin")
    first = (shown(service.endpoints.http), shown(service.endpoints.flight))

    renewed = make_server_pair(authority, tmp_path / "second")
    shutil.copy(renewed.cert, cert)
    shutil.copy(renewed.key, private)
    http_at_once = shown(service.endpoints.http)
    os.kill(json.loads((service.home / "run" / "flight.json").read_text())["pid"], signal.SIGTERM)
    end = time.monotonic() + 40
    while shown(service.endpoints.flight) == first[1]:
        assert time.monotonic() < end
        time.sleep(0.1)
    while (answer := ask_over_tls(service, key, authority.files.cert)) != 200:
        assert time.monotonic() < end, answer
        time.sleep(0.1)

    assert first[0] == first[1] == pair.cert.read_text()
    assert http_at_once == shown(service.endpoints.flight) == renewed.cert.read_text()


def ask_over_tls(service: Service, key: str, ca: Path) -> int:
    url = service.endpoints.http.replace("127.0.0.1", "localhost")
    return requests.post(
        f"{url}/v1/query",
        json={"sql": "SELECT 1 AS one"},
        headers={"Authorization": f"Bearer {key}"},
        verify=str(ca),
        timeout=30,
    ).status_code


def shown(uri: str) -> str:
    """The certificate that a port shows, as PEM; empty while nobody listens."""
    import ssl
    from urllib.parse import urlsplit

    port = urlsplit(uri).port
    try:
        return ssl.get_server_certificate(("127.0.0.1", port or 0), timeout=10)
    except OSError:
        return ""


def test_a_rotated_key_hands_over_without_a_gap(service: Service) -> None:
    old = service.key("--role", "admin", "--agent", "nightly")
    new = service.key("--role", "admin", "--agent", "nightly")
    both = [asking(service.endpoints.http, key, "SELECT 1 AS one").status_code for key in (old, new)]
    revoked = hati("keys", "revoke", old[:12], home=service.home)
    end = time.monotonic() + 10
    while asking(service.endpoints.http, old, "SELECT 1 AS one").status_code != 401:
        assert time.monotonic() < end
        time.sleep(0.1)

    assert both == [200, 200]
    assert revoked.returncode == 0
    assert asking(service.endpoints.http, new, "SELECT 1 AS one").status_code == 200


@contextmanager
def gateway_elsewhere(home: Path, flight: str, token: Path) -> Iterator[str]:
    """Run a gateway with a HOME of its own on the Flight server of another, and yield its address."""
    environ = plain_environment() | {
        "HATIDATA_FLIGHT_URI": flight,
        "HATIDATA_GATEWAY_TOKEN_FILE": str(token),
        "HATIDATA_TRUSTED_PROXIES": "127.0.0.1",
    }
    command = [
        sys.executable,
        "-m",
        "http_gateway",
        "--home",
        str(home),
        "--http-port",
        "0",
        "--mcp-port",
        "0",
    ]
    home.mkdir()
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 40
        while not (home / "run" / "gateway.json").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        yield json.loads((home / "run" / "gateway.json").read_text())["http"]
    finally:
        process.terminate()
        process.wait(30)


def test_gateways_of_other_homes_share_one_flight_server(service: Service, tmp_path: Path) -> None:
    key = service.key("--role", "admin")
    token = service.home / "run" / "gateway.token"
    with (
        gateway_elsewhere(tmp_path / "one", service.endpoints.flight, token) as one,
        gateway_elsewhere(tmp_path / "two", service.endpoints.flight, token) as two,
    ):
        answers = [
            asking(url, key, "SELECT 42 AS answer", **{"X-Forwarded-For": "198.51.100.7"})
            for url in (one, two)
        ]
    records = {
        record["query_id"]: record
        for file in (service.home / "audit").glob("audit-*.jsonl")
        for record in map(json.loads, file.read_text().splitlines())
        if "query_id" in record
    }

    assert [answer.json()["rows"] for answer in answers] == [[{"answer": 42}]] * 2
    seen = [records[answer.headers["X-Query-Id"]] for answer in answers]
    assert [(record["protocol"], record["source_ip"]) for record in seen] == [("http", "198.51.100.7")] * 2


def children_of(pid: int) -> list[int]:
    """Return the processes that *pid* has started, and those that they have."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for child in children for each in (child, *children_of(child))]


def test_an_archived_log_verifies_where_it_is_and_a_new_one_begins(
    start_service: Start, tmp_path: Path
) -> None:
    service = start_service()
    key = service.key("--role", "admin")
    old = asking(service.endpoints.http, key, "SELECT 1 AS one").headers["X-Query-Id"]
    service.process.terminate()
    service.process.wait(30)
    archive = tmp_path / "archive"
    archive.mkdir()
    shutil.move(service.home / "audit", archive / "audit")
    with serving(service.home) as again:
        new = asking(again.endpoints.http, key, "SELECT 2 AS two").headers["X-Query-Id"]
    verified = [hati("audit", "verify", home=home).returncode for home in (archive, service.home)]

    assert verified == [0, 0]
    assert old in recorded(archive)
    assert recorded(service.home) == {new}

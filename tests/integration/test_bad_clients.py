"""Clients that do not read, leave early or ask for more than there is room for do no harm."""

from __future__ import annotations

import json
import re
import resource
import socket
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import pyarrow.flight as flight
import pytest
import requests

from tests.fixtures.whole_service import WholeService

ENDLESS = "SELECT i, i + 1 AS j FROM range(100000000000) t(i)"
LONG = "SELECT sum(hash(i)) AS s FROM range(30000000000) t(i)"
IDLE_SECS = 3.0


def test_a_reader_that_takes_one_batch_and_leaves_frees_its_slot(whole_service: WholeService) -> None:
    with closing(flight.connect(whole_service.flight)) as client:
        reader = client.do_get(_ticket(ENDLESS), _options(whole_service))
        first = reader.read_chunk().data
        reader.cancel()

    assert first.num_rows > 0
    _wait_until_idle(whole_service)


def test_a_flight_client_that_never_reads_holds_its_slot_only_to_its_deadline(
    whole_service: WholeService,
) -> None:
    with closing(flight.connect(whole_service.flight)) as client:
        reader = client.do_get(_ticket(ENDLESS, timeout_ms=700), _options(whole_service))
        try:
            time.sleep(1)

            _wait_until_idle(whole_service)
            with pytest.raises(flight.FlightTimedOutError):
                reader.read_all()
        finally:
            reader.cancel()


def test_an_http_client_that_leaves_while_the_query_runs_stops_it(whole_service: WholeService) -> None:
    connection = _post(whole_service, "/v1/query/arrow", {"sql": LONG})
    _wait_for(whole_service, 1)
    connection.close()

    _wait_until_idle(whole_service)
    assert _ask(whole_service, "SELECT 1 AS a").status_code == 200


def test_an_http_client_that_never_reads_stops_nobody_else(whole_service: WholeService) -> None:
    body = {"sql": ENDLESS, "timeout_ms": 2000}
    with closing(_post(whole_service, "/v1/query/parquet", body)):
        time.sleep(0.5)
        started = time.monotonic()
        answer = _ask(whole_service, "SELECT 1 AS a")

        assert answer.status_code == 200
        assert time.monotonic() - started < 1
    _wait_until_idle(whole_service)


def test_idle_connections_do_not_keep_others_from_being_answered(whole_service: WholeService) -> None:
    place = urlsplit(whole_service.http)
    silent = [socket.create_connection((place.hostname or "", place.port or 0)) for _ in range(100)]
    try:
        started = time.monotonic()
        answer = _ask(whole_service, "SELECT 1 AS a")

        assert answer.status_code == 200
        assert time.monotonic() - started < 2
    finally:
        for connection in silent:
            connection.close()


def test_a_full_disk_while_spooling_is_service_unavailable(whole_service: WholeService) -> None:
    gateway = json.loads((whole_service.home / "run" / "gateway.json").read_text())["pid"]
    unlimited = resource.prlimit(gateway, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway, resource.RLIMIT_FSIZE, (4_000_000, unlimited[1]))
    try:
        answer = _ask(whole_service, "SELECT i, hash(i) AS h FROM range(3000000) t(i)")
    finally:
        resource.prlimit(gateway, resource.RLIMIT_FSIZE, unlimited)

    assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert not list((whole_service.home / "run" / "spool").glob("*"))
    assert _ask(whole_service, "SELECT i, hash(i) AS h FROM range(3000000) t(i)").status_code == 200


def test_a_query_that_is_too_large_for_memory_and_spill_does_not_end_the_service(
    whole_service: WholeService,
) -> None:
    sql = "SELECT list(i::VARCHAR || 'xxxxxxxxxxxxxxxx') AS l FROM range(40000000) t(i)"
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(_ask(whole_service, sql))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.json()["code"] for answer in answers} <= {"QUERY_ERROR", "SERVICE_UNAVAILABLE"}
    assert _ask(whole_service, "SELECT 1 AS a").status_code == 200


def _ask(service: WholeService, sql: str) -> requests.Response:
    headers = {"Authorization": service.bearer}
    return requests.post(service.http + "/v1/query/arrow", json={"sql": sql}, headers=headers, timeout=60)


def _post(service: WholeService, path: str, body: dict[str, object]) -> socket.socket:
    """Send a request on a bare connection and return that connection, unread."""
    place = urlsplit(service.http)
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {service.bearer}\r\n"
    head += f"Content-Length: {len(text)}\r\n\r\n"
    connection = socket.create_connection((place.hostname or "", place.port or 0), timeout=20)
    connection.sendall(head.encode() + text)
    return connection


def _ticket(sql: str, **fields: object) -> flight.Ticket:
    return flight.Ticket(json.dumps({"sql": sql, **fields}).encode())


def _options(service: WholeService) -> flight.FlightCallOptions:
    return flight.FlightCallOptions(headers=[(b"authorization", service.bearer.encode())])


def _wait_until_idle(service: WholeService) -> None:
    _wait_for(service, 0)


def _wait_for(service: WholeService, running: int) -> None:
    deadline = time.monotonic() + IDLE_SECS
    while (now := _running(service)) != running:
        assert time.monotonic() < deadline, f"{now} queries run instead of {running}"
        time.sleep(0.02)


def _running(service: WholeService) -> float:
    url = service.metrics.removesuffix("/metrics") + "/metrics"
    found = re.findall(r"^hatidata_running_queries (\S+)", requests.get(url, timeout=20).text, re.MULTILINE)
    return float(found[0])

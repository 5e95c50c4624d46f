"""Restarts, drains and callers who leave, with real processes."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.fixtures.certs import Certificates
from tests.fixtures.gateway import ENDLESS, NUMBERS, Pair, make_pair, start_pair, wait_until
from tests.fixtures.service import hati

Start = Callable[..., Pair]
SLOW = "select sum(hash(a.i + b.i)) from range(15000) a(i), range(15000) b(i)"


def ask_and_leave(pair: Pair, form: str, sql: str) -> float:
    """Start a query, hang up while it runs, and return how many seconds the engine stayed busy."""
    body = json.dumps({"sql": sql, "timeout_ms": 60_000}).encode()
    head = f"POST /v1/query{form} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(pair.address(), timeout=10) as connection:
        connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        wait_until(lambda: pair.running_queries() == 1, pair.flight.last_output)
    left = time.monotonic()
    wait_until(lambda: pair.running_queries() == 0, pair.flight.last_output)
    return time.monotonic() - left


def test_a_connection_of_a_browser_ends_with_the_answer_and_others_stay(own_gateway: Start) -> None:
    pair = own_gateway()
    url, body = f"{pair.uri()}/v1/query", {"sql": "select 1 as a"}
    with requests.Session() as session:
        program = session.post(url, json=body, timeout=30)
        browser = session.post(url, json=body, headers={"Sec-Fetch-Mode": "cors"}, timeout=30)

    assert (program.status_code, browser.status_code) == (200, 200)
    assert program.headers["Connection"] == "keep-alive"
    assert browser.headers["Connection"] == "close"


@pytest.mark.parametrize("form", ["/arrow", "", "/parquet"])
def test_a_caller_who_leaves_frees_the_engine(own_gateway: Start, form: str) -> None:
    pair = own_gateway()
    seconds = ask_and_leave(pair, form, ENDLESS)

    assert seconds < 1.0


def test_a_reader_who_leaves_a_parquet_file_frees_the_engine(own_gateway: Start) -> None:
    pair = own_gateway()
    url = f"{pair.uri()}/v1/query/parquet"
    sql = "select i, hash(i) h from range(2000000000) t(i)"
    with requests.post(url, json={"sql": sql, "timeout_ms": 60_000}, stream=True, timeout=30) as response:
        assert response.raw.read(1000)
        wait_until(lambda: pair.running_queries() == 1, pair.flight.last_output)

    wait_until(lambda: pair.running_queries() == 0, pair.flight.last_output, seconds=3)


def test_a_missing_flight_server_is_told_at_once_and_found_again(own_gateway: Start) -> None:
    pair = own_gateway()
    pair.flight.send(signal.SIGKILL)
    started = time.monotonic()
    refused = pair.post("select 1", "arrow")
    waited = time.monotonic() - started
    not_ready = pair.send("GET", "/ready")
    alive = pair.send("GET", "/health")
    pair.flight.start()
    pair.wait_ready()

    assert (refused.status_code, refused.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert waited < 1.0
    assert refused.headers["Retry-After"]
    assert (not_ready.status_code, not_ready.json()["ready"]) == (503, False)
    assert alive.status_code == 200
    assert pair.post("select 1").status_code == 200


def test_queries_that_run_when_the_flight_server_dies_are_refused_at_once(own_gateway: Start) -> None:
    pair = own_gateway()
    answers: list[tuple[int, float]] = []

    def ask() -> None:
        response = requests.post(f"{pair.uri()}/v1/query", json={"sql": ENDLESS}, timeout=60)
        answers.append((response.status_code, time.monotonic()))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: pair.running_queries() == 4, pair.flight.last_output)
    killed = time.monotonic()
    pair.flight.send(signal.SIGKILL)
    for thread in threads:
        thread.join()

    assert [status for status, _ in answers] == [503] * 4
    assert max(at for _, at in answers) - killed < 1.0


def test_a_parquet_file_that_is_cut_breaks_the_connection(own_gateway: Start) -> None:
    pair = own_gateway()
    sql = "select i, hash(i) h from range(2000000000) t(i)"
    url = f"{pair.uri()}/v1/query/parquet"
    with requests.post(url, json={"sql": sql, "timeout_ms": 60_000}, stream=True, timeout=30) as response:
        response.raw.read(1000)
        pair.flight.send(signal.SIGKILL)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in response.iter_content(1 << 20):
                pass


def test_the_gateway_restarts_alone(own_gateway: Start) -> None:
    pair = own_gateway()
    pair.gateway.send(signal.SIGKILL)
    pair.gateway.start()
    pair.wait_ready()

    assert pair.post("select 1").status_code == 200


def test_after_the_grace_period_running_requests_are_refused(own_gateway: Start) -> None:
    pair = own_gateway(drain_grace_secs="1")
    answers: list[int] = []
    url = f"{pair.uri()}/v1/query"
    asking = threading.Thread(
        target=lambda: answers.append(requests.post(url, json={"sql": ENDLESS}, timeout=60).status_code)
    )
    asking.start()
    wait_until(lambda: pair.running_queries() == 1, pair.flight.last_output)
    code = pair.gateway.send(signal.SIGTERM)
    asking.join()

    assert answers == [503]
    assert code == 0


def test_sigterm_lets_running_requests_finish(own_gateway: Start) -> None:
    pair = own_gateway(drain_grace_secs="60")
    answers: list[int] = []
    url = f"{pair.uri()}/v1/query"
    asking = threading.Thread(
        target=lambda: answers.append(requests.post(url, json={"sql": SLOW}, timeout=60).status_code)
    )
    asking.start()
    wait_until(lambda: pair.running_queries() == 1, pair.flight.last_output)
    code = pair.gateway.send(signal.SIGTERM)
    asking.join()

    assert answers == [200]
    assert code == 0
    assert not pair.gateway.announced.exists()


def test_a_second_sigterm_leaves_at_once(own_gateway: Start) -> None:
    pair = own_gateway(drain_grace_secs="60")
    url = f"{pair.uri()}/v1/query"

    def ask() -> None:
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.post(url, json={"sql": ENDLESS, "timeout_ms": 60_000}, timeout=60)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: pair.running_queries() == 1, pair.flight.last_output)
    running = pair.gateway.running
    assert running is not None
    running.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    started = time.monotonic()
    code = pair.gateway.send(signal.SIGTERM)
    asking.join()

    assert code == 0
    assert time.monotonic() - started < 2


def test_more_callers_than_threads_of_its_own_are_all_answered(own_gateway: Start) -> None:
    pair = own_gateway(gateway_threads="1", max_concurrent_queries="2", max_queued_queries="20")
    url = f"{pair.uri()}/v1/query"
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(requests.post(url, json={"sql": NUMBERS.format(rows=10)}, timeout=60).status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 20


def test_large_results_leave_nothing_in_the_spool_folder(own_gateway: Start) -> None:
    pair = own_gateway(spool_threshold_bytes="1000", max_result_bytes="50000000")
    response = pair.post(NUMBERS.format(rows=500_000), "arrow", headers={"Accept-Encoding": "identity"})

    assert len(response.content) == int(response.headers["Content-Length"])
    assert list((pair.home / "run" / "spool").iterdir()) == []


def test_serves_https_and_reaches_the_flight_server_over_tls(
    tmp_path: Path, certificates: Certificates
) -> None:
    settings = {
        "tls": "true",
        "tls_cert": str(certificates.server_cert),
        "tls_key": str(certificates.server_key),
    }
    pair = make_pair(tmp_path / "hati", **settings)
    pair.verify = str(certificates.ca)
    try:
        start_pair(pair)
        response = pair.post(NUMBERS.format(rows=200_000), "arrow")
    finally:
        pair.close()

    assert pair.verify
    assert int(response.headers["X-Row-Count"]) == 200_000


def test_client_certificates_are_asked_for_and_are_no_credential(
    tmp_path: Path, certificates: Certificates
) -> None:
    settings = {
        "tls": "true",
        "tls_cert": str(certificates.server_cert),
        "tls_key": str(certificates.server_key),
        "client_ca": str(certificates.ca),
    }
    pair = make_pair(tmp_path / "hati", **settings)
    pair.verify = str(certificates.ca)
    pair.session.cert = (str(certificates.client_cert), str(certificates.client_key))
    try:
        key = hati("keys", "create", "--role", "admin", home=pair.home).stdout.strip()
        start_pair(pair)
        nobody = pair.post("select 1")
        somebody = pair.post("select 1", headers={"Authorization": f"Bearer {key}"})
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(f"{pair.uri()}/health", verify=str(certificates.ca), timeout=10)
    finally:
        pair.close()

    assert (nobody.status_code, somebody.status_code) == (401, 200)


def test_goes_on_for_a_while_so_that_balancers_can_turn_away(own_gateway: Start) -> None:
    pair = own_gateway(drain_delay_secs="2")
    running = pair.gateway.running
    assert running is not None
    running.send_signal(signal.SIGTERM)
    told = time.monotonic()
    wait_until(lambda: pair.send("GET", "/ready").status_code == 503, pair.gateway.last_output)
    ready = pair.send("GET", "/ready")
    answers = [pair.post(f"select {number}").status_code for number in range(5)]
    code = running.wait(20)

    assert ready.json()["reason"] == "draining"
    assert answers == [200] * 5
    assert code == 0
    assert 2 <= time.monotonic() - told < 8

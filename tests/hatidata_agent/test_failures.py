"""What the clients raise when a service is dead, stops answering, or answers with very much."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from hatidata_agent import (
    AsyncHatiDataAgent,
    HatiDataError,
    PolicyDeniedError,
    QueryTimeoutError,
    ResultTooLargeError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from hatidata_agent.service.endpoints import port_of
from tests.fixtures.service import Service

Route = Literal["auto", "flight", "http"]
Ask = Callable[..., None]
ROUTES: tuple[Route, ...] = ("flight", "http")
HUGE = "SELECT i, 'text ' || i AS t FROM range(10000000) AS t(i)"
SLOW = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"
WRONG = "hd_live_" + "x" * 32


def _blocking(service: Service, route: Route, sql: str, key: str, timeout_ms: int | None) -> None:
    with service.agent(transport=route, api_key=key) as client:
        client.query(sql, timeout_ms=timeout_ms)


def _awaited(service: Service, route: Route, sql: str, key: str, timeout_ms: int | None) -> None:
    async def main() -> None:
        port = port_of(service.endpoints.http)
        async with AsyncHatiDataAgent("127.0.0.1", port, api_key=key, transport=route) as client:
            await client.query(sql, timeout_ms=timeout_ms)

    asyncio.run(main())


@pytest.fixture(params=[_blocking, _awaited], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask one query of a service, with either client."""
    asked: Ask = request.param
    return asked


@contextmanager
def _stopped(service: Service) -> Iterator[None]:
    """Have the Flight server of *service* neither answer nor hang up."""
    pid = _flight_pid(service)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("route", ROUTES)
def test_a_refusal_has_the_type_of_its_code(service: Service, route: Route, ask: Ask) -> None:
    with pytest.raises(UnauthorizedError):
        ask(service, route, "SELECT 1", WRONG, None)
    analyst = service.key("--role", "analyst", "--agent", "reader")
    with pytest.raises(PolicyDeniedError) as denied:
        ask(service, route, "SELECT * FROM salary_data", analyst, None)

    told = {"flight": "Agent 'reader' is not permitted to access table 'salary_data'"}
    assert denied.value.message == told.get(route, "Permission denied")
    assert denied.value.query_id.startswith("qry_")


@pytest.mark.parametrize("route", ["auto", *ROUTES])
def test_a_stopped_server_is_told_within_seconds(
    start_service: Callable[..., Service], route: Route, ask: Ask
) -> None:
    running = start_service()
    with _stopped(running):
        began = time.monotonic()
        with pytest.raises((ServiceUnavailableError, QueryTimeoutError)) as failed:
            ask(running, route, "SELECT 1", "", 1000 if route == "http" else None)
        took = time.monotonic() - began

    assert took < 13
    if route != "http":  # which does not ask whether the service is ready
        assert "the Flight server gave no answer within 2 s" in failed.value.message


@pytest.mark.parametrize("route", ROUTES)
def test_a_limit_ends_the_wait_for_a_server_that_stops_later(
    start_service: Callable[..., Service], route: Route
) -> None:
    running = start_service()
    with running.agent(transport=route) as client:
        client.query("SELECT 1")
        with _stopped(running):
            began = time.monotonic()
            with pytest.raises(QueryTimeoutError):
                client.query("SELECT 2", timeout_ms=500)
            took = time.monotonic() - began
        again = client.query("SELECT 3 AS a")

    assert took < 8
    assert again == [{"a": 3}]


def test_a_stream_whose_server_dies_is_an_error_and_no_end(start_service: Callable[..., Service]) -> None:
    running = start_service()
    with running.agent(transport="flight") as client:
        reader = client.stream_arrow("SELECT i FROM range(300000000) AS t(i)")
        reader.read_next_batch()
        os.kill(_flight_pid(running), signal.SIGKILL)
        with pytest.raises(HatiDataError) as failed:
            reader.read_all()

    assert failed.value.code == "SERVICE_UNAVAILABLE"


@pytest.mark.parametrize("route", ROUTES)
def test_a_query_whose_server_dies_is_not_sent_again(
    start_service: Callable[..., Service], route: Route
) -> None:
    running = start_service()
    with running.agent(transport=route) as client, _killed_in(running, 1.5):
        began = time.monotonic()
        with pytest.raises(ServiceUnavailableError):
            client.query(SLOW)

        assert time.monotonic() - began < 20


@contextmanager
def _killed_in(service: Service, seconds: float) -> Iterator[None]:
    command = f"sleep {seconds}; kill -9 {_flight_pid(service)}"
    with subprocess.Popen(["bash", "-c", command]):
        yield


def test_ten_million_rows_stream_in_bounded_memory(service: Service) -> None:
    with service.agent(transport="flight") as client:
        client.query("SELECT 1")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows = sum(batch.num_rows for batch in client.stream_arrow(HUGE))
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    assert rows == 10_000_000
    assert grown_mb < 150


def test_ten_million_rows_over_http_are_refused_with_a_way_out(service: Service, ask: Ask) -> None:
    with pytest.raises(ResultTooLargeError) as failed:
        ask(service, "http", HUGE, "", None)

    assert re.match("Result too large: .*LIMIT.*parquet.*Flight", failed.value.message), failed.value


def _flight_pid(service: Service) -> int:
    return int(json.loads((service.home / "run" / "flight.json").read_text())["pid"])

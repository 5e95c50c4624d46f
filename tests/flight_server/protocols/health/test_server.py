"""Health as gRPC clients ask it: SERVING only while the process takes work and the engine answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flight_server.protocols.health.server import SERVICES, HealthServer

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
OFTEN_S = 0.02


@contextmanager
def asking(server: HealthServer) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)


def status(stub: Any, service: str = "") -> int:
    return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status)


def becomes(stub: Any, wanted: int, seconds: float = 3.0) -> bool:
    end = time.monotonic() + seconds
    while status(stub) != wanted and time.monotonic() < end:
        time.sleep(OFTEN_S)
    return status(stub) == wanted


@pytest.mark.parametrize("service", SERVICES)
def test_it_serves_once_told_and_stops_when_told(service: str) -> None:
    with closing(HealthServer("127.0.0.1", 0, lambda: True, OFTEN_S)) as server, asking(server) as stub:
        found = [status(stub, service)]
        for serving in (True, False, True):
            server.set_serving(serving)
            found.append(status(stub, service))

    assert found == [NOT_SERVING, SERVING, NOT_SERVING, SERVING]


def test_an_unknown_service_is_not_found() -> None:
    with closing(HealthServer("127.0.0.1", 0, lambda: True)) as server, asking(server) as stub:
        with pytest.raises(grpc.RpcError) as refused:
            status(stub, "nonsense")

        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_probe_that_fails_and_recovers_is_told() -> None:
    works = threading.Event()
    works.set()
    with closing(HealthServer("127.0.0.1", 0, works.is_set, OFTEN_S)) as server, asking(server) as stub:
        server.set_serving(True)
        works.clear()
        broke = becomes(stub, NOT_SERVING)
        works.set()

        assert broke
        assert becomes(stub, SERVING)


def test_a_draining_process_does_not_serve_again_because_its_engine_answers() -> None:
    with closing(HealthServer("127.0.0.1", 0, lambda: True, OFTEN_S)) as server, asking(server) as stub:
        server.set_serving(True)
        server.set_serving(False)
        time.sleep(5 * OFTEN_S)

        assert status(stub) == NOT_SERVING


def test_a_probe_that_answers_after_the_drain_began_changes_nothing() -> None:
    asked, drained = threading.Event(), threading.Event()

    def probe() -> bool:
        asked.set()
        return drained.wait(5)

    with closing(HealthServer("127.0.0.1", 0, probe, OFTEN_S)) as server, asking(server) as stub:
        server.set_serving(True)
        asked.wait(5)
        server.set_serving(False)
        drained.set()
        time.sleep(5 * OFTEN_S)

        assert status(stub) == NOT_SERVING


def test_watchers_are_told_of_changes() -> None:
    with closing(HealthServer("127.0.0.1", 0, lambda: True)) as server, asking(server) as stub:
        stream = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=5)
        found = [next(stream).status]
        server.set_serving(True)
        found.append(next(stream).status)
        stream.cancel()

    assert found == [NOT_SERVING, SERVING]


def test_a_second_server_does_not_share_the_port() -> None:
    with closing(HealthServer("127.0.0.1", 0, lambda: True)) as server, pytest.raises(RuntimeError):
        HealthServer("127.0.0.1", server.port, lambda: True)

"""Answers `grpc.health.v1`, with a probe query that notices an engine that hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVICES = ("", "arrow.flight.protocol.FlightService")
PROBE_EVERY_S = 5.0


class HealthServer:
    """The health service; NOT_SERVING until told otherwise, and while the probe fails.

    Args:
        probe: Tells whether the engine answers.
    """

    def __init__(
        self, host: str, port: int, probe: Callable[[], bool], every_s: float = PROBE_EVERY_S
    ) -> None:
        self._probe = probe
        self._every_s = every_s
        self._serving = False
        self._ended = threading.Event()
        self._servicer = health.HealthServicer(experimental_non_blocking=True)
        self._server = grpc.server(futures.ThreadPoolExecutor(2), options=(("grpc.so_reuseport", 0),))
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, self._server)
        self.port: int = self._server.add_insecure_port(f"{host}:{port}")
        self._tell(False)
        self._server.start()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._thread.start()

    def set_serving(self, serving: bool) -> None:
        """Say whether the process takes work."""
        self._serving = serving
        self._tell(serving)

    def close(self) -> None:
        """Stop answering."""
        self._ended.set()
        self._server.stop(grace=0.5).wait()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            if self._serving:
                self._tell(self._probe() and self._serving)

    def _tell(self, serving: bool) -> None:
        status = (
            health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for service in SERVICES:
            self._servicer.set(service, status)

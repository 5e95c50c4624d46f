"""The one client of the Flight server, against a gRPC server that answers when it is told to."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from http_gateway.credentials import Caller
from http_gateway.errors import Refused
from http_gateway.flight.client import SERVICE, FlightClient
from http_gateway.flight.endpoint import Endpoint

CALLER = Caller(None, None, "127.0.0.1")
USAGE = {"key_prefix": "dev", "usage": []}


@dataclass
class Moving:
    """Says that the server is where the test says."""

    endpoint: Endpoint

    def current(self) -> Endpoint:
        return self.endpoint


@dataclass
class Slow:
    """Answers every action with *body*, as soon as it may."""

    body: bytes = field(default_factory=lambda: json.dumps(USAGE).encode())
    called: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def act(self, _request: bytes, _context: Any) -> Iterator[bytes]:
        self.called.set()
        assert self.may_answer.wait(20)
        yield b"\x0a" + bytes([len(self.body)]) + self.body


@contextmanager
def listening(server: Slow) -> Iterator[int]:
    with ThreadPoolExecutor(4) as pool:
        running = grpc.server(pool)
        handler: Any = grpc.unary_stream_rpc_method_handler(server.act)
        name = SERVICE.strip("/")
        running.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, {"DoAction": handler})])
        port = running.add_insecure_port("127.0.0.1:0")
        running.start()
        try:
            yield port
        finally:
            running.stop(0).wait()


def test_a_call_outlives_the_move_of_the_server() -> None:
    old, new = Slow(), Slow()
    new.may_answer.set()
    with ExitStack() as stack:
        places = [
            Endpoint(f"grpc://127.0.0.1:{stack.enter_context(listening(one))}", n)
            for n, one in enumerate((old, new))
        ]
        whereabouts = Moving(places[0])
        client = FlightClient(whereabouts, "token", 1000)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        asked = pool.submit(client.usage, CALLER, "qry_1")
        assert old.called.wait(20)
        whereabouts.endpoint = places[1]
        assert client.usage(CALLER, "qry_2") == USAGE
        gc.collect()
        old.may_answer.set()

        assert asked.result(20) == USAGE


@pytest.mark.parametrize("body", [b"", b"[1]", b"not json"])
def test_an_answer_that_is_not_understood_is_refused(body: bytes) -> None:
    server = Slow(body)
    server.may_answer.set()
    with listening(server) as port:
        client = FlightClient(Moving(Endpoint(f"grpc://127.0.0.1:{port}")), "token", 1000)

        with pytest.raises(Refused, match="INTERNAL_ERROR"):
            client.usage(CALLER, "qry_1")

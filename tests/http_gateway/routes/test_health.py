"""Alive, and ready."""

from __future__ import annotations

import json

from tests.fixtures.gateway import Pair


def test_alive(gateway: Pair) -> None:
    for profile in ("http", "mcp"):
        response = gateway.send("GET", "/health", profile=profile)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_tells_where_everything_is(gateway: Pair) -> None:
    announced = json.loads(gateway.gateway.announced.read_text())

    assert gateway.send("GET", "/ready").json() == {
        "ready": True,
        "flight": json.loads(gateway.flight.announced.read_text())["flight"],
        "http": announced["http"],
        "mcp": announced["mcp"],
    }

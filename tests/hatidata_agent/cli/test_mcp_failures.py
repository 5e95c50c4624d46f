"""What a model reads when the service behind the tools is dead, stopped, or has very much to say."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.fixtures.service import Service, plain_environment

HUGE = "SELECT i, 'text ' || i AS t FROM range(10000000) AS t(i)"
Work = Callable[[Client], Awaitable[Any]]
Talk = Callable[[Service, Work], Any]


def _over_stdio(service: Service, work: Work) -> Any:
    command = ["-m", "hatidata_agent", "--home", str(service.home), "mcp"]
    parameters = StdioServerParameters(command=sys.executable, args=command, env=plain_environment())

    async def conversation() -> Any:
        async with Client(parameters) as client:
            return await work(client)

    return asyncio.run(conversation())


def _over_http(service: Service, work: Work) -> Any:
    async def conversation() -> Any:
        async with httpx2.AsyncClient(timeout=60) as http_client:
            transport = streamable_http_client(f"{service.endpoints.mcp}/mcp", http_client=http_client)
            async with Client(transport) as client:
                return await work(client)

    return asyncio.run(conversation())


@pytest.fixture(params=[_over_stdio, _over_http], ids=["stdio", "http"])
def talk(request: pytest.FixtureRequest) -> Talk:
    """Hold a conversation over one of the two transports."""
    held: Talk = request.param
    return held


async def _asked(client: Client, sql: str, **arguments: object) -> dict[str, Any]:
    """Return the error of a query that fails, or what it says if it does not."""
    answer = await client.call_tool("read_query", {"sql": sql, **arguments})
    if not answer.is_error:
        return dict(answer.structured_content or {})
    said: dict[str, Any] = json.loads(answer.content[0].text)  # type: ignore[union-attr]  # it is a text
    return said


def test_ten_million_rows_are_refused_with_a_way_out(service: Service, talk: Talk) -> None:
    said = talk(service, lambda client: _asked(client, HUGE))

    assert said["error"] == "RESULT_TOO_LARGE"
    assert "page it with LIMIT and OFFSET" in said["message"]


def test_a_server_that_stops_is_given_up_at_the_limit_and_works_again(
    start_service: Callable[..., Service], talk: Talk
) -> None:
    running = start_service()

    async def work(client: Client) -> tuple[dict[str, Any], float, dict[str, Any]]:
        await _asked(client, "SELECT 1")
        pid = _flight_pid(running)
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            said = await _asked(client, "SELECT 2", timeout_ms=500)
            took = time.monotonic() - began
        finally:
            os.kill(pid, signal.SIGCONT)
        return said, took, await _asked(client, "SELECT 3 AS a")

    said, took, again = talk(running, work)

    assert (said["error"], again["rows"]) == ("QUERY_TIMEOUT", [{"a": 3}])
    assert took < 10


def test_a_server_that_dies_is_an_error_and_the_next_one_answers(
    start_service: Callable[..., Service], talk: Talk
) -> None:
    running = start_service()

    async def work(client: Client) -> tuple[list[str], dict[str, Any]]:
        await _asked(client, "SELECT 1")
        before = _flight_pid(running)
        os.kill(before, signal.SIGKILL)
        codes: list[str] = []
        for number in range(200):
            said = await _asked(client, f"SELECT {number} AS a")
            if "error" not in said:
                return codes, said
            codes.append(said["error"])
            await asyncio.sleep(0.1)
        raise AssertionError(codes)

    codes, said = talk(running, work)

    assert set(codes) <= {"SERVICE_UNAVAILABLE"}
    assert said["row_count"] == 1


def _flight_pid(service: Service) -> int:
    return int(json.loads((service.home / "run" / "flight.json").read_text())["pid"])


def test_a_conversation_with_a_frozen_server_is_refused_soon(start_service: Callable[..., Service]) -> None:
    running = start_service()
    opening = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    headers = {"Accept": "application/json, text/event-stream"}
    post = partial(httpx2.post, f"{running.endpoints.mcp}/mcp", json=opening, headers=headers, timeout=60)
    opened = post()
    pid = _flight_pid(running)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        refused = post()
        took = time.monotonic() - began
    finally:
        os.kill(pid, signal.SIGCONT)

    assert opened.status_code == 200
    assert (refused.status_code, refused.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
    assert "no answer within 10 s" in refused.json()["message"]
    assert took < 20

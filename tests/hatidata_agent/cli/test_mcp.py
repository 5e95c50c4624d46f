"""`hati mcp`: the same tools over standard input and output."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.fixtures.service import Service, hati, plain_environment

PING = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'


def talk(
    service: Service, work: Callable[[Client], Awaitable[Any]], key: str = "", mode: str = "auto"
) -> Any:
    """Start `hati mcp`, have *work* done, and return what it returns."""
    command = ["-m", "hatidata_agent", "--home", str(service.home), "mcp"]
    environment = plain_environment() | ({"HATIDATA_API_KEY": key} if key else {})

    async def conversation() -> Any:
        parameters = StdioServerParameters(command=sys.executable, args=command, env=environment)
        async with Client(parameters, mode=mode) as client:
            return await work(client)

    return asyncio.run(conversation())


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_tools_answer_in_both_generations_of_the_protocol(service: Service, mode: str) -> None:
    async def work(client: Client) -> tuple[int, Any]:
        tools = await client.list_tools()
        answer = await client.call_tool("read_query", {"sql": "SELECT 42 AS a"})
        return len(tools.tools), answer.structured_content

    count, content = talk(service, work, mode=mode)

    assert count == 12
    assert content["rows"] == [{"a": 42}]


def test_calls_at_the_same_time_do_not_wait_for_each_other(service: Service) -> None:
    async def work(client: Client) -> list[Any]:
        calls = (client.call_tool("read_query", {"sql": f"SELECT {n} AS a"}) for n in range(8))
        return [answer.structured_content for answer in await asyncio.gather(*calls)]

    assert [content["rows"] for content in talk(service, work)] == [[{"a": n}] for n in range(8)]


def test_the_key_decides_what_the_tools_may_do(service: Service) -> None:
    key = service.key("--role", "analyst", "--agent", "mcp-analyst")

    answer = talk(service, lambda client: client.call_tool("run_sql", {"sql": "DELETE FROM orders"}), key)

    assert answer.is_error
    assert json.loads(answer.content[0].text)["error"] == "POLICY_DENIED"


def test_a_wrong_key_is_refused_when_the_conversation_begins(service: Service) -> None:
    message = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}}
    done = _fed(service.home, json.dumps(message) + "\n", HATIDATA_API_KEY="hd_live_" + "x" * 32)

    answer = json.loads(done.stdout)
    assert answer["id"] == 7
    assert "UNAUTHORIZED" in answer["error"]["message"]


def test_a_line_that_is_no_message_does_not_end_the_conversation(service: Service) -> None:
    done = _fed(service.home, f"not json\n\n{PING}")

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(answer["id"], "error" in answer) for answer in answers] == [(None, True), (1, False)]


def test_a_cancelled_call_is_stopped(service: Service) -> None:
    sql = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"
    call = {"jsonrpc": "2.0", "id": 5, "method": "tools/call"}
    call |= {"params": {"name": "read_query", "arguments": {"sql": sql}}}
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}
    with subprocess.Popen(
        [sys.executable, "-m", "hatidata_agent", "--home", str(service.home), "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        time.sleep(2)
        process.stdin.write(json.dumps(cancel) + "\n")
        process.stdin.close()
        began = time.monotonic()
        process.wait(20)

    assert time.monotonic() - began < 10


def test_without_a_service_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = hati("mcp", home=tmp_path, input_text=PING)

    assert done.returncode == 3
    assert "hati serve" in done.stderr


def _fed(home: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hatidata_agent", "--home", str(home), "mcp"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=plain_environment() | environment,
    )

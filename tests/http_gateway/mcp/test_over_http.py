"""`POST /mcp` as the official client sees it, for somebody who may do everything."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import requests
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Tool

from http_gateway.credentials import Caller
from http_gateway.errors import Refused
from http_gateway.mcp.results import KeptResults, statistics
from http_gateway.receipt import Receipt
from http_gateway.request_body import QueryBody
from http_gateway.spool import MemoryBudget, SpoolRoom
from tests.fixtures.gateway import ENDLESS, Pair

SQL_TOOLS = [
    *("run_sql", "read_query", "run_sql_arrow", "list_schemas", "list_tables", "describe_table"),
    "get_usage_stats",
]
MEMORY_TOOLS = ["store_memory", "search_memory", "get_agent_state", "set_agent_state", "delete_memory"]
LARGE = "SELECT range AS number, 'text ' || range AS text FROM range(200000)"


def talk(pair: Pair, work: Callable[[Client], Awaitable[Any]], key: str = "", mode: str = "auto") -> Any:
    """Open a conversation, have *work* done in it, and return what it returns."""

    async def conversation() -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http_client:
            transport = streamable_http_client(f"{pair.uri('mcp')}/mcp", http_client=http_client)
            async with Client(transport, mode=mode) as client:
                return await work(client)

    return asyncio.run(conversation())


def called(pair: Pair, tool: str, key_of: str = "", **arguments: object) -> CallToolResult:
    """Call one tool."""
    result: CallToolResult = talk(pair, lambda client: client.call_tool(tool, arguments), key_of)
    return result


def told(pair: Pair, tool: str, key_of: str = "", **arguments: object) -> dict[str, Any]:
    """Call one tool that must succeed, and return what it says."""
    result = called(pair, tool, key_of, **arguments)
    assert not result.is_error, result
    return dict(result.structured_content or {})


def refused(pair: Pair, tool: str, key_of: str = "", **arguments: object) -> dict[str, Any]:
    """Call one tool that must fail, and return what it says."""
    result = called(pair, tool, key_of, **arguments)
    assert result.is_error, result
    assert result.structured_content is None
    said: dict[str, Any] = json.loads(result.content[0].text)  # type: ignore[union-attr]  # it is a text
    return said


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_tools_are_listed_in_both_generations_of_the_protocol(gateway: Pair, mode: str) -> None:
    tools = talk(gateway, lambda client: client.list_tools(), mode=mode).tools

    assert [tool.name for tool in tools] == SQL_TOOLS + MEMORY_TOOLS
    assert all(tool.description and tool.output_schema and tool.annotations for tool in tools)


def test_annotations_say_what_a_tool_may_do(gateway: Pair) -> None:
    tools: list[Tool] = talk(gateway, lambda client: client.list_tools()).tools
    hints = {tool.name: tool.annotations for tool in tools if tool.annotations}

    assert {name for name, hint in hints.items() if hint.read_only_hint} == {
        *("read_query", "list_schemas", "list_tables", "describe_table", "get_usage_stats"),
        *("search_memory", "get_agent_state"),
    }
    assert {name for name, hint in hints.items() if hint.destructive_hint} == {
        *("run_sql", "run_sql_arrow", "set_agent_state", "delete_memory"),
    }


def test_sql_runs_with_parameters_and_structured_rows(gateway: Pair) -> None:
    result = called(gateway, "run_sql", sql="SELECT $1 AS a, $2 AS b", parameters=[1, "x"])

    content = dict(result.structured_content or {})
    assert content["rows"] == [{"a": 1, "b": "x"}]
    assert json.loads(result.content[0].text) == content  # type: ignore[union-attr]  # the first is a text


@pytest.mark.parametrize("sql", ["CREATE TABLE mcp_no (a INT)", "SELECT store_memory('a')", "BEGIN"])
def test_reading_changes_nothing(gateway: Pair, sql: str) -> None:
    assert refused(gateway, "read_query", sql=sql)["error"] == "POLICY_DENIED"


def test_a_failure_is_a_tool_error_with_code_and_query_id(gateway: Pair) -> None:
    failure = refused(gateway, "run_sql", sql="SELECT nothing_of_that_name")

    assert failure["error"] == "QUERY_ERROR"
    assert failure["query_id"].startswith("qry_")


def test_a_slow_query_is_a_tool_error_in_time(gateway: Pair) -> None:
    began = time.monotonic()
    failure = refused(gateway, "read_query", sql=ENDLESS, timeout_ms=300)

    assert failure["error"] == "QUERY_TIMEOUT"
    assert time.monotonic() - began < 20


def test_a_dead_flight_server_is_said_in_one_sentence(own_gateway: Callable[..., Pair]) -> None:
    pair = own_gateway()
    pair.flight.stop()
    accept = {"Accept": "application/json, text/event-stream"}
    begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    call = begin | {
        "method": "tools/call",
        "params": {"name": "read_query", "arguments": {"sql": "SELECT 1"}},
    }
    opened = pair.send("POST", "/mcp", profile="mcp", json=begin, headers=accept)
    called = pair.send("POST", "/mcp", profile="mcp", json=call, headers=accept).json()

    assert (opened.status_code, opened.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
    assert called["result"]["isError"]
    assert json.loads(called["result"]["content"][0]["text"])["error"] == "SERVICE_UNAVAILABLE"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("run_sql", {}),
        ("run_sql", {"sql": "SELECT 1", "more": 1}),
        ("search_memory", {"query": "a", "top_k": 0}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(gateway: Pair, tool: str, arguments: dict[str, Any]) -> None:
    assert refused(gateway, tool, **arguments)["error"] == "INVALID_REQUEST"


def test_arrow_comes_as_a_stream_in_base64(gateway: Pair) -> None:
    content = told(gateway, "run_sql_arrow", sql="SELECT range::INTEGER AS a FROM range(7)")

    table = pa.ipc.open_stream(base64.b64decode(content["data"])).read_all()
    assert (content["format"], content["rows"], table.num_rows) == ("arrow_ipc_base64", 7, 7)
    assert table.schema.types == [pa.int32()]
    assert isinstance(content["execution_time_ms"], int)


@pytest.mark.parametrize("tool", ["run_sql_arrow", "run_sql", "read_query"])
def test_a_large_result_stays_out_of_the_context(gateway: Pair, tool: str) -> None:
    content = told(gateway, tool, sql=LARGE)

    handle = content["result_handle"]
    assert "data" not in content
    assert len(json.dumps(content)) < 10_000
    assert handle["statistics"][0] == {"name": "number", "nulls": 0, "min": 0, "max": 199999, "mean": 99999.5}
    fetched = requests.get(handle["url"], timeout=30)
    assert pa.ipc.open_stream(fetched.content).read_all().num_rows == 200_000
    assert fetched.headers["X-Row-Count"] == "200000"


def test_only_a_change_tells_how_many_rows_it_changed(gateway: Pair) -> None:
    told(gateway, "run_sql", sql="CREATE OR REPLACE TABLE mcp_changed AS SELECT range AS a FROM range(5)")
    read = [told(gateway, tool, sql="SELECT * FROM mcp_changed") for tool in ("run_sql", "read_query")]
    none = told(gateway, "run_sql", sql="DELETE FROM mcp_changed WHERE a = 77")
    some = told(gateway, "run_sql", sql="DELETE FROM mcp_changed WHERE a > 1")

    assert [("rows_affected" in answer, answer["row_count"]) for answer in read] == [(False, 5), (False, 5)]
    assert (none["rows_affected"], some["rows_affected"]) == (0, 3)


def test_a_large_result_is_fetched_over_flight_too(gateway: Pair) -> None:
    flight = told(gateway, "read_query", sql=LARGE)["result_handle"]["flight"]

    with fl.connect(flight["uri"]) as client:
        assert client.do_get(fl.Ticket(flight["ticket"])).read_all().num_rows == 200_000


def test_a_statement_that_changed_something_is_not_offered_again(gateway: Pair) -> None:
    told(gateway, "run_sql", sql="CREATE OR REPLACE TABLE mcp_returned (a BIGINT, b VARCHAR)")
    sql = "INSERT INTO mcp_returned SELECT range, 'text ' || range FROM range(200000) RETURNING *"
    handle = told(gateway, "run_sql", sql=sql)["result_handle"]

    assert "flight" not in handle
    assert requests.get(handle["url"], timeout=30).headers["X-Row-Count"] == "200000"
    assert told(gateway, "read_query", sql="SELECT count(*) AS n FROM mcp_returned")["rows"] == [
        {"n": 200_000}
    ]


def test_a_kept_result_is_for_nobody_else(gateway: Pair) -> None:
    url = told(gateway, "run_sql_arrow", sql=LARGE)["result_handle"]["url"]

    headers = {"Authorization": "Bearer hd_live_" + "x" * 32}
    assert requests.get(url, headers=headers, timeout=30).status_code == 404
    assert requests.get(url, headers={"X-Agent-Id": "other"}, timeout=30).status_code == 404


def test_a_kept_result_ends(gateway: Pair, tmp_path: Any) -> None:
    kept = KeptResults(seconds=-1.0)
    spool = SpoolRoom(tmp_path, MemoryBudget(1000), 1000).open()
    receipt = Receipt("qry_1", 1, None, 1.0, 1.0, False, False)
    name = kept.keep(spool, Caller(None, None, "127.0.0.1"), QueryBody("SELECT 1"), receipt, 1, 1)

    with pytest.raises(Refused, match="NOT_FOUND"):
        kept.get(name, Caller(None, None, "127.0.0.1"))


def test_statistics_are_json_of_any_type() -> None:
    table = pa.table({"f": [1.5, float("nan"), None], "s": ["a" * 500, "b", "c"], "l": [[1], [2], None]})

    assert [len(json.dumps(one)) < 500 for one in statistics(table)] == [True] * 3
    assert [one["nulls"] for one in statistics(table)] == [1, 0, 1]


def test_tables_are_listed_and_described(gateway: Pair) -> None:
    told(gateway, "run_sql", sql="CREATE OR REPLACE TABLE mcp_described (a INTEGER NOT NULL, b VARCHAR)")

    names = [table["table_name"] for table in told(gateway, "list_tables", schema="main")["tables"]]
    columns = told(gateway, "describe_table", table_name="mcp_described")["columns"]
    assert "mcp_described" in names
    assert "main" in told(gateway, "list_schemas")["schemas"]
    assert [(column["name"], column["type"]) for column in columns] == [("a", "INTEGER"), ("b", "VARCHAR")]


def test_a_memory_is_found_by_its_meaning_and_forgotten(gateway: Pair) -> None:
    stored = told(gateway, "store_memory", content="the customer prefers green tea", metadata={"of": "mcp"})
    told(gateway, "store_memory", content="invoices are due in thirty days", memory_type="policy")

    found = told(gateway, "search_memory", query="what does the customer drink, tea?", top_k=1)["memories"]
    assert [(one["memory_id"], one["metadata"]) for one in found] == [(stored["memory_id"], {"of": "mcp"})]
    assert told(gateway, "delete_memory", **stored)["deleted"]
    assert not told(gateway, "delete_memory", **stored)["deleted"]


def test_a_value_is_kept_under_its_key(gateway: Pair) -> None:
    assert not told(gateway, "get_agent_state", key="mcp")["found"]

    for value in ({"step": 1}, [1, None]):
        told(gateway, "set_agent_state", key="mcp", value=value)

    state = told(gateway, "get_agent_state", key="mcp")
    assert (state["value"], state["version"]) == ([1, None], 2)


def test_usage_is_that_of_the_key(gateway: Pair) -> None:
    usage = told(gateway, "get_usage_stats")

    assert usage["key_prefix"] == "dev"
    assert usage["queries"] >= 0


def test_a_wrong_key_is_refused_when_the_conversation_begins(gateway: Pair) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    answer = gateway.send(
        "POST", "/mcp", profile="mcp", json=message, headers={"Authorization": "Bearer hd_live_" + "x" * 32}
    )

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"] == "UNAUTHORIZED"


def test_pages_of_other_hosts_are_refused(gateway: Pair) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Origin": "https://evil.example", "Accept": "application/json, text/event-stream"}

    assert gateway.send("POST", "/mcp", profile="mcp", json=message, headers=headers).status_code == 403


def test_the_protocol_is_on_its_own_port_alone(gateway: Pair) -> None:
    assert gateway.send("POST", "/mcp", json={}).status_code == 404
    assert gateway.send("GET", "/mcp", profile="mcp").status_code == 405

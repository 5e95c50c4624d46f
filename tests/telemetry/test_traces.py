"""One query is one trace, from the HTTP request to the audit record."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import httpx2
import pyarrow.flight as fl
import pytest
import requests
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from flight_server.engines.adbc_link import Link
from flight_server.engines.adbc_streams import RemoteStream
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.stores.keys import KeyStore
from flight_server.watcher import Call
from hatidata_settings.engines import EngineSettings
from tests.fixtures.collector import Collector, Seen
from tests.fixtures.whole_service import WholeService
from tests.serving import served

STEPS = ["admit", "authenticate", "parse", "authorise", "estimate", "reserve"]
CALLERS_SPAN = "b7ad6b7169203331"
SECRET_VALUE = "kumquat-5561"
_ACCESS = 'permit(principal in Role::"clerk", action == Action::"select", resource);\n'
_MASKS = "- table: main.items\n  column: name\n  function: hash\n  exempt_roles: []\n"


def make_home(home: Path) -> str:
    """Fill a home, and return the key of a clerk, who sees names only masked."""
    (home / "policies").mkdir(parents=True)
    (home / "policies" / "access.cedar").write_text(_ACCESS)
    (home / "policies" / "masks.yaml").write_text(_MASKS)
    for name in ("row_filters", "limits"):
        (home / "policies" / f"{name}.yaml").write_text("[]\n")
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE TABLE items AS SELECT i AS id, 'item ' || i AS name FROM range(1000) t(i)")
    with closing(KeyStore.open(home / "keys.db")) as store:
        return store.create(roles=["clerk"], agent_id="tester")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[WholeService]:
    """A service whose traces go to *collector*; its key is that of a clerk."""
    home = tmp_path_factory.mktemp("traced") / "home"
    clerk = make_home(home)
    environ = {"HATIDATA_OTEL_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with served(home, environ) as found:
        yield WholeService(home, found["http"], found["mcp"], found["flight"], found["metrics"], clerk)


def ask(service: WholeService, body: dict[str, object], **headers: str) -> requests.Response:
    return requests.post(
        f"{service.http}/v1/query",
        json=body,
        headers={"Authorization": service.bearer, **headers},
        timeout=30,
    )


def named(trace: list[Seen], name: str) -> Seen:
    return next(span for span in trace if span.name == name)


def test_a_request_is_one_trace_from_http_to_audit(service: WholeService, collector: Collector) -> None:
    callers = secrets.token_hex(16)
    parent = f"00-{callers}-{CALLERS_SPAN}-01"
    answer = ask(service, {"sql": "SELECT name FROM items WHERE id < 3"}, traceparent=parent)
    query_id = answer.json()["query_id"]
    trace = collector.of_query(query_id, "POST /v1/query", "DoGet", "query", "audit")

    http, flight, query = named(trace, "POST /v1/query"), named(trace, "DoGet"), named(trace, "query")
    assert {span.trace for span in trace} == {callers}
    assert (http.service, flight.service) == ("hatidata-gateway", "hatidata-flight")
    assert (http.parent, flight.parent, query.parent) == (CALLERS_SPAN, http.id, flight.id)
    assert http.attributes["hatidata.query_id"] == query.attributes["hatidata.query_id"] == query_id
    assert http.attributes["http.response.status_code"] == 200
    assert query.attributes["hatidata.outcome"] == "OK"
    assert query.attributes["hatidata.rows"] == 3


def test_a_tool_call_over_mcp_is_traced_too(service: WholeService, collector: Collector) -> None:
    async def ask_a_tool() -> CallToolResult:
        headers = {"Authorization": service.bearer}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http_client:
            transport = streamable_http_client(f"{service.mcp}/mcp", http_client=http_client)
            async with Client(transport) as client:
                return await client.call_tool("read_query", {"sql": "SELECT id FROM items WHERE id < 8"})

    said = asyncio.run(ask_a_tool()).structured_content or {}
    trace = collector.of_query(str(said["query_id"]), "POST /mcp", "DoGet", "query")

    assert named(trace, "DoGet").parent == named(trace, "POST /mcp").id
    assert named(trace, "query").attributes["hatidata.protocol"] == "mcp"


def test_every_step_is_a_span_under_its_query_in_order(service: WholeService, collector: Collector) -> None:
    answer = ask(service, {"sql": "SELECT name FROM items WHERE id < 4"})
    trace = collector.of_query(answer.json()["query_id"], "query", "audit")

    query = named(trace, "query")
    steps = sorted((span for span in trace if span.parent == query.id), key=lambda span: span.began_ns)
    in_order = [span.name for span in steps if span.name != "mask"]
    expected = [*STEPS, "restrict_rows", "transpile", "snapshot", "execute", "stream", "meter", "audit"]
    assert in_order == expected
    assert named(trace, "mask").parent == query.id
    assert query.began_ns <= min(span.began_ns for span in steps)
    assert max(span.ended_ns for span in steps) <= query.ended_ns + 1_000_000


def test_a_refusal_fails_the_step_that_refused(service: WholeService, collector: Collector) -> None:
    answer = ask(service, {"sql": "DROP TABLE items"})
    trace = collector.of_query(answer.json()["query_id"], "query", "audit")

    assert answer.status_code == 403
    assert named(trace, "authorise").failure == "POLICY_DENIED"
    assert named(trace, "query").failure == "POLICY_DENIED"
    assert named(trace, "DoGet").failure == "POLICY_DENIED"
    assert named(trace, "parse").failure == ""


def test_a_flight_caller_brings_its_own_trace(service: WholeService, collector: Collector) -> None:
    callers = secrets.token_hex(16)
    parent = f"00-{callers}-{CALLERS_SPAN}-01"
    options = fl.FlightCallOptions(
        headers=[(b"authorization", service.bearer.encode()), (b"traceparent", parent.encode())]
    )
    with fl.FlightClient(service.flight) as client:
        reader = client.do_get(fl.Ticket("SELECT id FROM items WHERE id < 5"), options)
        receipts = [json.loads(bytes(chunk.app_metadata)) for chunk in reader if chunk.app_metadata]
    trace = collector.of_query(receipts[-1]["query_id"], "DoGet", "query")

    assert named(trace, "DoGet").parent == CALLERS_SPAN
    assert named(trace, "DoGet").trace == callers


def test_a_remote_engine_is_told_of_the_trace(service: WholeService, collector: Collector) -> None:
    """The remote engine is the service itself, by the driver that a cluster is asked with."""
    callers = secrets.token_hex(16)
    options = {"adbc.flight.sql.authorization_header": service.bearer}
    link = Link(EngineSettings("far", "flightsql", service.flight, options))
    call = Call(time.monotonic() + 30, None, lambda: (("traceparent", f"00-{callers}-{CALLERS_SPAN}-01"),))
    sql = "SELECT id FROM items WHERE id < 6"
    stream = RemoteStream(link, sql, None, call, lambda *_: None, _unforeseen, 1_000_000).started()
    rows = sum(batch.num_rows for batch in stream.batches())
    link.close()
    trace = collector.of_trace(callers, "GetFlightInfo", "DoGet")

    assert rows == 6
    assert named(trace, "GetFlightInfo").parent == named(trace, "DoGet").parent == CALLERS_SPAN


def _unforeseen(error: BaseException) -> QueryRefused:
    return QueryRefused(ErrorCode.QUERY_ERROR, str(error))


def test_no_statement_value_or_credential_is_in_a_span(service: WholeService, collector: Collector) -> None:
    sql = f"SELECT '{SECRET_VALUE}' || $1 AS told, CAST($2 AS INTEGER) AS number FROM items"
    failed = ask(service, {"sql": sql, "parameters": [SECRET_VALUE, SECRET_VALUE]})
    answered = ask(service, {"sql": sql, "parameters": [SECRET_VALUE, 1]})
    ids = [failed.headers["X-Query-Id"], answered.headers["X-Query-Id"]]
    for query_id in ids:
        collector.of_query(query_id, "POST /v1/query", "query", "audit")

    sent = b"".join(collector.requests)
    assert (failed.status_code, answered.status_code) == (400, 200)
    for hidden in (SECRET_VALUE, "told", service.key, service.key[:12], "items"):
        assert hidden.encode() not in sent


def test_probes_leave_no_traces(tmp_path: Path) -> None:
    own = Collector()
    clerk = make_home(tmp_path / "home")
    environ = {"HATIDATA_OTEL_ENDPOINT": own.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with served(tmp_path / "home", environ) as found:
        probes = [requests.get(f"{found['http']}/ready", timeout=10).status_code for _ in range(3)]
        answer = requests.post(
            f"{found['http']}/v1/query",
            json={"sql": "SELECT 1 AS one"},
            headers={"Authorization": f"Bearer {clerk}"},
            timeout=10,
        )
        own.of_query(answer.headers["X-Query-Id"], "POST /v1/query", "query", "audit")
    own.server.stop(0)

    assert probes == [200] * 3
    assert b"DoAction" not in b"".join(own.requests)
    assert b"/ready" not in b"".join(own.requests)


def test_a_dead_collector_neither_fails_nor_delays_queries(tmp_path: Path) -> None:
    clerk = make_home(tmp_path / "home")
    environ = {"HATIDATA_OTEL_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with served(tmp_path / "home", environ) as found:
        began = time.monotonic()
        answers = [
            requests.post(
                f"{found['http']}/v1/query",
                json={"sql": f"SELECT {number} AS n"},
                headers={"Authorization": f"Bearer {clerk}"},
                timeout=10,
            ).status_code
            for number in range(20)
        ]
        took = time.monotonic() - began
        ending = time.monotonic()
    ended = time.monotonic() - ending

    lines = [json.loads(line) for line in (tmp_path / "home" / "output.txt").read_text().splitlines()]
    assert answers == [200] * 20
    assert "traces" in {line["event"] for line in lines}
    assert took < 10
    assert ended < 8


def test_opentelemetry_is_not_imported_while_traces_are_off() -> None:
    program = (
        "import sys, flight_server.app, http_gateway.server;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"

"""The wire itself, through a plain Flight client: tickets, errors, cancelling, what is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl
import pytest
import requests

from flight_server.protocols.flight.protobuf import make, read, unwrap, wrap
from tests.fixtures.flight import FlightService, read_stream

SLOW = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(1000) b"


def command(sql: str, **fields: object) -> fl.FlightDescriptor:
    """Return a JSON command."""
    return fl.FlightDescriptor.for_command(json.dumps({"sql": sql, **fields}).encode())


def metric(flight: FlightService, name: str) -> float:
    """Return a gauge of the server."""
    lines = requests.get(flight.metrics, timeout=10).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"hatidata_{name} "))


def eventually(test: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Tell whether *test* becomes true in time."""
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_json_command_is_described_and_then_fetched(flight: FlightService) -> None:
    client, options = flight.client(), flight.options()
    info = client.get_flight_info(command("SELECT $1 + 1 AS a", parameters=[41]), options)
    table, receipt = read_stream(client.do_get(info.endpoints[0].ticket, options))

    assert (len(info.endpoints), info.schema.names) == (1, ["a"])
    assert table.to_pylist() == [{"a": 42}]
    assert receipt["query_id"] == json.loads(info.app_metadata)["query_id"]


def test_a_change_runs_once_and_its_ticket_works_once(flight: FlightService) -> None:
    client, options = flight.client(), flight.options()
    client.get_flight_info(command("CREATE OR REPLACE TABLE once (a INTEGER)"), options)
    info = client.get_flight_info(command("INSERT INTO once VALUES (1)"), options)
    ticket = info.endpoints[0].ticket
    table, receipt = read_stream(client.do_get(ticket, options))

    assert table.to_pylist() == [{"Count": 1}]
    assert receipt["rows_affected"] == 1
    assert json.loads(info.app_metadata) == receipt
    with pytest.raises(pa.ArrowInvalid, match="was used or has expired"):
        client.do_get(ticket, options).read_all()
    left, _ = read_stream(client.do_get(fl.Ticket(b"SELECT count(*) AS n FROM once"), options))
    assert left.to_pylist() == [{"n": 1}]


def test_nobody_fetches_with_another_ones_ticket(flight: FlightService) -> None:
    client = flight.client()
    info = client.get_flight_info(command("DROP TABLE IF EXISTS nothing_here"), flight.options())

    with pytest.raises(pa.ArrowInvalid, match="was used or has expired"):
        client.do_get(info.endpoints[0].ticket, flight.options(flight.analyst)).read_all()


@pytest.mark.parametrize(
    "ticket",
    [
        b"\xff\x00",
        b'{"sql": 1}',
        b'{"sql": "SELECT 1", "nonsense": 2}',
        wrap(make("TicketStatementQuery", statement_handle=b"forged" * 10)),
        wrap(make("CommandPreparedStatementQuery", prepared_statement_handle=b"unknown")),
        b"\n\x46type.googleapis.com/arrow.flight.protocol.sql.NoSuchMessage........",
    ],
)
def test_a_ticket_that_is_none_is_refused_without_a_traceback(flight: FlightService, ticket: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid, match=r"^\[INVALID_REQUEST\]") as told:
        flight.client().do_get(fl.Ticket(ticket), flight.options()).read_all()

    assert "Traceback" not in str(told.value)


@pytest.mark.parametrize("ask", ["get_flight_info", "get_schema"])
def test_errors_of_descriptions_have_no_traceback(flight: FlightService, ask: str) -> None:
    with pytest.raises(pa.ArrowInvalid, match=r"^\[QUERY_ERROR\]") as told:
        getattr(flight.client(), ask)(command("SELECT nowhere"), flight.options())

    assert "Traceback" not in str(told.value)
    assert len(str(told.value)) < 8000


def test_denials_reach_get_schema_as_they_are(flight: FlightService) -> None:
    with pytest.raises(pa.ArrowException, match="POLICY_DENIED") as told:
        flight.client().get_schema(command("SELECT * FROM salaries"), flight.options(flight.analyst))

    assert "Traceback" not in str(told.value)
    assert ".py" not in str(told.value)


def test_a_long_text_is_cut_in_an_error(flight: FlightService) -> None:
    sql = "SELECT " + ", ".join(f"'{i}'::INTEGER + nowhere_{i}" for i in range(20_000))
    with pytest.raises(pa.ArrowInvalid, match=r"^\[QUERY_ERROR\]") as told:
        flight.client().do_get(fl.Ticket(sql.encode()), flight.options()).read_all()

    assert len(str(told.value).split("Detail:")[0]) <= 1600


@pytest.mark.parametrize("ask", ["get_flight_info", "get_schema"])
def test_the_text_of_an_error_stands_there_once(flight: FlightService, ask: str) -> None:
    sql = "SELECT " + ", ".join(f"'{i}'::INTEGER + nowhere_{i}" for i in range(20_000))
    with pytest.raises(pa.ArrowInvalid) as told:
        getattr(flight.client(), ask)(command(sql), flight.options())

    assert str(told.value).count("[QUERY_ERROR]") == 1
    assert len(str(told.value)) <= 1600


def test_an_error_in_mid_stream_ends_the_stream_with_its_code(flight: FlightService) -> None:
    sql = "SELECT CASE WHEN i = 2999999 THEN error('late') ELSE i::VARCHAR END AS a FROM range(3000000) t(i)"
    reader = flight.client().do_get(fl.Ticket(sql.encode()), flight.options())

    with pytest.raises(pa.ArrowException, match="QUERY_ERROR") as told:
        reader.read_all()
    assert "Traceback" not in str(told.value)


def test_an_unknown_action_is_unimplemented(flight: FlightService) -> None:
    for name in ("NoSuchAction", "BeginSavepoint", "CreatePreparedSubstraitPlan"):
        with pytest.raises(NotImplementedError, match=name):
            list(flight.client().do_action(name, flight.options()))


def test_what_is_not_flight_sql_is_unimplemented(flight: FlightService) -> None:
    client, options = flight.client(), flight.options()
    with pytest.raises(NotImplementedError, match="ListFlights") as listing:
        list(client.list_flights(b"", options))
    _, reader = client.do_exchange(command("SELECT 1"), options)
    with pytest.raises(NotImplementedError, match="DoExchange") as exchanging:
        reader.read_chunk()

    assert "Traceback" not in str(listing.value) + str(exchanging.value)


def test_every_listed_action_is_known(flight: FlightService) -> None:
    listed = {action.type for action in flight.client().list_actions(flight.options())}

    assert listed == {
        *("CreatePreparedStatement", "ClosePreparedStatement", "BeginTransaction", "EndTransaction"),
        *("CancelQuery", "CancelFlightInfo", "RenewFlightEndpoint"),
        *("SetSessionOptions", "GetSessionOptions", "CloseSession", "hatidata.ready", "hatidata.usage"),
        *("hatidata.cancel", "hatidata.recheck"),
    }


def act(flight: FlightService, client: fl.FlightClient, name: str, request: Any) -> list[bytes]:
    """Do an action and return the bodies of its results."""
    action = fl.Action(name, request.SerializeToString())
    return [result.body.to_pybytes() for result in client.do_action(action, flight.options())]


def test_a_running_fetch_is_cancelled_from_another_connection(flight: FlightService) -> None:
    client = flight.client()
    info = client.get_flight_info(command(SLOW), flight.options())
    errors: list[str] = []

    def fetch() -> None:
        try:
            client.do_get(info.endpoints[0].ticket, flight.options()).read_all()
        except fl.FlightCancelledError as error:
            errors.append(str(error))

    thread = threading.Thread(target=fetch)
    thread.start()
    assert eventually(lambda: metric(flight, "running_queries") > 0)
    began = time.monotonic()
    request = make("CancelFlightInfoRequest")
    request.info.ParseFromString(info.serialize())
    answer = act(flight, flight.client(), "CancelFlightInfo", request)
    thread.join(10)

    assert read("CancelFlightInfoResult", answer[0]).status == 1
    assert "QUERY_CANCELLED" in errors[0]
    assert time.monotonic() - began < 1.0


def test_a_cancelled_ticket_is_not_fetched_any_more(flight: FlightService) -> None:
    client = flight.client()
    info = client.get_flight_info(command("SELECT 1"), flight.options())
    request = make("ActionCancelQueryRequest", info=info.serialize())
    answer = client.do_action(fl.Action("CancelQuery", wrap(request)), flight.options())

    assert unwrap(next(iter(answer)).body.to_pybytes()).result == 1
    with pytest.raises(fl.FlightCancelledError):
        client.do_get(info.endpoints[0].ticket, flight.options()).read_all()


def test_an_endpoint_is_renewed_as_it_is(flight: FlightService) -> None:
    client = flight.client()
    info = client.get_flight_info(command("SELECT 1"), flight.options())
    request = make("RenewFlightEndpointRequest")
    request.endpoint.ticket.ticket = info.endpoints[0].ticket.ticket
    answer = act(flight, client, "RenewFlightEndpoint", request)

    assert read("FlightEndpoint", answer[0]).ticket.ticket == info.endpoints[0].ticket.ticket


def test_session_options_are_set_reset_and_checked(flight: FlightService) -> None:
    client = flight.client()
    request = make("SetSessionOptionsRequest")
    request.session_options["hatidata.endpoints"].int64_value = 4
    request.session_options["schema"].string_value = "finance"
    request.session_options["hatidata.timeout_ms"].string_value = "soon"
    request.session_options["no_such_option"].bool_value = True
    faults = read("SetSessionOptionsResult", act(flight, client, "SetSessionOptions", request)[0]).errors
    info = client.get_flight_info(command("SELECT 1"), flight.options())
    options = act(flight, client, "GetSessionOptions", make("GetSessionOptionsRequest"))
    held = read("GetSessionOptionsResult", options[0]).session_options

    assert {name: fault.value for name, fault in faults.items()} == {
        "hatidata.timeout_ms": 2,
        "no_such_option": 1,
    }
    assert len(info.endpoints) == 4
    assert held["schema"].string_value == "finance"
    assert held["hatidata.endpoints"].int64_value == 4
    closed = act(flight, client, "CloseSession", make("CloseSessionRequest"))
    assert read("CloseSessionResult", closed[0]).status == 1
    assert len(client.get_flight_info(command("SELECT 1"), flight.options()).endpoints) == 1


def test_a_cookie_leads_back_to_the_session(flight: FlightService) -> None:
    cookies: list[str] = []

    class Jar(fl.ClientMiddlewareFactory):  # type: ignore[misc]  # pyarrow publishes no types
        def start_call(self, info: fl.CallInfo) -> fl.ClientMiddleware:
            return Taster()

    class Taster(fl.ClientMiddleware):  # type: ignore[misc]  # pyarrow publishes no types
        def received_headers(self, headers: dict[str, list[str]]) -> None:
            cookies.extend(headers.get("set-cookie", []))

    client = fl.FlightClient(flight.uri, middleware=[Jar()])
    request = make("SetSessionOptionsRequest")
    request.session_options["schema"].string_value = "finance"
    act(flight, client, "SetSessionOptions", request)
    cookie = cookies[0].split(";")[0]
    elsewhere = flight.client()
    ticket = fl.Ticket(b"SELECT entry FROM ledger")

    assert elsewhere.do_get(ticket, flight.options(cookie=cookie)).read_all().num_rows == 1
    with pytest.raises(pa.ArrowException):
        flight.client().do_get(ticket, flight.options(flight.analyst, cookie=cookie)).read_all()


def test_ingest_by_json_answers_with_a_receipt(flight: FlightService) -> None:
    descriptor = fl.FlightDescriptor.for_command(
        json.dumps({"ingest": {"table": "by_json", "mode": "replace"}}).encode()
    )
    writer, answers = flight.client().do_put(descriptor, pa.schema([("a", pa.int64())]), flight.options())
    for start in range(0, 3000, 1000):
        writer.write_batch(pa.record_batch({"a": pa.array(range(start, start + 1000), pa.int64())}))
    writer.done_writing()
    receipt = json.loads(answers.read().to_pybytes())
    writer.close()

    assert receipt["rows_affected"] == 3000
    assert receipt["query_id"].startswith("qry_")


_SENDER = """
import sys, json, os
import pyarrow as pa, pyarrow.flight as fl
uri, key = sys.argv[1:]
options = fl.FlightCallOptions(headers=[(b"authorization", b"Bearer " + key.encode())])
command = json.dumps({"ingest": {"table": "half", "mode": "create_append"}}).encode()
batch = pa.record_batch({"a": pa.array(range(10000), pa.int64())})
writer, _ = fl.FlightClient(uri).do_put(fl.FlightDescriptor.for_command(command), batch.schema, options)
for number in range(1_000_000):
    writer.write_batch(batch)
    if number == 20:
        print("on the way", flush=True)
"""


def test_a_client_that_dies_in_mid_stream_leaves_nothing(flight: FlightService) -> None:
    client, options = flight.client(), flight.options()
    for _ in range(3):
        arguments = [sys.executable, "-c", _SENDER, flight.uri, flight.admin]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as sender:
            assert sender.stdout is not None
            sender.stdout.readline()
            sender.send_signal(signal.SIGKILL)

    assert eventually(lambda: metric(flight, "ingests_running") == 0)
    sql = b"SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'half'"
    assert client.do_get(fl.Ticket(sql), options).read_all().to_pylist() == [{"n": 0}]


def test_a_client_that_leaves_frees_the_engine(flight: FlightService) -> None:
    reader = flight.client().do_get(fl.Ticket(b"SELECT i FROM range(100000000000) t(i)"), flight.options())
    reader.read_chunk()
    assert metric(flight, "running_queries") == 1
    reader.cancel()

    assert eventually(lambda: metric(flight, "running_queries") == 0, 1.0)


def test_abandoned_tickets_hold_no_memory(flight: FlightService) -> None:
    client, options = flight.client(), flight.options()
    sql = "SELECT i, i::VARCHAR AS t FROM range(200000) t(i) ORDER BY t"
    client.get_flight_info(command(sql), options)
    before = flight.resident_mb()
    for _ in range(200):
        client.get_flight_info(command(sql), options)

    assert flight.resident_mb() - before < 100


def test_a_thousand_abandoned_sessions_are_bounded(start_flight: Callable[..., FlightService]) -> None:
    flight = start_flight(max_sessions_per_principal="16", session_idle_secs="1")
    for number in range(300):
        client = flight.client()
        client.do_get(fl.Ticket(b"BEGIN"), flight.options()).read_all()
        if number % 10 == 0:
            assert metric(flight, "sessions") <= 16
        client.close()

    assert eventually(lambda: metric(flight, "sessions") == 0)


def test_idle_expiry_never_cuts_a_running_fetch(start_flight: Callable[..., FlightService]) -> None:
    flight = start_flight(session_idle_secs="1")
    client, options = flight.client(), flight.options()
    client.do_get(fl.Ticket(b"BEGIN"), options).read_all()
    reader = client.do_get(fl.Ticket(b"SELECT i, repeat('x', 100) AS t FROM range(2000000) t(i)"), options)
    rows = reader.read_chunk().data.num_rows
    time.sleep(3)
    rows += reader.read_all().num_rows

    assert rows == 2_000_000
    assert eventually(lambda: metric(flight, "sessions") == 0)
    with pytest.raises(pa.ArrowInvalid, match="no transaction is open"):
        client.do_get(fl.Ticket(b"COMMIT"), options).read_all()

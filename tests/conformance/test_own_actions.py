"""The actions that are ours: calls with names that their client cancels, answers that are given out again."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.flight as fl
import pytest
import requests

from tests.fixtures.flight import FlightService, read_stream

ENDLESS = b"SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3"
CALL = "x-hatidata-call"


def cancel(flight: FlightService, name: str, key: str = "") -> bool:
    action = fl.Action("hatidata.cancel", name.encode())
    (answer,) = flight.client().do_action(action, flight.options(key))
    return bool(json.loads(answer.body.to_pybytes())["cancelled"])


def recheck(flight: FlightService, version: str, ticket: str, key: str = "") -> list[fl.Result]:
    action = fl.Action("hatidata.recheck", f"{version}\n{ticket}".encode())
    return list(flight.client().do_action(action, flight.options(key)))


def version_of(flight: FlightService) -> str:
    reader = flight.client().do_get(fl.Ticket(b"SELECT 1"), flight.options())
    return str(read_stream(reader)[1]["policy_version"])


def wait_for_running(flight: FlightService, queries: int) -> None:
    """Wait until the server runs exactly so many queries."""
    end = time.monotonic() + 20
    while f"\nhatidata_running_queries {queries}.0\n" not in requests.get(flight.metrics, timeout=5).text:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_call_is_cancelled_by_its_name_before_its_first_row(flight: FlightService) -> None:
    name = secrets.token_hex(8)
    wait_for_running(flight, 0)
    with ThreadPoolExecutor(1) as pool:
        options = flight.options(**{CALL: name})
        asking = pool.submit(flight.client().do_get, fl.Ticket(ENDLESS), options)
        wait_for_running(flight, 1)  # a name that is cancelled before it comes is another test's
        assert cancel(flight, name)

        with pytest.raises(fl.FlightCancelledError, match=r"\[QUERY_CANCELLED\]"):
            asking.result(20)


def test_nobody_cancels_the_call_of_another(flight: FlightService) -> None:
    name = secrets.token_hex(8)

    assert not cancel(flight, name, flight.analyst)
    reader = flight.client().do_get(fl.Ticket(b"SELECT 1 AS a"), flight.options(**{CALL: name}))
    assert reader.read_all().to_pylist() == [{"a": 1}]


def test_what_is_cancelled_before_it_comes_does_not_begin(flight: FlightService) -> None:
    name = secrets.token_hex(8)
    cancel(flight, name)

    with pytest.raises(fl.FlightCancelledError):
        flight.client().do_get(fl.Ticket(b"SELECT 1"), flight.options(**{CALL: name}))


@pytest.mark.parametrize("name", ["a" * 65, "a b", "../x"])
def test_a_name_is_letters_and_digits(flight: FlightService, name: str) -> None:
    with pytest.raises(pa.ArrowInvalid, match="the name of a call"):
        flight.client().do_get(fl.Ticket(b"SELECT 1"), flight.options(**{CALL: name}))


def test_a_cancelled_load_leaves_nothing(flight: FlightService) -> None:
    name, batch = secrets.token_hex(8), pa.record_batch({"a": list(range(1000))})
    command = json.dumps({"ingest": {"table": "never_loaded", "mode": "create"}}).encode()
    descriptor = fl.FlightDescriptor.for_command(command)
    writer, _ = flight.client().do_put(descriptor, batch.schema, flight.options(**{CALL: name}))
    writer.write_batch(batch)
    assert cancel(flight, name)

    with pytest.raises(pa.ArrowException):
        writer.close()
    with pytest.raises(pa.ArrowInvalid, match="never_loaded"):
        flight.client().do_get(fl.Ticket(b"SELECT * FROM never_loaded"), flight.options()).read_all()


def test_an_answer_may_be_given_out_again_under_the_same_policies(flight: FlightService) -> None:
    version = version_of(flight)

    assert recheck(flight, version, "SELECT * FROM customers", flight.analyst) == []


def test_an_answer_of_other_policies_is_asked_anew(flight: FlightService) -> None:
    with pytest.raises(fl.FlightUnauthorizedError, match="ask again"):
        recheck(flight, "0" * 12, "SELECT * FROM customers")


def test_who_may_not_ask_gets_no_answer_again(flight: FlightService) -> None:
    with pytest.raises(fl.FlightUnauthorizedError, match="salaries"):
        recheck(flight, version_of(flight), "SELECT * FROM salaries", flight.analyst)


def test_looking_at_a_statement_again_does_not_run_it(flight: FlightService) -> None:
    assert recheck(flight, version_of(flight), "CREATE TABLE rechecked AS SELECT 1 AS a") == []

    with pytest.raises(pa.ArrowInvalid, match="rechecked"):
        flight.client().do_get(fl.Ticket(b"SELECT * FROM rechecked"), flight.options()).read_all()


@pytest.mark.parametrize("body", ["", "only a version", "\n", "v\n{}", 'v\n{"ingest": {"table": "t"}}'])
def test_a_request_that_is_not_understood_is_refused(flight: FlightService, body: str) -> None:
    with pytest.raises((pa.ArrowInvalid, fl.FlightUnauthorizedError), match=r"\[(INVALID|QUERY|POLICY)"):
        list(flight.client().do_action(fl.Action("hatidata.recheck", body.encode()), flight.options()))

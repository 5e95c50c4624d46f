"""Large answers between the two processes: through the file that the gateway lends, or as messages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as fl
import pytest

from hatidata_settings import load_settings
from http_gateway.credentials import Caller
from http_gateway.errors import Code, Refused
from http_gateway.flight.client import FlightCall, FlightClient
from http_gateway.flight.endpoint import Endpoint, FixedEndpoint
from http_gateway.gateway_token import gateway_token
from http_gateway.lent_file import LentFile
from http_gateway.request_body import QueryBody
from tests.fixtures.gateway import NUMBERS, Pair, wait_until

LARGE = NUMBERS.format(rows=300_000)
SMALL = NUMBERS.format(rows=3)
MOST = 1 << 30


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[LentFile]:
    file = LentFile(tmp_path)
    yield file
    file.close()


@pytest.fixture
def ask(gateway: Pair) -> Iterator[Callable[[str, str], FlightCall]]:
    """Ask the shared Flight server as the gateway does; the second text offers a file."""
    uri = json.loads(gateway.flight.announced.read_text())["flight"]
    token = gateway_token(load_settings(gateway.home, {}, {}).gateway_token)
    client = FlightClient(FixedEndpoint(Endpoint(uri)), token, 60_000)
    caller = Caller(None, None, "127.0.0.1")
    ids = iter(range(100))

    def call(sql: str, offer: str) -> FlightCall:
        body = QueryBody(sql, (), None, "auto")
        return client.query(body, caller, f"qry_{next(ids):024x}", file_offer=offer)

    yield call
    client.close()


def expected(gateway: Pair, sql: str) -> pa.Table:
    uri = json.loads(gateway.flight.announced.read_text())["flight"]
    with fl.connect(uri) as client:
        return client.do_get(fl.Ticket(json.dumps({"sql": sql}).encode())).read_all()


def test_a_large_answer_is_in_the_file(
    gateway: Pair, ask: Callable[[str, str], FlightCall], lent: LentFile
) -> None:
    call = ask(LARGE, lent.offer(MOST))
    messages = list(call.messages())
    content = os.pread(lent.descriptor, MOST, 0)

    assert sum(len(message.body) for message in messages) < 100
    assert (call.receipt.rows, call.receipt.file_bytes) == (300_000, len(content))
    assert pa.ipc.open_stream(content).read_all() == expected(gateway, LARGE)


def test_a_small_answer_leaves_the_file_alone(ask: Callable[[str, str], FlightCall], lent: LentFile) -> None:
    call = ask(SMALL, lent.offer(MOST))
    messages = list(call.messages())

    assert sum(len(message.body) > 0 for message in messages) == 1
    assert (call.receipt.rows, call.receipt.file_bytes) == (3, None)
    assert os.pread(lent.descriptor, 64, 0) == lent.mark.encode()


def test_a_file_that_is_not_here_is_as_none(
    gateway: Pair, ask: Callable[[str, str], FlightCall], lent: LentFile
) -> None:
    call = ask(LARGE, lent.offer(MOST).replace(lent.mark, "0" * 32))
    rows = sum(len(message.body) > 0 for message in call.messages())

    assert rows > 1
    assert (call.receipt.rows, call.receipt.file_bytes) == (300_000, None)


def test_an_answer_above_the_limit_ends_the_query(
    gateway: Pair, ask: Callable[[str, str], FlightCall], lent: LentFile
) -> None:
    with pytest.raises(Refused) as refused:
        list(ask("select i from range(100000000000) t(i)", lent.offer(8_000_000)).messages())

    assert refused.value.code is Code.RESULT_TOO_LARGE
    wait_until(lambda: gateway.running_queries() == 0, gateway.flight.last_output, seconds=5)
    assert _last_outcome(gateway) == "RESULT_TOO_LARGE"


def test_a_failure_in_the_middle_is_told(ask: Callable[[str, str], FlightCall], lent: LentFile) -> None:
    sql = "select i, case when i = 900000 then error('late') else i end as j from range(1000000) t(i)"
    with pytest.raises(Refused) as refused:
        list(ask(sql, lent.offer(MOST)).messages())

    assert (refused.value.code, "late" in refused.value.message) == (Code.QUERY_ERROR, True)


def test_large_answers_over_http_are_whole(gateway: Pair) -> None:
    table = expected(gateway, LARGE)
    for _ in range(3):
        response = gateway.post(LARGE, "arrow", headers={"Accept-Encoding": "identity"})

        assert (response.status_code, response.headers["X-Row-Count"]) == (200, "300000")
        assert len(response.content) == int(response.headers["Content-Length"])
        assert pa.ipc.open_stream(response.content).read_all() == table


def _last_outcome(gateway: Pair) -> str:
    files = (gateway.home / "audit").glob("*.jsonl")
    entries = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    complete = [entry for entry in entries if entry.get("phase") == "complete"]
    return str(max(complete, key=lambda entry: entry["seq"])["outcome"])

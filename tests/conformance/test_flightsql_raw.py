"""Flight SQL's own messages, sent by hand: who may send them, what they hold, and how things end."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl
import pytest

from flight_server.protocols.flight.protobuf import make, read, unwrap, wrap
from tests.fixtures.flight import FlightService

MOMENT = dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC)


class Caller:
    """One connection that sends messages as they are."""

    def __init__(self, flight: FlightService, key: str = "") -> None:
        self.client = flight.client()
        self.options = flight.options(key)

    def act(self, name: str, body: bytes = b"") -> list[bytes]:
        """Do an action and return the bodies of its results."""
        return [one.body.to_pybytes() for one in self.client.do_action(fl.Action(name, body), self.options)]

    def info(self, command: Any) -> fl.FlightInfo:
        """Describe a command."""
        return self.client.get_flight_info(fl.FlightDescriptor.for_command(wrap(command)), self.options)

    def fetch(self, info: fl.FlightInfo) -> pa.Table:
        """Fetch the first endpoint."""
        return self.client.do_get(info.endpoints[0].ticket, self.options).read_all()

    def query(self, sql: str, transaction: bytes = b"") -> fl.FlightStreamReader:
        """Run a query and return the reader of its rows."""
        command = make("CommandStatementQuery", query=sql)
        if transaction:
            command.transaction_id = transaction
        return self.client.do_get(self.info(command).endpoints[0].ticket, self.options)

    def put(self, command: Any, batches: list[pa.RecordBatch], schema: pa.Schema | None = None) -> bytes:
        """Send rows with a command and return the metadata of the answer."""
        descriptor = fl.FlightDescriptor.for_command(wrap(command))
        schema = batches[0].schema if schema is None else schema
        writer, answers = self.client.do_put(descriptor, schema, self.options)
        for batch in batches:
            writer.write_batch(batch)
        writer.done_writing()
        answer = answers.read()
        writer.close()
        return bytes(answer.to_pybytes())

    def update(self, sql: str, transaction: bytes = b"") -> int:
        """Run an update and return how many rows it changed."""
        command = make("CommandStatementUpdate", query=sql)
        if transaction:
            command.transaction_id = transaction
        return int(read("DoPutUpdateResult", self.put(command, [], pa.schema([]))).record_count)

    def ingest(self, table: str, batch: pa.RecordBatch, **fields: object) -> int:
        """Replace a table by *batch* and return how many rows were written."""
        options = {"if_not_exist": 1, "if_exists": 3}
        command = make("CommandStatementIngest", table=table, table_definition_options=options, **fields)
        return int(read("DoPutUpdateResult", self.put(command, [batch])).record_count)

    def prepare(self, sql: str) -> Any:
        """Return a prepared statement's command."""
        body = self.act(
            "CreatePreparedStatement", wrap(make("ActionCreatePreparedStatementRequest", query=sql))
        )
        handle = unwrap(body[0]).prepared_statement_handle
        return make("CommandPreparedStatementQuery", prepared_statement_handle=handle)

    def begin(self) -> bytes:
        """Begin a transaction and return its id."""
        body = self.act("BeginTransaction", wrap(make("ActionBeginTransactionRequest")))
        return bytes(unwrap(body[0]).transaction_id)

    def end(self, transaction: bytes, action: int) -> None:
        """Commit (1) or roll back (2)."""
        request = make("ActionEndTransactionRequest", transaction_id=transaction, action=action)
        self.act("EndTransaction", wrap(request))

    def bound(self, statement: Any, *columns: pa.Array) -> pa.Table:
        """Bind *columns* to a prepared query and return its result, as described and as fetched."""
        self.put(statement, [pa.record_batch(list(columns), [str(i) for i in range(len(columns))])])
        info = self.info(statement)
        table = self.fetch(info)
        assert info.schema.types == table.schema.types
        return table


_OPTIONS = make("SetSessionOptionsRequest")
_OPTIONS.session_options["hatidata.endpoints"].int64_value = 4
_STRANGERS = {
    "SetSessionOptions": _OPTIONS.SerializeToString(),
    "GetSessionOptions": b"",
    "CloseSession": b"",
    "CancelFlightInfo": b"",
    "CancelQuery": wrap(make("ActionCancelQueryRequest")),
    "ClosePreparedStatement": wrap(make("ActionClosePreparedStatementRequest")),
    "BeginTransaction": wrap(make("ActionBeginTransactionRequest")),
    "CreatePreparedStatement": wrap(make("ActionCreatePreparedStatementRequest", query="SELECT 1")),
    "hatidata.cancel": b"name",
}


@pytest.mark.parametrize("action", _STRANGERS)
def test_no_action_is_done_for_who_is_nobody(flight: FlightService, action: str) -> None:
    stranger = Caller(flight, "hd_live_" + "x" * 32)

    with pytest.raises(fl.FlightUnauthenticatedError, match="UNAUTHORIZED"):
        stranger.act(action, _STRANGERS[action])


def test_not_even_the_schema_of_a_catalog_is_for_who_is_nobody(flight: FlightService) -> None:
    descriptor = fl.FlightDescriptor.for_command(wrap(make("CommandGetTables")))

    with pytest.raises(pa.ArrowException, match="UNAUTHORIZED"):
        flight.client().get_schema(descriptor, flight.options("hd_live_" + "x" * 32))


def test_a_larger_value_of_a_parameter_changes_the_schema_that_is_promised(flight: FlightService) -> None:
    with flight.connect() as connection, connection.cursor() as cursor:
        fetched = []
        for value in (1, 10**12, Decimal("1.5"), Decimal("1.50"), Decimal("123456.789"), 1.5, True):
            cursor.execute("SELECT ? AS a", (value,))
            fetched.append(cursor.fetchone()[0])

    assert fetched == [1, 10**12, Decimal("1.5"), Decimal("1.50"), Decimal("123456.789"), 1.5, True]
    assert [type(value) for value in fetched] == [int, int, Decimal, Decimal, Decimal, float, bool]


@pytest.mark.parametrize(
    ("column", "wire", "values"),
    [
        (pa.array([[1, None], None]), "list<l: int32>", [[1, None], None]),
        (pa.array([[1, 2]], pa.large_list(pa.int16())), "list<l: int32>", [[1, 2]]),
        (pa.array([{"x": 1, "y": ["b"]}]), "struct<x: int32, y: list<l: string>>", [{"x": 1, "y": ["b"]}]),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8())), "map<string, int32>", [[("k", 1)]]),
        (pa.array(["a", None]).dictionary_encode(), "string", ["a", None]),
        (pa.array(["a"], pa.string_view()), "string", ["a"]),
        (pa.array(["a"], pa.large_string()), "string", ["a"]),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int16()), pa.array([7])), "int32", [7, 7]),
        (pa.array([Decimal(700), None], pa.decimal128(3, -2)), "decimal128(3, 0)", [Decimal(700), None]),
        (pa.array([Decimal("1.5")], pa.decimal256(20, 1)), "decimal128(2, 1)", [Decimal("1.5")]),
        (pa.array([1.5], pa.float16()), "double", [1.5]),
        (pa.array([MOMENT, None]), "timestamp[us, tz=UTC]", [MOMENT, None]),
        (pa.array([1, 10**12]), "int64", [1, 10**12]),
    ],
)
def test_every_type_of_arrow_can_be_a_parameter(
    flight: FlightService, column: pa.Array, wire: str, values: list[object]
) -> None:
    caller = Caller(flight)
    table = caller.bound(caller.prepare("SELECT ? AS a"), column)

    assert str(table.schema.field("a").type) == wire
    assert table.column("a").to_pylist() == values


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([pa.MonthDayNano([1, 2, 3])]), "interval with months"),
        (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "union"),
        (pa.array([Decimal(1)], pa.decimal256(50, 2)), "at most 38 digits"),
        (pa.array([1, 2]), "takes 2 parameters"),
    ],
)
def test_what_cannot_be_a_parameter_is_said_to_be_so(
    flight: FlightService, column: pa.Array, said: str
) -> None:
    caller = Caller(flight)
    statement = caller.prepare("SELECT ? AS a" if "takes" not in said else "SELECT ? AS a, ? AS b")

    with pytest.raises(pa.ArrowInvalid, match=rf"^\[INVALID_REQUEST\].*{said}"):
        caller.bound(statement, column)


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        (pa.array([1.5, None], pa.float16()), "FLOAT"),
        (pa.array([Decimal("1.5")], pa.decimal256(20, 2)), "DECIMAL(20,2)"),
        (pa.array([Decimal(700)], pa.decimal128(5, -2)), "DECIMAL(7,0)"),
        (pa.array(["a"], pa.string_view()), "VARCHAR"),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"])), "VARCHAR"),
        (pa.array([[1]], pa.list_view(pa.int32())), "INTEGER[]"),
        (pa.array([pa.MonthDayNano([1, 2, 3000])]), "INTERVAL"),
        (pa.array([], pa.map_(pa.string(), pa.float32())), "MAP(VARCHAR, FLOAT)"),
    ],
)
def test_every_type_of_arrow_is_taken_in(flight: FlightService, column: pa.Array, stored: str) -> None:
    caller = Caller(flight)
    written = caller.ingest("taken_in", pa.record_batch({"a": column}))
    kinds = caller.query("SELECT data_type FROM information_schema.columns WHERE table_name = 'taken_in'")
    back = caller.query("SELECT a FROM taken_in").read_all().column("a").to_pylist()

    assert written == len(column)
    assert kinds.read_all().to_pylist() == [{"data_type": stored}]
    assert back == column.to_pylist()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "sparse_union"),
        (pa.array([], pa.list_(pa.float16())), "halffloat"),
        (pa.array([], pa.struct([("x", pa.decimal256(60, 2))])), "decimal256"),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_column(
    flight: FlightService, column: pa.Array, said: str
) -> None:
    with pytest.raises(pa.ArrowInvalid, match=rf"^\[INVALID_REQUEST\].*'odd'.*{said}.*cannot be stored"):
        Caller(flight).ingest("not_stored", pa.record_batch({"odd": column}))


def test_a_transaction_in_use_does_not_idle_out(start_flight: Callable[..., FlightService]) -> None:
    caller = Caller(start_flight(session_idle_secs="1"))
    first, second = caller.begin(), caller.begin()
    reader = caller.query("SELECT i, repeat('x', 100) AS t FROM range(2000000) t(i)", second)
    rows = reader.read_chunk().data.num_rows
    time.sleep(3)
    rows += reader.read_all().num_rows
    caller.end(second, 1)

    assert rows == 2_000_000
    time.sleep(2.5)
    with pytest.raises(pa.ArrowInvalid, match="has ended or has expired"):
        caller.end(first, 1)


def test_closing_a_session_rolls_back_all_its_transactions(flight: FlightService) -> None:
    caller = Caller(flight)
    caller.update("CREATE OR REPLACE TABLE closed_over (a INTEGER)")
    ended = [caller.begin(), caller.begin()]
    for transaction in ended:
        caller.update("INSERT INTO closed_over VALUES (1)", transaction)
    caller.act("CloseSession")

    for transaction in ended:
        with pytest.raises(pa.ArrowInvalid, match="has ended or has expired"):
            caller.end(transaction, 1)
    assert Caller(flight).query("SELECT count(*) AS n FROM closed_over").read_all().to_pylist() == [{"n": 0}]


def test_a_fetch_whose_session_is_closed_fails_and_does_not_just_end(flight: FlightService) -> None:
    caller = Caller(flight)
    reader = caller.query("SELECT i FROM range(1000000000) t(i)", caller.begin())
    reader.read_chunk()
    caller.act("CloseSession")

    with pytest.raises(fl.FlightCancelledError, match="QUERY_CANCELLED"):
        all(chunk.data.num_rows for chunk in reader)


def test_two_threads_share_a_prepared_statement(flight: FlightService) -> None:
    caller, wrong = Caller(flight), []
    statement = caller.prepare("SELECT ?::INTEGER + 1 AS a")

    def ask(value: int) -> None:
        for _ in range(10):
            try:
                rows = caller.bound(statement, pa.array([value], pa.int32())).to_pylist()
            except pa.ArrowException as error:
                wrong.append(str(error))
                return
            if rows not in ([{"a": 2}], [{"a": 11}]):
                wrong.append(str(rows))

    threads = [threading.Thread(target=ask, args=(value,)) for value in (1, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert wrong == []


def test_a_column_of_nulls_takes_values_later(flight: FlightService) -> None:
    caller = Caller(flight)
    caller.ingest("nulls_first", pa.record_batch({"a": pa.nulls(2)}), catalog="HatiData")
    caller.update("INSERT INTO nulls_first VALUES ('now a value')")

    rows = caller.query("SELECT a FROM nulls_first ORDER BY a").read_all().to_pylist()
    assert rows == [{"a": "now a value"}, {"a": None}, {"a": None}]


def test_abandoned_endpoints_give_their_memory_back(flight: FlightService) -> None:
    def abandon(times: int) -> None:
        command = make("CommandStatementQuery", query="SELECT i, repeat('x', 200) FROM range(2000000) t(i)")
        for _ in range(times):
            caller = Caller(flight)
            caller.options = flight.options(**{"x-hatidata-endpoints": "8"})
            reader = caller.client.do_get(caller.info(command).endpoints[0].ticket, caller.options)
            reader.read_chunk()
            reader.cancel()
            caller.client.close()

    abandon(30)
    before = flight.resident_mb()
    abandon(30)

    assert flight.resident_mb() - before < 120


def test_all_endpoints_are_of_one_snapshot(flight: FlightService) -> None:
    writer, stop = Caller(flight), threading.Event()
    writer.update("CREATE OR REPLACE TABLE snapshots AS SELECT i, 0 AS generation FROM range(300000) t(i)")

    def write() -> None:
        while not stop.is_set():
            writer.update("UPDATE snapshots SET generation = generation + 1")

    def fetch(partition: bytes) -> pa.Table:
        with flight.connect() as reader, reader.cursor() as reading:
            reading.adbc_read_partition(partition)
            return reading.fetch_arrow_table()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        with flight.connect(endpoints=4) as connection, connection.cursor() as cursor:
            partitions, _ = cursor.adbc_execute_partitions("SELECT i, generation FROM snapshots")
            with ThreadPoolExecutor(4) as pool:
                tables = list(pool.map(fetch, partitions))
    finally:
        stop.set()
        writing.join(60)
    whole = pa.concat_tables(tables)

    assert len(partitions) == 4
    assert len(set(whole.column("i").to_pylist())) == whole.num_rows == 300_000
    assert len(set(whole.column("generation").to_pylist())) == 1


@pytest.mark.parametrize("text", ["SET schema = 'finance'", "set SESSION Schema to finance;", "USE finance"])
def test_an_option_of_the_session_is_set_as_sql_text(flight: FlightService, text: str) -> None:
    with flight.connect() as connection, connection.cursor() as cursor, flight.connect() as other:
        cursor.execute(text)
        cursor.execute("SELECT entry FROM ledger")
        found = cursor.fetchall()
        cursor.execute("RESET schema")

        assert found == [(1,)]
        assert (connection.adbc_current_db_schema, other.adbc_current_db_schema) == ("main", "main")


def test_a_time_limit_set_as_sql_text_holds(flight: FlightService) -> None:
    caller = Caller(flight)
    caller.client.do_get(fl.Ticket(b"SET hatidata.timeout_ms = 50"), caller.options).read_all()

    with pytest.raises(fl.FlightTimedOutError, match="QUERY_TIMEOUT"):
        caller.query("SELECT sum(a.range * b.range) FROM range(100000000) a, range(1000) b").read_all()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SET hatidata.endpoints = 65", "INVALID_REQUEST"),
        ("SET hatidata.timeout_ms = 'soon'", "INVALID_REQUEST"),
        ("SET schema = 'nowhere'", "QUERY_ERROR"),
        ("SET catalog = 'another'", "INVALID_REQUEST"),
        ("SET schema = 'finance'; SELECT 1", "POLICY_DENIED|QUERY_PARSE_ERROR|INVALID_REQUEST"),
        ("SET threads = 1", "POLICY_DENIED"),
        ("SET schema = 'a' || 'b'", "POLICY_DENIED"),
    ],
)
def test_nothing_else_is_set_as_sql_text(flight: FlightService, text: str, code: str) -> None:
    with pytest.raises(pa.ArrowException, match=rf"^\[({code})\]"):
        Caller(flight).update(text)


def test_nobody_sets_an_option_as_sql_text(flight: FlightService) -> None:
    with pytest.raises(fl.FlightUnauthenticatedError, match="UNAUTHORIZED"):
        Caller(flight, "hd_live_" + "x" * 32).update("SET hatidata.endpoints = 4")


def test_an_endpoint_that_was_fetched_is_not_renewed(flight: FlightService) -> None:
    caller = Caller(flight)
    info = caller.info(make("CommandStatementQuery", query="CREATE OR REPLACE TABLE renewed (a INTEGER)"))
    request = make("RenewFlightEndpointRequest")
    request.endpoint.ticket.ticket = info.endpoints[0].ticket.ticket
    renewed = caller.act("RenewFlightEndpoint", request.SerializeToString())
    caller.fetch(info)

    assert read("FlightEndpoint", renewed[0]).ticket.ticket == info.endpoints[0].ticket.ticket
    with pytest.raises(pa.ArrowInvalid, match="was used or has expired"):
        caller.act("RenewFlightEndpoint", request.SerializeToString())

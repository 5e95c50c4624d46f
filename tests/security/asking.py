"""The paths by which a query can be asked, each giving the same kind of answer.

Everything that a caller can observe ends in an `Answer`: rows, names, types, field metadata,
headers, receipt and error text. Only ids and times are left out, since they differ anyway.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet
import requests
from adbc_driver_flightsql import DatabaseOptions, StatementOptions
from adbc_driver_manager import AdbcStatement

from tests.security.cases import Case, Row

VARYING = {
    "rows", "columns",
    "query_id", "duration_ms", "execution_time_ms", "bytes",
    "transpile_cache_hit", "result_cache_hit", "policy_version",
}  # fmt: skip
STABLE_HEADERS = (
    "content-type", "x-row-count", "x-column-count", "x-credits-consumed",
    "x-rows-affected", "content-disposition",
)  # fmt: skip
TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """All that one caller saw of one query.

    Attributes:
        extra: Headers, receipt and metadata that hold no id and no time.
        raw: The whole answer as text, to be searched for secrets.
    """

    error: str | None
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    types: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; the same on every path."""

    sql: str
    params: tuple[Any, ...] = ()
    dialect: str = "auto"
    timeout_ms: int = TIMEOUT_MS

    def body(self) -> bytes:
        """The JSON of a ticket and of an HTTP body."""
        fields = {"sql": self.sql, "parameters": list(self.params)}
        return json.dumps({**fields, "dialect": self.dialect, "timeout_ms": self.timeout_ms}).encode()


@dataclass(frozen=True, slots=True)
class Service:
    """Where one world is served, and the key of every role."""

    endpoints: Mapping[str, str]
    keys: Mapping[str, str]


class Asker(Protocol):
    """One role's connection by one path to one service."""

    def ask(self, question: Question) -> Answer:
        """Ask and wait for all of the answer; refusals come back as an `Answer` too."""

    def close(self) -> None:
        """Leave; a session ends with it."""


class FlightAsker:
    """`do_get` with a JSON ticket; one session for as long as it is open."""

    def __init__(self, service: Service, role: str) -> None:
        self._client = flight.connect(service.endpoints["flight"])
        self._options = flight.FlightCallOptions(
            timeout=30, headers=[(b"authorization", f"Bearer {service.keys[role]}".encode())]
        )

    def ask(self, question: Question) -> Answer:
        """See `Asker`."""
        ticket = flight.Ticket(question.body())
        try:
            reader = self._client.do_get(ticket, self._options)
            batches, notes = [], []
            for chunk in reader:
                batches.append(chunk.data)
                notes.append(bytes(chunk.app_metadata or b""))
            table = pa.Table.from_batches(batches, reader.schema)
        except (flight.FlightError, pa.ArrowException) as refused:
            extra = bytes(getattr(refused, "extra_info", b"") or b"").decode(errors="replace")
            return _refusal(f"{type(refused).__name__}: {refused}", extra)
        receipt = _stable(json.loads(notes[-1])) if notes and notes[-1] else {"receipt": "missing"}
        return _table(table, receipt)

    def close(self) -> None:
        """See `Asker`."""
        self._client.close()


class FlightSqlAsker:
    """The ADBC driver for Flight SQL, with prepared statements as it makes them by default."""

    def __init__(self, service: Service, role: str) -> None:
        self._connection = flightsql.connect(
            service.endpoints["flight"],
            db_kwargs={DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {service.keys[role]}"},
            autocommit=True,
        )

    def ask(self, question: Question) -> Answer:
        """See `Asker`."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.adbc_statement.set_options(**_deadlines(question))
                cursor.execute(question.sql, question.params or None)
                table = cursor.fetch_arrow_table()
                return _table(table if table.num_columns else _count(cursor.rowcount), {})
        except (flightsql.Error, OSError) as refused:
            return _refusal(f"{type(refused).__name__}: {refused}", "")

    def close(self) -> None:
        """See `Asker`."""
        self._connection.close()


def _deadlines(question: Question) -> dict[str, str]:
    """The time allowed, which Flight SQL has no field for, as deadlines of the calls."""
    calls = (StatementOptions.TIMEOUT_QUERY, StatementOptions.TIMEOUT_FETCH, StatementOptions.TIMEOUT_UPDATE)
    return {option.value: str(question.timeout_ms / 1000) for option in calls}


class PlainFlightSqlAsker(FlightSqlAsker):
    """The ADBC driver without preparing: one statement, executed as it is."""

    def ask(self, question: Question) -> Answer:
        """See `Asker`."""
        if question.params:
            return super().ask(question)
        try:
            with closing(AdbcStatement(self._connection.adbc_connection)) as statement:
                statement.set_options(**_deadlines(question))
                statement.set_sql_query(question.sql)
                stream, changed = statement.execute_query()
                table = pa.RecordBatchReader.from_stream(stream).read_all()
                return _table(table if table.num_columns else _count(changed), {})
        except (flightsql.Error, pa.ArrowException, OSError) as refused:
            return _refusal(f"{type(refused).__name__}: {refused}", "")


class FlightInfoAsker(FlightAsker):
    """GetFlightInfo with a JSON command, then every endpoint that it names."""

    def ask(self, question: Question) -> Answer:
        """See `Asker`."""
        descriptor = flight.FlightDescriptor.for_command(question.body())
        try:
            info = self._client.get_flight_info(descriptor, self._options)
            readers = [self._client.do_get(endpoint.ticket, self._options) for endpoint in info.endpoints]
            table = pa.concat_tables([reader.read_all() for reader in readers])
        except (flight.FlightError, pa.ArrowException) as refused:
            return _refusal(f"{type(refused).__name__}: {refused}", "")
        promised = f"{info.schema} {info.schema.metadata} {info.total_records} {info.total_bytes}"
        return _table(table, {"promised": promised})


class HttpAsker:
    """One of the HTTP forms on one of the ports."""

    def __init__(self, url: str, key: str, read: Callable[[requests.Response], Answer]) -> None:
        self._url = url
        self._read = read
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {key}", "Content-Type": "application/json"})

    def ask(self, question: Question) -> Answer:
        """See `Asker`."""
        response = self._session.post(self._url, data=question.body(), timeout=40)
        if response.status_code != 200:
            return _refusal(f"{response.status_code} {_without_id(response.json())}", str(_headers(response)))
        return self._read(response)

    def close(self) -> None:
        """See `Asker`."""
        self._session.close()


class McpAsker:
    """The tool `run_sql` of an MCP client; what is too large for a conversation is fetched by its handle."""

    def __init__(self, service: Service, role: str) -> None:
        self._url = service.endpoints["mcp"] + "/mcp"
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Authorization": f"Bearer {service.keys[role]}",
                "Accept": "application/json, text/event-stream",
            }
        )
        self.ask(Question("SELECT 1"))  # the first call loads what MCP needs

    def ask(self, question: Question) -> Answer:
        """See `Asker`; the tool takes no dialect."""
        given = {"sql": question.sql, "parameters": list(question.params), "timeout_ms": question.timeout_ms}
        call = {"name": "run_sql", "arguments": given}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        response = self._session.post(self._url, json=body, timeout=40)
        result = response.json()["result"]
        told = json.loads(result["content"][0]["text"])
        if result["isError"]:
            return _refusal(f"{response.status_code} {_without_id(told)}", "")
        if "result_handle" in told:
            return read_arrow(self._session.get(told["result_handle"]["url"], timeout=40))
        columns = tuple(column["name"] for column in told["columns"])
        rows = tuple(tuple(row.values()) for row in told["rows"])
        types = tuple(column["type"] for column in told["columns"])
        return Answer(None, columns, rows, types, _stable(told), response.text + str(response.headers))

    def close(self) -> None:
        """See `Asker`."""
        self._session.close()


def _refusal(text: str, extra: str) -> Answer:
    kept = _stable(json.loads(extra)) if extra.startswith("{") and '"code"' in extra else {"extra": extra}
    return Answer(error=text.partition("gRPC client debug context")[0], extra=kept, raw=text + extra)


def _table(table: pa.Table, extra: Mapping[str, str]) -> Answer:
    metadata = {name: str(table.schema.field(i).metadata) for i, name in enumerate(table.schema.names)}
    rows = rows_of(table)
    return Answer(
        error=None,
        columns=tuple(table.schema.names),
        rows=rows,
        types=tuple(str(kind) for kind in table.schema.types),
        extra={**extra, "metadata": str(metadata) + str(table.schema.metadata)},
        raw=f"{table.schema} {metadata} {rows} {extra}",
    )


def _count(changed: int) -> pa.Table:
    """What the other paths answer to a write, which the driver tells as a row count."""
    return pa.table({"Count": pa.array([changed], pa.int64())})


def rows_of(table: pa.Table) -> tuple[Row, ...]:
    """The rows of *table* as Python values."""
    return tuple(zip(*(column.to_pylist() for column in table.columns), strict=True))


def read_arrow(response: requests.Response) -> Answer:
    """The answer in an Arrow stream."""
    with pa.ipc.open_stream(response.content) as reader:
        return _table(reader.read_all(), {**_headers(response), "length": str(len(response.content))})


def read_parquet(response: requests.Response) -> Answer:
    """The answer in a Parquet file; statistics and key-value metadata are searched too."""
    file = parquet.ParquetFile(io.BytesIO(response.content))
    answer = _table(file.read(), _headers(response))
    text = response.content.decode("latin-1")
    return Answer(None, answer.columns, answer.rows, answer.types, answer.extra, answer.raw + text)


def read_json(response: requests.Response) -> Answer:
    """The answer in a JSON object."""
    body = response.json()
    columns = tuple(column["name"] for column in body["columns"])
    rows = tuple(tuple(row.values()) for row in body["rows"])
    types = tuple(column["type"] for column in body["columns"])
    return Answer(
        None,
        columns,
        rows,
        types,
        {**_headers(response), **_stable(body)},
        response.text + str(response.headers),
    )


def _headers(response: requests.Response) -> dict[str, str]:
    kept = {name: response.headers[name] for name in STABLE_HEADERS if name in response.headers}
    query_id = response.headers.get("x-query-id")
    return {name: value.replace(query_id, "ID") if query_id else value for name, value in kept.items()}


def _without_id(body: Any) -> str:
    return json.dumps({key: value for key, value in body.items() if key != "query_id"}, sort_keys=True)


def _stable(receipt: Mapping[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value, sort_keys=True) for key, value in receipt.items() if key not in VARYING}


def _http(
    port: str, path: str, read: Callable[[requests.Response], Answer]
) -> Callable[[Service, str], Asker]:
    return lambda service, role: HttpAsker(service.endpoints[port] + path, service.keys[role], read)


PATHS: dict[str, Callable[[Service, str], Asker]] = {
    "flight": FlightAsker,
    "flight-info": FlightInfoAsker,
    "flightsql": FlightSqlAsker,
    "flightsql-plain": PlainFlightSqlAsker,
    "http": _http("http", "/v1/query/arrow", read_arrow),
    "mcp-port": _http("mcp", "/v1/query/arrow", read_arrow),
    "json": _http("http", "/v1/query", read_json),
    "parquet": _http("http", "/v1/query/parquet", read_parquet),
    "mcp": McpAsker,
}
WITHOUT_DIALECT = ("flightsql", "flightsql-plain", "mcp")
"""Paths on which a question cannot say its dialect, so that it is decided for it."""
SESSION_PATHS = ("flight", "flight-info", "flightsql", "flightsql-plain")


def ask_case(asker: Asker, case: Case) -> Answer:
    """Run the setup of *case*, whatever comes of it, then its query."""
    for step in case.setup:
        asker.ask(Question(step.sql))
    timeout_ms = 1_000 if case.max_seconds else TIMEOUT_MS
    return asker.ask(Question(case.sql, case.params, case.dialect, timeout_ms))


def hidden_forms(text: str) -> str:
    """*text* together with what its base64 words decode to, for the search for secrets."""
    words = [word for word in text.replace("'", " ").split() if len(word) >= 12 and len(word) % 4 == 0]
    return text + "".join(_decoded(word) for word in words[:200])


def _decoded(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode("latin-1")
    except ValueError:
        return ""

"""Arrow Flight: one round trip, batches as they are made, no cap on the answer.

A pyarrow error keeps its code in `extra_info` (JSON) and, for users who see only
text, in brackets at the start of the message; after the message gRPC appends
its own context, which no caller wants to read.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from hatidata_agent._transport import SLACK_SECS, Mode, Place, Request
from hatidata_agent._transport.interruptible import interruptible
from hatidata_agent.answer import Answer, Receipt
from hatidata_agent.calls import Call
from hatidata_agent.errors import HatiDataError, ServiceUnavailableError, error_for

_CODED = re.compile(r"^\[([A-Z_]+)\] (.*)", re.DOTALL)
_GRPC_TAIL = re.compile(r"\.? (Detail: [A-Z]|gRPC client debug context:|Client context:).*", re.DOTALL)
_CANCEL = "hatidata.cancel"
_CALL_NAME = b"x-hatidata-call"
_CANCEL_SECS = 2.0
_TABLES_SECS = 30.0
_TABLES_TYPE = b"type.googleapis.com/arrow.flight.protocol.sql.CommandGetTables"
_GET_TABLES = b"\x0a" + bytes([len(_TABLES_TYPE)]) + _TABLES_TYPE + b"\x12\x02\x28\x01"
"""CommandGetTables with include_schema, in a protobuf `Any`."""

_NEVER_SENT = "failed to connect to all addresses"

_BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (fl.FlightUnavailableError, "SERVICE_UNAVAILABLE"),
    (fl.FlightTimedOutError, "QUERY_TIMEOUT"),
    (fl.FlightCancelledError, "QUERY_CANCELLED"),
    (fl.FlightUnauthenticatedError, "UNAUTHORIZED"),
    (fl.FlightUnauthorizedError, "POLICY_DENIED"),
    (pa.ArrowInvalid, "INVALID_REQUEST"),
    (pa.ArrowNotImplementedError, "INVALID_REQUEST"),
)

_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", -1),
]


class FlightTransport:
    """A Flight connection; pyarrow's client is safe to use from several threads."""

    name = "flight"

    def __init__(self, uri: str, place: Place) -> None:
        names = {
            "tls_root_certs": place.ca_file,
            "cert_chain": place.cert_file,
            "private_key": place.key_file,
        }
        files = {name: path.read_bytes() for name, path in names.items() if path is not None}
        agent = f"hatidata-agent ({place.framework})"
        options = [*_CHANNEL_OPTIONS, ("grpc.primary_user_agent", agent)]
        self._client = fl.FlightClient(uri, generic_options=options, **files)
        self._headers = [(k.encode(), v.encode()) for k, v in place.headers().items()]

    def run(self, request: Request, call: Call) -> Answer:
        """Send the query as a ticket: one round trip."""
        ticket = fl.Ticket(json.dumps(request.body()).encode())
        limit = None if request.timeout_ms is None else request.timeout_ms / 1000 + SLACK_SECS
        options = self._named(limit, call)
        try:
            reader = interruptible(lambda: self._client.do_get(ticket, options), fl.FlightStreamReader.cancel)
            return Answer(reader.schema, _batches(reader))
        except pa.ArrowException as error:
            raise translated(error) from None
        except KeyboardInterrupt:
            call.stop()
            raise

    def ingest(
        self, table: str, mode: Mode, schema: pa.Schema, batches: Iterator[pa.RecordBatch], call: Call
    ) -> Receipt:
        """Stream *batches* into *table* with one DoPut; if they end in an error, nothing is written."""
        command = json.dumps({"ingest": {"table": table, "mode": mode}}).encode()
        descriptor = fl.FlightDescriptor.for_command(command)
        try:
            writer, answers = self._client.do_put(descriptor, schema, self._named(None, call))
            return _written(writer, answers, batches, call)
        except pa.ArrowException as error:
            raise translated(error) from None

    def tables(self, call: Call) -> dict[str, pa.Schema]:
        """Ask with the command of Flight SQL for tables, which is its own ticket."""
        options = self._named(_TABLES_SECS, call)
        try:
            found = interruptible(lambda: self._client.do_get(fl.Ticket(_GET_TABLES), options).read_all())
        except pa.ArrowException as error:
            raise translated(error) from None
        names = ("db_schema_name", "table_name", "table_schema")
        rows = zip(*(found.column(name).to_pylist() for name in names), strict=True)
        return {f"{schema}.{table}": pa.ipc.read_schema(pa.py_buffer(known)) for schema, table, known in rows}

    def close(self) -> None:
        """Close the channel."""
        self._client.close()

    def _named(self, limit: float | None, call: Call) -> fl.FlightCallOptions:
        """Return the options of a request with a name, by which another request may cancel it.

        pyarrow can cancel a stream, but not the wait for its beginning.
        """
        name = secrets.token_hex(12).encode()
        call.begin(partial(self._cancel, name))
        told = [(k.encode(), v.encode()) for k, v in call.headers().items()]
        return fl.FlightCallOptions(timeout=limit, headers=[*self._headers, (_CALL_NAME, name), *told])

    def _cancel(self, name: bytes) -> None:
        options = fl.FlightCallOptions(timeout=_CANCEL_SECS, headers=self._headers)
        with suppress(pa.ArrowException):  # it has ended, or nobody is there: nothing is left to stop
            list(self._client.do_action(fl.Action(_CANCEL, name), options))


def _batches(reader: fl.FlightStreamReader) -> Generator[pa.RecordBatch, None, Receipt]:
    """Yield the batches that have rows; cancel the query if the consumer leaves early."""
    receipt: Receipt | None = None
    try:
        while (chunk := interruptible(lambda: _next(reader))) is not None:
            if chunk.app_metadata is not None:
                receipt = Receipt.from_json(chunk.app_metadata.to_pybytes().decode())
            if chunk.data is not None and chunk.data.num_rows:
                yield chunk.data
    except pa.ArrowException as error:
        raise translated(error) from None
    finally:
        if receipt is None:
            reader.cancel()
    if receipt is None:
        raise ServiceUnavailableError("the answer was cut before its receipt")
    return receipt


def _next(reader: fl.FlightStreamReader) -> fl.FlightStreamChunk | None:
    """Return the next message, or None at the end."""
    try:
        return reader.read_chunk()
    except StopIteration:
        return None


def _written(
    writer: fl.FlightStreamWriter,
    answers: fl.FlightMetadataReader,
    batches: Iterator[pa.RecordBatch],
    call: Call,
) -> Receipt:
    """Send *batches*; to close a writer is to say that all is sent, so a broken source cancels first."""
    try:
        while (batch := _from_source(batches, call)) is not None:
            writer.write_batch(batch)
        writer.done_writing()
        answer = answers.read()
    except BaseException as error:
        if not isinstance(error, pa.ArrowException):
            call.stop()
        with suppress(*(pa.ArrowException,) if call.stopped else ()):  # else it is the service's reason
            writer.close()
        raise
    writer.close()
    if answer is None:
        raise ServiceUnavailableError("the load was cut before its receipt")
    return Receipt.from_json(answer.to_pybytes().decode())


def _from_source(batches: Iterator[pa.RecordBatch], call: Call) -> pa.RecordBatch | None:
    """Return the next batch, or None at the end; an error of the source stops the call."""
    try:
        return next(batches, None)
    except BaseException:
        call.stop()
        raise


def translated(error: BaseException) -> HatiDataError:
    """Return the SDK's exception for an error of pyarrow."""
    text = _GRPC_TAIL.sub("", str(error))
    sent = _NEVER_SENT not in text
    said = _said(getattr(error, "extra_info", None))
    if coded := _CODED.match(text):
        said = {"code": coded[1], "message": coded[2]} | said
    if "code" not in said:
        code = next((code for kind, code in _BY_CLASS if isinstance(error, kind)), "INTERNAL_ERROR")
        said = {"code": code, "message": text if sent else "cannot connect to the Flight server"}
    retry_after = said.get("retry_after")
    return error_for(
        said["code"],
        said.get("message", text),
        query_id=said.get("query_id") or "",
        retry_after=None if retry_after is None else float(retry_after),
        sent=sent,
    )


def _said(extra: bytes | None) -> dict[str, Any]:  # Any: fields of decoded JSON
    """Return what the service put beside the error's text; nothing if it is not ours."""
    try:
        fields = json.loads(extra or b"{}")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) and "code" in fields else {}

"""`HatiDataAgent`, the one class that a program needs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hatidata_agent._transport import Mode, Place, Request
from hatidata_agent.calls import Call
from hatidata_agent.connection import Connection, Route
from hatidata_agent.credentials import default_home, find_key
from hatidata_agent.errors import InvalidRequestError
from hatidata_agent.memory import Memory
from hatidata_agent.parameters import Parameter, to_wire

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from hatidata_agent.answer import Answer, Receipt
    from hatidata_agent.reasoning import ReasoningChain


class HatiDataAgent(Memory):
    """A connection to a HatiData service, safe to share between threads.

    Nothing is opened before the first query. The Flight server is found through
    the gateway's `/ready`; where it is out of reach, HTTP is used instead.

    Args:
        host: Where the gateway listens.
        port: Either port of the gateway.
        agent_id: Names the agent for policies and audit; needs a key that allows it. Empty: the key's own.
        framework: What the agent is built with; it appears in the service's log.
        api_key: The key. None: HATIDATA_API_KEY, else HOME/api_key. Empty: none (dev mode).
        tls: Whether the service speaks TLS.
        ca_file: PEM file of the authority behind the service's certificate.
        cert_file: PEM file of a certificate, with `key_file`, for a service that asks for one. Over Flight
            it may stand for a key (`hati keys create --certificate`).
        timeout_ms: Limit for each query that names none; None means the service's default.
        connect_timeout: Seconds to wait for a connection.
        transport: `auto`, or one of the two by force.
        retries: How often a request is sent again when the service cannot have acted on it.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 5439,
        agent_id: str = "",
        framework: str = "custom",
        api_key: str | None = None,
        *,
        tls: bool = False,
        ca_file: str | Path | None = None,
        cert_file: str | Path | None = None,
        key_file: str | Path | None = None,
        timeout_ms: int | None = None,
        connect_timeout: float = 10.0,
        transport: Route = "auto",
        retries: int = 2,
    ) -> None:
        if (cert_file is None) != (key_file is None):
            raise InvalidRequestError("cert_file and key_file go together", sent=False)
        place = Place(
            host=host,
            port=port,
            tls=tls or ca_file is not None or cert_file is not None,
            ca_file=_path(ca_file),
            cert_file=_path(cert_file),
            key_file=_path(key_file),
            secret=find_key(api_key, default_home()),
            agent_id=agent_id,
            framework=framework,
            connect_timeout=connect_timeout,
        )
        self._timeout_ms = timeout_ms
        self._connection = Connection(place, transport, retries)
        self._call: Call | None = None
        self._traceparent = ""

    def __enter__(self) -> HatiDataAgent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        place = self._connection.place
        return f"{type(self).__name__}({place.base_url!r}, agent_id={place.agent_id!r})"

    def execute(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> int:
        """Run a statement and return how many rows it changed, or returned if it is a query.

        Raises:
            HatiDataError: The subclass says why.
        """
        with self.run(sql, parameters, timeout_ms=timeout_ms) as answer:
            seen = sum(int(batch.num_rows) for batch in answer)
            receipt = answer.receipt
        if receipt is not None and receipt.rows_affected is not None:
            return receipt.rows_affected
        return seen

    def query(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows as dictionaries; of columns of the same name the last one stays.

        Raises:
            HatiDataError: The subclass says why.
        """
        with self.run(sql, parameters, timeout_ms=timeout_ms) as answer:
            return [row for batch in answer for row in _rows(batch)]

    def query_arrow(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> pa.Table:
        """Return the answer as an Arrow table.

        Raises:
            HatiDataError: The subclass says why.
        """
        with self.run(sql, parameters, timeout_ms=timeout_ms) as answer:
            return answer.read_all()

    def query_polars(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> pl.DataFrame:
        """Return the answer as a Polars frame that shares the Arrow buffers.

        Raises:
            HatiDataError: The subclass says why.
        """
        import polars as pl

        frame = pl.from_arrow(self.query_arrow(sql, parameters, timeout_ms=timeout_ms))
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()

    def query_pandas(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> pd.DataFrame:
        """Return the answer as a pandas frame with Arrow-backed columns: every type is kept.

        Raises:
            HatiDataError: The subclass says why.
        """
        import pandas as pd

        table = self.query_arrow(sql, parameters, timeout_ms=timeout_ms)
        return table.to_pandas(types_mapper=pd.ArrowDtype)

    def stream_arrow(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> pa.RecordBatchReader:
        """Return a reader that holds no more than a few batches at a time.

        Raises:
            HatiDataError: The subclass says why; also while reading, if the stream is cut.
        """
        return self.run(sql, parameters, timeout_ms=timeout_ms).to_reader()

    def run(
        self,
        sql: str,
        parameters: Sequence[Parameter] = (),
        *,
        timeout_ms: int | None = None,
        dialect: str = "auto",
    ) -> Answer:
        """Start a query and return its answer with, at the end, its receipt.

        Args:
            sql: One statement.
            parameters: The values of `$1`, `$2`, or of the question marks.
            timeout_ms: Limit in milliseconds, counted by the service from arrival.
            dialect: `auto`, `snowflake` or `duckdb`.

        Raises:
            HatiDataError: The subclass says why.
        """
        limit = self._timeout_ms if timeout_ms is None else timeout_ms
        request, call = Request(sql, to_wire(parameters), limit, dialect), self._begun()
        return self._connection.attempt(lambda transport: transport.run(request, call), call)

    def tables(self) -> dict[str, pa.Schema]:
        """Return the tables and views that the key may see, by `schema.table`, with their columns.

        Raises:
            HatiDataError: The subclass says why; InvalidRequestError where Flight is out of reach.
        """
        call = self._begun()
        return self._connection.attempt(lambda transport: transport.tables(call), call)

    def load(self, data: object, table: str, mode: Mode = "create_append") -> Receipt:
        """Write *data* into *table* in bulk, over Flight.

        Args:
            data: Anything with the Arrow C stream interface (pyarrow, polars, pandas, a DuckDB
                relation), or record batches. If it ends in an error, nothing is written.
            table: `table` or `schema.table`.
            mode: `create`, `append`, `replace` or `create_append`.

        Raises:
            HatiDataError: The subclass says why.
        """
        reader, call = _reader_over(data), self._begun()
        transport = self._connection.attempt(lambda ready: ready, call)
        return transport.ingest(table, mode, reader.schema, iter(reader), call)

    def insert_arrow(self, table: str, data: object, mode: Mode = "append") -> int:
        """Append *data* to *table* and return how many rows were written.

        Raises:
            HatiDataError: The subclass says why.
        """
        receipt = self.load(data, table, mode)
        return receipt.rows if receipt.rows_affected is None else receipt.rows_affected

    def close(self) -> None:
        """Release the connections; the next query opens new ones."""
        self._connection.close()

    @property
    def transport(self) -> str:
        """The transport in use: `flight` or `http`.

        Raises:
            ServiceUnavailableError: Nothing answers.
        """
        return self._connection.attempt(lambda transport: transport.name, Call())

    def reasoning_chain(
        self, request_id: str | None = None, parent_request_id: str | None = None
    ) -> ReasoningChain:
        """Return a chain of queries: `with hati.reasoning_chain() as chain: chain.query(sql, step=..)`.

        Args:
            request_id: Names the chain; made up if there is none.
            parent_request_id: Names the chain that this one is a part of.
        """
        from hatidata_agent.reasoning import ReasoningChain

        return ReasoningChain(self, request_id, parent_request_id)

    def traced_as(self, traceparent: str) -> HatiDataAgent:
        """Return a client over the same connection whose requests belong to a trace."""
        client = copy.copy(self)
        client._traceparent = traceparent
        return client

    def stoppable_by(self, call: Call) -> HatiDataAgent:
        """Return a client over the same connection, all of whose requests are parts of *call*.

        Whoever holds *call* may stop them from another thread; it serves one method at a time.
        """
        client = copy.copy(self)
        client._call = call
        return client

    def _begun(self) -> Call:
        """Return the call that what is asked now is a part of."""
        call = self._call or Call()
        call.traceparent = self._traceparent
        return call


def _path(name: str | Path | None) -> Path | None:
    return None if name is None else Path(name)


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:  # Any: a value of any SQL type
    names = batch.schema.names
    columns = [column.to_pylist() for column in batch.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _reader_over(data: object) -> pa.RecordBatchReader:
    import pyarrow as pa

    if isinstance(data, pa.RecordBatchReader):
        return data
    if hasattr(data, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(data)
    if isinstance(data, pa.RecordBatch):
        return pa.RecordBatchReader.from_batches(data.schema, [data])
    if isinstance(data, Iterable):
        batches = list(data)
        if batches and all(isinstance(batch, pa.RecordBatch) for batch in batches):
            return pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    raise InvalidRequestError(f"a value of type {type(data).__name__} holds no Arrow data", sent=False)

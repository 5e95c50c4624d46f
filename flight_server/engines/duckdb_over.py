"""Queries of the embedded engine over rows that come from remote ones.

The rows go into temporary tables of one leased connection, typed as the remote
tables are; the lease's transaction is rolled back in the end, and they with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from flight_server.engines.adbc_streams import RemoteStream
from flight_server.engines.batches import rows_per_batch
from flight_server.engines.duckdb_errors import refusal
from flight_server.engines.duckdb_streams import ERRORS, Streaming
from flight_server.engines.fetching import Fetch
from flight_server.engines.wire_types import wire_schema
from flight_server.errors import QueryRefused
from flight_server.model import Scalar
from flight_server.steps.transpile import Plan
from flight_server.syntax.names import fold, quote
from flight_server.watcher import Call

if TYPE_CHECKING:
    from flight_server.engines.duckdb_engine import DuckDBEngine

_ARRIVING = "__arriving"


def run_over(
    engine: DuckDBEngine,
    plan: Plan,
    parameters: Sequence[Scalar],
    call: Call,
    version: int,
    incoming: Sequence[tuple[Fetch, RemoteStream]],
) -> Streaming:
    """Run *plan*, whose text names the tables of *incoming*, once their rows are here.

    Raises:
        QueryRefused: What either engine says, or why the call was stopped.
    """
    pool = engine.plain if plan.hides else engine.owners
    lease = pool.lease(fresh=True)
    let_go = call.on_stop(lease.connection.interrupt)

    def give_back(_whole: bool) -> None:
        let_go()
        pool.release(lease, reusable=False)

    def fail(error: Exception) -> QueryRefused:
        return refusal(error, call, plan.hides, engine.catalog)

    try:
        for fetch, stream in incoming:
            _take_in(lease.connection, fetch, stream)
        call.check()
        reader, schema = _open(engine, lease.connection, plan, parameters, version)
    except ERRORS as error:
        give_back(False)
        raise fail(error) from None
    except BaseException:
        give_back(False)
        raise
    return Streaming(reader, schema, give_back, fail, engine.options.batch_bytes)


def _take_in(connection: duckdb.DuckDBPyConnection, fetch: Fetch, stream: RemoteStream) -> None:
    """Fill the temporary table of *fetch* with the rows of *stream*.

    Raises:
        QueryRefused: The remote engine did not come to the end of them.
    """
    columns = [fetch.table.column(name) for name in fetch.columns]
    defined = ", ".join(f"{quote(fold(column.name))} {column.type}" for column in columns if column)
    connection.execute(f"CREATE TEMP TABLE {fetch.name} ({defined})")
    trouble: list[BaseException] = []

    def rows() -> Iterator[pa.RecordBatch]:
        try:
            yield from stream.batches()
        except BaseException as error:
            trouble.append(error)
            raise

    try:
        connection.register(_ARRIVING, pa.RecordBatchReader.from_batches(stream.schema, rows()))
        connection.execute(f"INSERT INTO temp.main.{fetch.name} SELECT * FROM temp.main.{_ARRIVING}")
        connection.unregister(_ARRIVING)
    except ERRORS:
        if trouble:
            raise trouble[0] from None
        raise


def _open(
    engine: DuckDBEngine,
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    parameters: Sequence[Scalar],
    version: int,
) -> tuple[pa.RecordBatchReader, pa.Schema]:
    values = list(parameters) or None
    relation = connection.sql(plan.sql, params=values)
    kinds, names = relation.types, relation.columns
    text = engine.wire_text(plan.sql, version, relation, parameters)
    if text is not plan.sql:
        relation = connection.sql(text, params=values)
    reader = relation.to_arrow_reader(rows_per_batch(kinds, engine.options.batch_bytes))
    return reader, wire_schema(reader.schema, names, kinds)

"""Statements that change something: what they answer, and rows that come as an Arrow stream.

DuckDB reads the rows from a view that is registered on the session's connection
for the time of the statement; nobody else can name it, for the connection is
taken. The caller has opened the transaction, so a failure leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa

from flight_server.engines.batches import COUNT_SCHEMA, cut
from flight_server.engines.engine import Load
from flight_server.engines.wire_types import wire_outputs, wire_schema
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Scalar
from flight_server.steps.transpile import Plan
from flight_server.syntax.names import quote
from flight_server.syntax.row_writes import Check
from flight_server.watcher import Call

ROWS = "__rows"
BOUND = "__bound"
BATCH_BYTES = 1_000_000
_CREATE = {
    "new": "CREATE {kind} {table}",
    "missing": "CREATE {kind} IF NOT EXISTS {table}",
    "anew": "CREATE OR REPLACE {kind} {table}",
}


class Answered:
    """A finished statement: the rows it changed, or a gathered result."""

    def __init__(self, schema: pa.Schema, table: pa.Table, rows_affected: int | None) -> None:
        self.schema = schema
        self.rows_affected = rows_affected
        self._table = table

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result."""
        for batch in self._table.to_batches():
            yield from cut(pa.record_batch(batch.columns, schema=self.schema), BATCH_BYTES)

    def close(self) -> None:
        """Nothing is held."""


def counted(changed: int) -> Answered:
    """Return the answer of a statement that changed so many rows."""
    return Answered(COUNT_SCHEMA, pa.table([pa.array([changed])], schema=COUNT_SCHEMA), changed)


def gathered(relation: duckdb.DuckDBPyRelation, rows_affected: int | None) -> Answered:
    """Return the rows of *relation*, which a statement made that is no query."""
    kinds, names = relation.types, relation.columns
    table = relation.project(wire_outputs(kinds)).to_arrow_table()
    return Answered(wire_schema(table.schema, names, kinds), table, rows_affected)


def latest_row(connection: duckdb.DuckDBPyConnection, check: Check | None) -> int:
    """Return the greatest row identity of a write's target, before the write; 0 if nothing is checked."""
    return int(connection.execute(check.latest).fetchall()[0][0]) if check else 0


def refuse_hidden_rows(connection: duckdb.DuckDBPyConnection, check: Check | None, latest: int) -> None:
    """Refuse a write that left rows which its own principal cannot see.

    Args:
        latest: What `latest_row` returned before the write, in the same transaction.
    """
    if check is None:
        return
    counts = connection.execute(check.hidden, [latest]).fetchall()
    if check.kept:
        counts += connection.execute(check.kept).fetchall()
    if any(hidden for (hidden,) in counts):
        raise QueryRefused(ErrorCode.POLICY_DENIED, "The new row is outside of what you may see")


def run_change(
    connection: duckdb.DuckDBPyConnection, plan: Plan, parameters: Sequence[Scalar], latest: int
) -> duckdb.DuckDBPyRelation:
    """Run a write, held to rows that are visible afterwards, and return what it answers."""
    values = list(parameters) or None
    check = plan.check
    for statement in plan.before:
        connection.execute(statement)
    if check is None or not check.rows:
        answer = connection.sql(plan.sql, params=values)
        refuse_hidden_rows(connection, check, latest)
        for statement in plan.after:
            connection.execute(statement)
        return answer
    connection.execute(check.rows, values)
    answer = connection.sql(check.change)
    refuse_hidden_rows(connection, check, latest)
    connection.execute(check.forget)
    return answer


def load_rows(
    connection: duckdb.DuckDBPyConnection, catalog: str, plan: Plan, load: Load, rows: pa.RecordBatchReader
) -> Answered:
    """Write the stream *rows* to the table that *load* names, made from their schema if need be.

    Columns are matched by name; one that the table has and the rows have not gets its default.
    """
    place = ("temp", "main") if load.temporary else (catalog, load.schema)
    target = ".".join(map(quote, (*place, load.table)))
    if load.creates != "no":
        kind = "TEMP TABLE" if load.temporary else "TABLE"
        create = _CREATE[load.creates].format(kind=kind, table=target)
        with _registered(connection, ROWS, rows.schema.empty_table()):
            connection.execute(f"{create} ({_columns(connection)})").fetchall()
    latest = latest_row(connection, plan.check)
    with _registered(connection, ROWS, rows):
        answer = connection.execute(f"INSERT INTO {target} BY NAME FROM temp.main.{ROWS}").fetchone()
    refuse_hidden_rows(connection, plan.check, latest)
    return counted(int(answer[0]) if answer else 0)


def _columns(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the column definitions of the registered rows.

    `CREATE TABLE .. AS` of no rows would say the same, but DuckDB 2.0.0 then loses sight of a
    row group that is inserted in the same transaction, until the database is opened anew.
    """
    described = connection.execute(f"DESCRIBE FROM temp.main.{ROWS}").fetchall()
    return ", ".join(f"{quote(name)} {kind}" for name, kind, *_ in described)


def change_many(
    connection: duckdb.DuckDBPyConnection, plan: Plan, over_rows: str, rows: pa.Table, call: Call
) -> Answered:
    """Run the write *plan* once for every row of values."""
    latest = latest_row(connection, plan.check)
    if over_rows:
        changed = _at_once(connection, over_rows, rows)
        refuse_hidden_rows(connection, plan.check, latest)
    else:
        changed = _one_by_one(connection, plan, rows, call, latest)
    return counted(changed)


def _at_once(connection: duckdb.DuckDBPyConnection, over_rows: str, rows: pa.Table) -> int:
    names = [f"c{index}" for index in range(1, rows.num_columns + 1)]
    with _registered(connection, BOUND, rows.rename_columns(names)):
        answer = connection.execute(over_rows).fetchone()
    return int(answer[0]) if answer else 0


def _one_by_one(
    connection: duckdb.DuckDBPyConnection, plan: Plan, rows: pa.Table, call: Call, latest: int
) -> int:
    changed = 0
    columns = [column.to_pylist() for column in rows.columns]
    for values in zip(*columns, strict=True):
        call.check()
        for (count,) in run_change(connection, plan, values, latest).fetchall():
            changed += int(count)
    return changed


@contextmanager
def _registered(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | pa.RecordBatchReader
) -> Iterator[None]:
    """Let *rows* be read as the table *name* of this connection while the block runs."""
    connection.register(name, rows)
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # in a failed transaction; its rollback takes the view along
            connection.unregister(name)
        raise
    connection.unregister(name)


def refuse_aborted(connection: duckdb.DuckDBPyConnection) -> None:
    """Roll back instead of a COMMIT that DuckDB would turn into a ROLLBACK without a word."""
    try:
        connection.execute("SELECT 1").fetchall()
    except duckdb.Error:
        connection.execute("ROLLBACK")
        raise

"""What the pipeline needs of an engine; there are two kinds, embedded and remote."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pyarrow as pa

from flight_server.model import Scalar, TableName
from flight_server.steps.transpile import Plan
from flight_server.stores.catalog import Table
from flight_server.watcher import Call


@dataclass(frozen=True, slots=True)
class Load:
    """Where a stream of rows goes.

    Attributes:
        schema: The target's schema, as written; ignored for a temporary table.
        creates: `no` demands a table that exists, `new` one that does not; `missing` makes
            it if need be; `anew` drops the old one.
    """

    schema: str
    table: str
    creates: Literal["no", "new", "missing", "anew"]
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key, or a foreign key if it refers to another table."""

    table: TableName
    name: str
    columns: tuple[str, ...]
    refers_to: TableName | None
    refers_to_columns: tuple[str, ...]


class Execution(Protocol):
    """A running statement: its schema is known, its batches are still to be pulled."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of every batch, before masks."""

    @property
    def rows_affected(self) -> int | None:
        """How many rows a write changed; None for a query."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result, at most `batch_bytes` in each batch as far as a row allows."""

    def close(self) -> None:
        """Give everything back, whether or not the batches were pulled to the end."""


class Session(Protocol):
    """What one connection of a caller keeps: current schema, transaction, temporary tables."""

    @property
    def default_schema(self) -> str:
        """Folded name of the schema of unqualified names."""

    @property
    def temporary(self) -> frozenset[TableName]:
        """Names of the session's temporary tables, in schema `temp`."""

    @property
    def own_tables(self) -> tuple[Table, ...]:
        """The session's temporary tables."""

    @property
    def in_transaction(self) -> bool:
        """Whether a BEGIN is open."""

    def execute(self, plan: Plan, parameters: Sequence[Scalar], call: Call, version: int) -> Execution:
        """Run *plan*.

        Raises:
            QueryRefused: What the engine says, in words that the plan's caller may read.
        """

    def describe(self, plan: Plan, parameters: Sequence[Scalar], version: int) -> pa.Schema:
        """Return the schema that *plan* would answer with, without running it."""

    def load(self, plan: Plan, load: Load, rows: pa.RecordBatchReader, call: Call) -> Execution:
        """Write *rows* to a table, all of them or none; *plan* is that of an INSERT into it."""

    def change_many(self, plan: Plan, over_rows: str, rows: pa.Table, call: Call, version: int) -> Execution:
        """Run the write *plan* once for every row of values, all of them or none.

        Args:
            over_rows: Text that does it in one go, from the columns `c1`, `c2`.. of
                `temp.main.__bound`; empty if there is none.
        """

    def close(self) -> None:
        """Roll back what is open and give the connection back."""


class Engine(Protocol):
    """Owns the data: runs plans in sessions, and knows its tables."""

    @property
    def name(self) -> str:
        """The name in the audit log, such as `duckdb`."""

    @property
    def version(self) -> str:
        """Such as `duckdb v2.0.0`, as clients expect it."""

    def load_catalog(self) -> tuple[list[Table], list[str]]:
        """Return the tables and the schema names of the public catalog."""

    def wire_fields(self, types: Collection[str]) -> Mapping[str, pa.Field]:
        """Return the field that a column of each of these SQL types becomes on the wire."""

    def keys(self) -> list[Key]:
        """Return the primary and foreign keys of the public catalog."""

    def open_session(self) -> Session:
        """Return a new session."""

    def runs(self, plan: Plan) -> str:
        """Return the name of the engine that runs *plan*, once it has begun to, for the audit log."""

    def missed(self, tables: Collection[TableName]) -> None:
        """Hear of tables that a statement names and the catalog has not; a remote engine looks again."""

    def probe(self, seconds: float) -> bool:
        """Tell whether the engine answers a trivial query within *seconds*."""

    def close(self) -> None:
        """Close the engine; running statements fail."""

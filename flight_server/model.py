"""The values that pass between the steps, each named by what it proves.

A step can only be called with what the step before it returned: `restrict_rows`
needs a `Grant`, and only `authorise` makes one. Nothing here does I/O.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from hatidata_telemetry.context import NO_TRACE, TraceHeaders

Protocol = Literal["flight", "http", "mcp"]
Dialect = Literal["auto", "snowflake", "duckdb"]
Scalar = str | int | float | bool | None | dt.datetime | dt.date | dt.time | Decimal | bytes


class Action(StrEnum):
    """What a statement does to a table; the actions of the access policy."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    CREATE = "create"
    ALTER = "alter"
    DROP = "drop"


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table of the public catalog; both parts folded to ASCII lower case."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a caller proves its identity with; the secret never shows in a repr or a log."""

    kind: Literal["key", "certificate"]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks and from where, as the wire says; nothing in it is verified yet.

    `protocol` and `source_ip` are only as good as the adapter that sets them: the
    Flight adapter takes them from headers for the gateway alone, which proves
    itself with the token of HOME/run/gateway.token.

    Attributes:
        read_only: Whether whatever changes anything is to be refused, as a tool promises that only reads.
    """

    credential: Credential | None
    agent_override: str | None
    protocol: Protocol
    source_ip: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One question, as it arrived.

    Attributes:
        arrived: `time.monotonic()` when the first byte was seen; the deadline counts from it.
        timeout_ms: As the caller asked; None means the server's default.
        trace: The trace that it is a part of, if any.
    """

    query_id: str
    sql: str
    parameters: tuple[Scalar, ...]
    timeout_ms: int | None
    dialect: Dialect
    caller: Caller
    arrived: float
    trace: TraceHeaders = NO_TRACE


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified identity; only `authenticate` makes one.

    Attributes:
        key_prefix: The first 12 characters of the key, or `dev` or `cert:CN`.
        environment: `test` keys are not counted against quotas.
    """

    key_prefix: str
    roles: frozenset[str]
    agent_id: str
    framework: str
    attributes: Mapping[str, str]
    environment: Literal["live", "test", "agent", "dev", "certificate"]

    def fingerprint(self) -> tuple[object, ...]:
        """Everything of the principal that a policy can look at, hashable."""
        return (self.roles, self.agent_id, self.framework, tuple(sorted(self.attributes.items())))


class Kind(StrEnum):
    """What a statement asks of the engine."""

    READ = "read"
    WRITE = "write"
    DEFINE = "define"
    CONTROL = "control"


SEQUENCES = frozenset({"nextval", "currval", "setval"})
"""Functions that move a sequence, or tell where this session moved it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that DuckDB's parser has read, with its names resolved; only `parse` makes one.

    Attributes:
        text: What DuckDB reads: the caller's text, or its translation from Snowflake.
        verb: DuckDB's statement type, such as `SELECT`, `INSERT`, `CREATE`, `TRANSACTION`.
        tree: JSON text of DuckDB's tree, for reads and writes; empty for the others.
        accesses: Which action it takes on which table; views are tables of their own.
        parameters: How many values must come with it.
        default_schema: Where its unqualified names were looked for.
        functions: Folded names of the scalar, aggregate, window and table functions.
        unselective_scans: Tables read without a predicate on a column.
        estimated_rows: Rows that the statistics promise, at most the constant LIMIT.
        translated: Whether a dialect rule changed the text.
        administrative: Whether only those who may do everything may send it.
        temporary: The session's own tables when it was read; they hide the catalog's.
        explain: `EXPLAIN ` or `EXPLAIN ANALYZE ` where the statement was under one.
        before: Statements of ours that run before it, in the same transaction.
        after: Those that run after it.
        overwrites: Whether an INSERT puts its rows in the place of all that the table had.
    """

    text: str
    kind: Kind
    verb: str
    tree: str
    accesses: tuple[tuple[Action, TableName], ...]
    parameters: int
    default_schema: str
    functions: frozenset[str]
    unselective_scans: int
    selects_star: bool
    estimated_rows: int
    translated: bool = False
    explain: str = ""
    administrative: bool = False
    temporary: frozenset[TableName] = frozenset()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    overwrites: bool = False

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Every table it touches, once, in order of appearance."""
        return tuple(dict.fromkeys(name for _, name in self.accesses))

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing, not even a sequence."""
        return self.kind is Kind.READ and self.functions.isdisjoint(SEQUENCES)


class MaskFunction(StrEnum):
    """The four mask functions of masks.yaml."""

    FULL = "full"
    PARTIAL = "partial"
    HASH = "hash"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Mask:
    """How the values of one column are hidden.

    Attributes:
        visible_chars: How many characters `partial` leaves at the end.
        key: HMAC key of `hash`; None means plain SHA-256.
    """

    function: MaskFunction
    visible_chars: int = 4
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BoundFilter:
    """A row filter with its placeholders bound for one principal.

    Attributes:
        predicate: SQL over the table's columns; placeholders appear as `$name`.
        values: The value of every `$name`; they are bound as literals of the tree, never as text.
        source: The file and line of the rule, for the audit log and `hati policy explain`.
    """

    predicate: str
    values: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True)
class TableGrant:
    """What the principal may see of one table."""

    table: TableName
    filters: tuple[BoundFilter, ...] = ()
    masks: tuple[tuple[str, Mask], ...] = ()

    @property
    def restricted(self) -> bool:
        """Whether a filter or a mask bites."""
        return bool(self.filters or self.masks)


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of a principal, the most generous of its roles; None means no ceiling."""

    requests_per_minute: int | None = None
    burst: int | None = None
    credits_per_month: float | None = None
    max_rows: int | None = None
    max_concurrent: int | None = None
    max_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The policy's yes to one statement of one principal; only `authorise` makes one.

    Attributes:
        sees_everything: No table of the catalog is closed to, filtered or masked for the principal's
            reading, so engine texts leak nothing to it.
        administers: It may take every action on every table, so that it may send what no action describes.
        reasons: Ids of the policies that allowed.
    """

    principal: Principal
    tables: Mapping[TableName, TableGrant]
    sees_everything: bool
    administers: bool
    limits: Limits
    reasons: tuple[str, ...]
    policy_version: str

    @property
    def restricted(self) -> bool:
        """Whether any table of the statement is filtered or masked."""
        return any(grant.restricted for grant in self.tables.values())

    def fingerprint(self) -> tuple[object, ...]:
        """What the compiled form of the statement depends on, hashable."""
        return (
            self.sees_everything,
            self.administers,
            tuple(sorted(self.tables.values(), key=lambda g: g.table)),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a query did and cost; the last thing a caller gets.

    Attributes:
        masked_columns: Names of the output columns that carry masked values.
        row_filters: Tables of which a filter hid rows.
    """

    query_id: str
    rows: int
    bytes: int
    duration_ms: float
    credits_consumed: float
    transpile_cache_hit: bool
    result_cache_hit: bool
    masked_columns: tuple[str, ...]
    row_filters: tuple[str, ...]
    policy_version: str
    rows_affected: int | None = None

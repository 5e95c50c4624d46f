"""One record of the audit log, and its bytes.

A reader would get this wrong: the hash of a record covers the bytes of its line as they
were written, not a re-serialisation. A line is `{"seq":N,"prev_hash":"..",BODY,"entry_hash":".."}`;
`entry_hash` is SHA-256 over that line without the `,"entry_hash":".."` part.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

GENESIS: Final = "0" * 64
"""The `prev_hash` of the first record."""

_TAIL_LENGTH: Final = len(b',"entry_hash":"') + 64 + len(b'"}')
# ASCII escapes keep lone surrogates and line separators out of the file.
_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What is recorded of one query, answered or refused.

    Attributes:
        timestamp: When it arrived, UTC, ISO 8601 with milliseconds and `Z`.
        key_prefix: First 12 characters of the key, `dev`, `cert:CN`, or empty when there was none.
        sql_redacted: The text with every literal replaced and without comments.
        row_filters: `schema.table @ file:line` of every filter that applied.
        masks: `schema.table.column:function` of every mask on the tables that were read.
        masked_columns: Names of the output columns that carried masked values.
        reasons: Ids of the policies that allowed or forbade.
        engine_sql: What the engine was given, or empty.
        steps_ms: Duration of each step that ran.
        outcome: `OK` or the error code.
        error_detail: What the caller was not told.
        phase: `streaming` is written before the first byte of an answer that is not gathered
            first; exactly one `complete` record with the same query id follows unless the process died.
    """

    query_id: str
    timestamp: str
    protocol: str
    source_ip: str
    sql: str
    sql_redacted: str
    decision: Literal["allow", "deny"]
    outcome: str
    key_prefix: str = ""
    roles: tuple[str, ...] = ()
    agent_id: str = ""
    framework: str = ""
    session_id: str = ""
    kind: str = ""
    tables: tuple[str, ...] = ()
    row_filters: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    masked_columns: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    policy_version: str = ""
    engine: str = ""
    engine_sql: str = ""
    rows: int = 0
    rows_affected: int | None = None
    bytes: int = 0
    credits: float = 0.0
    duration_ms: float = 0.0
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    transpile_cache_hit: bool = False
    result_cache_hit: bool = False
    error_detail: str = ""
    phase: Literal["complete", "streaming"] = "complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryEntry:
    """What was found wrong with the end of the log when it was opened.

    Attributes:
        file: The file whose end was moved aside, or empty.
        quarantine: Where it was moved, or empty.
        lost_from: First and last sequence number that head.json knew and the log does not hold; 0 if none.
    """

    timestamp: str
    reason: str
    file: str = ""
    offset: int = 0
    bytes: int = 0
    sha256: str = ""
    quarantine: str = ""
    lost_from: int = 0
    lost_to: int = 0


def utc(epoch: float) -> str:
    """Write seconds since the epoch as ISO 8601 with milliseconds and `Z`."""
    return dt.datetime.fromtimestamp(epoch, dt.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def query_body(entry: AuditEntry) -> str:
    """Return the members of a query's record as JSON text without the braces."""
    return _encode(
        {
            "event": "query",
            "phase": entry.phase,
            "query_id": entry.query_id,
            "timestamp": entry.timestamp,
            "key_prefix": entry.key_prefix,
            "roles": entry.roles,
            "agent_id": entry.agent_id,
            "framework": entry.framework,
            "protocol": entry.protocol,
            "source_ip": entry.source_ip,
            "session_id": entry.session_id,
            "sql": entry.sql,
            "sql_redacted": entry.sql_redacted,
            "kind": entry.kind,
            "tables": entry.tables,
            "row_filters": entry.row_filters,
            "masks": entry.masks,
            "masked_columns": entry.masked_columns,
            "decision": entry.decision,
            "reasons": entry.reasons,
            "policy_version": entry.policy_version,
            "engine": entry.engine,
            "engine_sql": entry.engine_sql,
            "rows": entry.rows,
            "rows_affected": entry.rows_affected,
            "bytes": entry.bytes,
            "credits": entry.credits,
            "duration_ms": entry.duration_ms,
            "steps_ms": entry.steps_ms,
            "transpile_cache_hit": entry.transpile_cache_hit,
            "result_cache_hit": entry.result_cache_hit,
            "outcome": entry.outcome,
            "error_detail": entry.error_detail,
        }
    )[1:-1]


def recovery_body(entry: RecoveryEntry) -> str:
    """Return the members of a recovery's record as JSON text without the braces."""
    return _encode(
        {
            "event": "recovery",
            "timestamp": entry.timestamp,
            "reason": entry.reason,
            "file": entry.file,
            "offset": entry.offset,
            "bytes": entry.bytes,
            "sha256": entry.sha256,
            "quarantine": entry.quarantine,
            "lost_from": entry.lost_from,
            "lost_to": entry.lost_to,
        }
    )[1:-1]


def chained_line(seq: int, prev_hash: str, body: str) -> tuple[bytes, str]:
    """Return the whole line of a record, newline included, and its hash."""
    head = f'{{"seq":{seq},"prev_hash":"{prev_hash}",{body}'.encode()
    entry_hash = hashlib.sha256(head + b"}").hexdigest()
    return head + f',"entry_hash":"{entry_hash}"}}\n'.encode(), entry_hash


def line_fault(line: bytes, seq: int, prev_hash: str) -> str:
    """Say what is wrong with *line* (without its newline) at this place of the chain, or nothing."""
    expected_head = f'{{"seq":{seq},"prev_hash":"'.encode()
    if not line.startswith(expected_head):
        return f"the record is not number {seq}: a line is missing, moved or unreadable"
    if not has_right_hash(line):
        return "the record was changed: its entry_hash does not fit its bytes"
    if not line.startswith(prev_hash.encode(), len(expected_head)):
        return "the record does not follow the one before it: prev_hash differs"
    return ""


def has_right_hash(line: bytes) -> bool:
    """Whether the `entry_hash` at the end of *line* (without its newline) fits its bytes."""
    head, tail = line[:-_TAIL_LENGTH], line[-_TAIL_LENGTH:]
    return tail == f',"entry_hash":"{hashlib.sha256(head + b"}").hexdigest()}"}}'.encode()


def place_of(line: bytes) -> tuple[int, str]:
    """Return the sequence number and the hash of a line that `has_right_hash`."""
    record = json.loads(line)
    return int(record["seq"]), str(record["entry_hash"])

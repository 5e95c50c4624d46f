"""Steps 12 and 13: charges what a query used and records it, once, however the query ended.

A reader would get this wrong: settling may itself refuse. If the audit record cannot be
written, `Settlement.settle` raises and the answer must not be completed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Grant, Principal, Query, Receipt
from flight_server.steps import estimate
from flight_server.steps.estimate import CostFacts
from flight_server.steps.reserve import Reservation
from flight_server.stores.audit import AuditLog
from flight_server.stores.audit_entry import AuditEntry, utc
from flight_server.stores.audit_redact import redact
from flight_server.stores.keys_secret import shown_prefix
from flight_server.stores.usage import Consumption, UsageStore

OUR_FAULT: Final = frozenset({ErrorCode.INTERNAL_ERROR, ErrorCode.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """All that is known of a query when it ends; what it did not get to keeps its default.

    Attributes:
        finished: `time.monotonic()` when it ended.
        cost: Its facts, once it was parsed.
        reservation: What `reserve` made, if it got so far.
        executed: Whether the engine (or the result cache) was asked.
        row_filters: Tables of which a filter hid rows, for the receipt.
        masked_columns: Names of the output columns that carry masked values.
        refusal: Why it failed, or None.
    """

    query: Query
    finished: float
    session_id: str = ""
    principal: Principal | None = None
    grant: Grant | None = None
    cost: CostFacts | None = None
    reservation: Reservation | None = None
    kind: str = ""
    tables: tuple[str, ...] = ()
    row_filters: tuple[str, ...] = ()
    masked_columns: tuple[str, ...] = ()
    engine: str = ""
    engine_sql: str = ""
    executed: bool = False
    rows: int = 0
    rows_affected: int | None = None
    bytes: int = 0
    transpile_cache_hit: bool = False
    result_cache_hit: bool = False
    steps_ms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    refusal: QueryRefused | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of a query: what the caller gets, and what was recorded (for metrics and the log).

    Attributes:
        ending_ms: What metering and recording took, which the record itself cannot hold.
    """

    receipt: Receipt
    entry: AuditEntry
    ending_ms: Mapping[str, float]


class Settlement:
    """Settles one query exactly once, whichever thread gets there first.

    Args:
        usage: Where the credits are held and counted.
        audit: Where the record goes.
    """

    __slots__ = ("_audit", "_lock", "_settled", "_usage")

    def __init__(self, usage: UsageStore, audit: AuditLog) -> None:
        self._usage = usage
        self._audit = audit
        self._lock = threading.Lock()
        self._settled: Settled | None = None

    def announce(self, happened: Happened) -> None:
        """Record that an answer begins to leave before it is complete; `settle` must follow.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE: the record cannot be written.
        """
        self._audit.append(build_entry(happened, credits_of(happened), phase="streaming"))

    def settle(self, happened: Happened) -> Settled:
        """Charge the query and record it; a second call changes nothing and returns the first result.

        Raises:
            QueryRefused: SERVICE_UNAVAILABLE: the record cannot be written. The query is
                charged all the same, and counts as settled.
        """
        with self._lock:
            if self._settled is not None:
                return self._settled
            began = time.perf_counter()
            ending_ms: dict[str, float] = {}
            credits = credits_of(happened)
            entry = build_entry(happened, credits)
            self._settled = Settled(build_receipt(happened, credits), entry, ending_ms)
            self._charge(happened, credits)
            charged = time.perf_counter()
            self._audit.append(entry)
            ending_ms["meter"] = (charged - began) * 1000
            ending_ms["audit"] = (time.perf_counter() - charged) * 1000
            return self._settled

    def _charge(self, happened: Happened, credits: float) -> None:
        reservation = happened.reservation
        if reservation is not None and reservation.credits:
            self._usage.release(reservation.key_prefix, reservation.credits)
        if happened.principal is not None:
            self._usage.add(
                _consumption(happened, happened.principal, credits),
                counts_for_quota=reservation is not None and reservation.counts_for_quota,
            )


def credits_of(happened: Happened) -> float:
    """Return what the query costs: nothing if the engine was never asked, or if it failed by our fault."""
    if happened.cost is None or not happened.executed:
        return 0.0
    if happened.refusal is not None and happened.refusal.code in OUR_FAULT:
        return 0.0
    rows = happened.rows if happened.rows_affected is None else happened.rows_affected
    return estimate.actual(happened.cost, rows, cache_hit=happened.result_cache_hit)


def build_receipt(happened: Happened, credits: float) -> Receipt:
    """Make the receipt of a query."""
    return Receipt(
        query_id=happened.query.query_id,
        rows=happened.rows,
        bytes=happened.bytes,
        duration_ms=_duration_ms(happened),
        credits_consumed=credits,
        transpile_cache_hit=happened.transpile_cache_hit,
        result_cache_hit=happened.result_cache_hit,
        masked_columns=happened.masked_columns,
        row_filters=happened.row_filters,
        policy_version=happened.grant.policy_version if happened.grant else "",
        rows_affected=happened.rows_affected,
    )


def build_entry(
    happened: Happened, credits: float, phase: Literal["complete", "streaming"] = "complete"
) -> AuditEntry:
    """Make the audit record of a query; it is `allow` when the policy said yes, even if it then failed."""
    query, principal, grant = happened.query, happened.principal, happened.grant
    refusal = happened.refusal
    duration_ms = _duration_ms(happened)
    return AuditEntry(
        query_id=query.query_id,
        timestamp=utc(time.time() - duration_ms / 1000),
        key_prefix=principal.key_prefix if principal else _presented(query),
        roles=tuple(sorted(principal.roles)) if principal else (),
        agent_id=principal.agent_id if principal else "",
        framework=principal.framework if principal else "",
        protocol=query.caller.protocol,
        source_ip=query.caller.source_ip,
        session_id=happened.session_id,
        sql=query.sql,
        sql_redacted=redact(query.sql),
        kind=happened.kind,
        tables=happened.tables,
        row_filters=_filters(grant) if grant else (),
        masks=_masks(grant) if grant else (),
        masked_columns=happened.masked_columns,
        decision="allow" if grant else "deny",
        reasons=grant.reasons if grant else (),
        policy_version=grant.policy_version if grant else "",
        engine=happened.engine,
        engine_sql=happened.engine_sql,
        rows=happened.rows,
        rows_affected=happened.rows_affected,
        bytes=happened.bytes,
        credits=credits,
        duration_ms=duration_ms,
        steps_ms={step: round(ms, 3) for step, ms in happened.steps_ms.items()},
        transpile_cache_hit=happened.transpile_cache_hit,
        result_cache_hit=happened.result_cache_hit,
        outcome=str(refusal.code) if refusal else "OK",
        error_detail=refusal.detail if refusal else "",
        phase=phase,
    )


def _consumption(happened: Happened, principal: Principal, credits: float) -> Consumption:
    return Consumption(
        key_prefix=principal.key_prefix,
        agent_id=principal.agent_id,
        tables=happened.tables,
        refused=happened.refusal is not None,
        rows=happened.rows,
        bytes=happened.bytes,
        credits=credits,
    )


def _presented(query: Query) -> str:
    """Return what may be recorded of a credential that was refused."""
    credential = query.caller.credential
    if credential is None:
        return ""
    return (
        f"cert:{credential.secret}" if credential.kind == "certificate" else shown_prefix(credential.secret)
    )


def _filters(grant: Grant) -> tuple[str, ...]:
    return tuple(
        f"{table} @ {bound.source}"
        for table, table_grant in grant.tables.items()
        for bound in table_grant.filters
    )


def _masks(grant: Grant) -> tuple[str, ...]:
    return tuple(
        f"{table}.{column}:{mask.function}"
        for table, table_grant in grant.tables.items()
        for column, mask in table_grant.masks
    )


def _duration_ms(happened: Happened) -> float:
    return round((happened.finished - happened.query.arrived) * 1000, 3)

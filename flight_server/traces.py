"""The spans of a query: one for all of it, and one for each step, made when it has ended.

Steps are timed anyway, for the metrics and the audit log, and their spans are made of those
times. So a query pays for traces with two branches while they are off.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from flight_server.model import Query
from flight_server.stores.audit_entry import AuditEntry
from hatidata_telemetry.context import TraceHeaders

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from hatidata_telemetry.tracing import Tracing

_ORDER: Final = (
    *("admit", "authenticate", "parse", "authorise", "estimate", "reserve", "restrict_rows"),
    *("transpile", "execute", "stream", "meter", "audit"),
)
"""The steps that can refuse; `snapshot` counts as a part of `execute`, and `mask` of `stream`."""

_WITHIN: Final = {"mask": "stream"}
"""Steps that take place during another, a piece at a time; their spans begin with it and last as long
as all their pieces together."""

_CODE: Final = re.compile(r"\[([A-Z_]+)\]")


class QueryTrace:
    """One query's spans.

    Args:
        tracing: Where they go.
        query: Whose they are; its trace becomes the parent.
    """

    def __init__(self, tracing: Tracing, query: Query) -> None:
        self._tracing = tracing
        self._began_ns = time.time_ns()
        attributes = {"hatidata.query_id": query.query_id, "hatidata.protocol": query.caller.protocol}
        self._span = tracing.begin("query", query.trace, attributes=attributes, began_ns=self._began_ns)
        self._headers = tracing.headers(self._span)
        self._execution: Span | None = None

    def execution(self) -> TraceHeaders:
        """Return what a remote engine is to go on with; the step `execute` begins now."""
        if self._execution is None:
            self._execution = self._tracing.begin("execute", self._headers)
        return self._tracing.headers(self._execution)

    def end(
        self,
        steps_ms: Mapping[str, float],
        code: str = "OK",
        refuser: str = "",
        entry: AuditEntry | None = None,
    ) -> None:
        """End the query, and write the spans of its steps.

        Args:
            steps_ms: What each step took, in the order in which they ended.
            code: `OK`, or the code of the refusal.
            refuser: The step that refused.
            entry: The query's record, if there is one; no text or value of it goes into a span.
        """
        if not self._span.is_recording():
            return
        for name, began_ns, ended_ns in self._placed(steps_ms):
            span = self._execution if name == "execute" else None
            if span is None:
                span = self._tracing.begin(name, self._headers, began_ns=began_ns)
            if name == refuser:
                _fail(span, code)
            span.end(ended_ns)
        if entry is not None:
            self._span.set_attributes(_told(entry))
        self._span.set_attribute("hatidata.outcome", code)
        if code != "OK":
            _fail(self._span, code)
        self._span.end()

    def _placed(self, steps_ms: Mapping[str, float]) -> Iterator[tuple[str, int, int]]:
        """Yield each step with its beginning and its end on the wall clock."""
        at = self._began_ns
        began: dict[str, int] = {}
        for name, ms in steps_ms.items():
            length = int(ms * 1e6)
            began[name] = began.get(_WITHIN[name], at) if name in _WITHIN else at
            yield name, began[name], began[name] + length
            if name not in _WITHIN:
                at += length


def under_way(ended: Iterable[str], compiled: bool) -> str:
    """Return the step that comes after those that have ended; for a *compiled* statement two are left out."""
    last = next((name for name in reversed(tuple(ended)) if name in _ORDER), "")
    if not last:
        return _ORDER[0]
    if last == "reserve" and compiled:
        return "execute"
    return _ORDER[min(_ORDER.index(last) + 1, len(_ORDER) - 1)]


def code_in(message: str) -> str:
    """Return the code that the message of a refusal begins with, and nothing else of it."""
    match = _CODE.match(message)
    return match[1] if match else "INTERNAL_ERROR"


def _fail(span: Span, code: str) -> None:
    from hatidata_telemetry.tracing import failed

    failed(span, code)


def _told(entry: AuditEntry) -> dict[str, str | int | float | bool]:
    return {
        "hatidata.kind": entry.kind,
        "hatidata.engine": entry.engine,
        "hatidata.rows": entry.rows,
        "hatidata.bytes": entry.bytes,
        "hatidata.credits": entry.credits,
        "hatidata.policy_version": entry.policy_version,
        "hatidata.transpile_cache_hit": entry.transpile_cache_hit,
        "hatidata.result_cache_hit": entry.result_cache_hit,
    }

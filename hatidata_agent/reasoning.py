"""Several queries that belong to one line of thought: found together afterwards, step by step.

The service takes part in it by two names that it keeps anyway: every step has its query id in the audit
log, and all steps are one trace (W3C `traceparent`) where traces are collected.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatidata_agent.client import HatiDataAgent
    from hatidata_agent.parameters import Parameter

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Step:
    """One query of a chain.

    Attributes:
        name: What its author called it.
        query_id: Under which the audit log has it.
    """

    name: str
    query_id: str
    rows: int
    credits: float


class ReasoningChain:
    """A chain that is being thought.

    Args:
        parent_request_id: The chain that this one is a part of; both are then one trace.
    """

    def __init__(
        self, agent: HatiDataAgent, request_id: str | None = None, parent_request_id: str | None = None
    ) -> None:
        self.request_id = request_id or secrets.token_hex(16)
        self.parent_request_id = parent_request_id
        self._agent = agent
        self._steps: list[Step] = []

    def __enter__(self) -> ReasoningChain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that have been answered, in their order."""
        return tuple(self._steps)

    def query(
        self,
        sql: str,
        parameters: Sequence[Parameter] = (),
        step: str | None = None,
        *,
        timeout_ms: int | None = None,
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows of a query, which is the chain's next step.

        Raises:
            HatiDataError: The subclass says why; a step without an answer is not among `steps`.
        """
        return self.ask(self._agent, sql, parameters, step, timeout_ms)

    def ask(
        self,
        agent: HatiDataAgent,
        sql: str,
        parameters: Sequence[Parameter],
        step: str | None,
        timeout_ms: int | None,
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Do what `query` does, over *agent*."""
        with agent.traced_as(self._traceparent()).run(sql, parameters, timeout_ms=timeout_ms) as answer:
            rows: list[dict[str, Any]] = answer.read_all().to_pylist()
            receipt = answer.receipt
        if receipt is not None:
            name = step or f"step {len(self._steps) + 1}"
            self._steps.append(Step(name, receipt.query_id, receipt.rows, receipt.credits_consumed))
        return rows

    def _traceparent(self) -> str:
        """Return the header: the trace is that of the outermost chain that is known, the span is new."""
        outermost = self.parent_request_id or self.request_id
        known = _TRACE_ID.fullmatch(outermost) and outermost.strip("0")
        trace = outermost if known else hashlib.sha256(outermost.encode()).hexdigest()[:32]
        return f"00-{trace}-{secrets.token_hex(8)}-01"

"""The order of the steps, and nothing else.

Every path (Flight, Flight SQL, HTTP, MCP, CLI) comes through `Pipeline.run` or
`Pipeline.describe`, and nothing else reaches an engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import structlog

from flight_server.answer import Answer, Progress, public_schema
from flight_server.dialects.shows import show_of
from flight_server.engines.engine import Engine, Execution, Load, Session
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.metrics import Metrics
from flight_server.model import Action, Caller, Grant, Kind, Principal, Query, Receipt
from flight_server.policy.holder import PolicyHolder
from flight_server.policy.model import RequestContext
from flight_server.steps.admit import Admission
from flight_server.steps.authenticate import authenticate
from flight_server.steps.authorise import authorise
from flight_server.steps.ceilings import Ceilings, check_ceilings, invalid
from flight_server.steps.compile import Compiler, Understood
from flight_server.steps.estimate import CostFacts, estimate, promised_rows
from flight_server.steps.execute import Running, execute
from flight_server.steps.look import Sight, look
from flight_server.steps.meter import Settlement
from flight_server.steps.parameter_types import parameter_types
from flight_server.steps.reserve import reserve
from flight_server.steps.show import answer
from flight_server.steps.transpile import Plan
from flight_server.stores.audit import AuditLog
from flight_server.stores.cache import ResultCache
from flight_server.stores.catalog import Catalog
from flight_server.stores.changes import Changes
from flight_server.stores.keys import KeyStore
from flight_server.stores.rate import FailureLimiter
from flight_server.stores.usage import UsageLine, UsageStore
from flight_server.traces import QueryTrace
from flight_server.watcher import Call, Watcher

if TYPE_CHECKING:
    from hatidata_telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Services:
    """What the steps work with; built once, by `app`."""

    engine: Engine
    catalog: Catalog
    compiler: Compiler
    policies: PolicyHolder
    keys: KeyStore
    failures: FailureLimiter
    admission: Admission
    usage: UsageStore
    audit: AuditLog
    cache: ResultCache
    changes: Changes
    metrics: Metrics
    watcher: Watcher
    mask_pool: Executor
    ceilings: Ceilings
    dev_mode: bool
    tracing: Tracing | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What a statement would answer with, found out without running it.

    Attributes:
        parameter_types: SQL types to bind with, guessed.
    """

    schema: pa.Schema
    kind: Kind
    parameters: int
    parameter_types: tuple[str, ...] = ()


HANDSHAKES_PER_MINUTE = 300
"""Failed ones, over all addresses: a Handshake does not say where it comes from."""

Gone = Callable[[], bool]


class Pipeline:
    """Runs queries through the thirteen steps."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._handshakes = FailureLimiter(per_minute_limit=HANDSHAKES_PER_MINUTE)
        self._log = structlog.get_logger("query").bind()

    def run(
        self, query: Query, session: Session, is_gone: Gone | None = None, session_id: str = ""
    ) -> Answer:
        """Run *query* and return its answer, of which the first rows are still to be pulled.

        The caller must exhaust or close the answer; steps 11 to 13 happen while and after it is pulled.

        Raises:
            QueryRefused: With a code and the query's id; the refusal is metered and audited.
        """
        services = self._services
        progress, call = self._begin(query, is_gone, session_id)
        try:
            plan = self._prepare(query, session, call, progress)
            services.audit.ensure_writable()
            running = self._execute(plan, query, session, call, progress)
            call.check()
            progress.executed()
            return Answer(progress, plan, running, services.mask_pool)
        except BaseException as error:  # noqa: BLE001  # whatever happens, the query is settled
            raise progress.refuse(error) from None

    def describe(
        self, query: Query, session: Session, is_gone: Gone | None = None, session_id: str = ""
    ) -> Described:
        """Return what *query* would answer with; everything up to execution is checked and nothing is run.

        Raises:
            QueryRefused: As `run` would.
        """
        progress, call = self._begin(query, is_gone, session_id)
        try:
            plan = self._prepare(query, session, call, progress, executes=False)
            values = query.parameters or (None,) * plan.parameters
            schema = public_schema(session.describe(plan, values, _version(progress)), plan)
            described = Described(schema, plan.kind, plan.parameters, _parameter_types(progress))
        except BaseException as error:  # noqa: BLE001  # whatever happens, the query is settled
            raise progress.refuse(error) from None
        progress.abandon()
        return described

    def load(
        self,
        query: Query,
        load: Load,
        rows: pa.RecordBatchReader,
        session: Session,
        is_gone: Gone | None = None,
        session_id: str = "",
    ) -> Receipt:
        """Write the stream *rows* to the table of *load*, all or nothing; *query* is an INSERT into it.

        Who makes or replaces the table needs the right to, and must see everything, as for a
        CREATE in SQL. Who is under a row filter may append what it could also see.

        Raises:
            QueryRefused: As `run` would.
        """

        def write(plan: Plan, call: Call, _version: int) -> Execution:
            return session.load(plan, load, rows, call)

        return self._change(query, session, is_gone, session_id, write, _CREATIONS[load.creates])

    def change_many(
        self,
        query: Query,
        rows: pa.Table,
        session: Session,
        is_gone: Gone | None = None,
        session_id: str = "",
    ) -> Receipt:
        """Run the write *query* once for every row of values, all or nothing.

        Raises:
            QueryRefused: As `run` would.
        """
        compiler = self._services.compiler

        def write(plan: Plan, call: Call, version: int) -> Execution:
            if plan.kind is not Kind.WRITE or plan.before or plan.after:
                raise invalid("only a plain INSERT, UPDATE or DELETE can be run for many rows")
            return session.change_many(plan, compiler.over_rows(plan), rows, call, version)

        return self._change(query, session, is_gone, session_id, write)

    def identify(self, caller: Caller) -> None:
        """Refuse a caller that is nobody, before it asks anything.

        Raises:
            QueryRefused: UNAUTHORIZED or RATE_LIMITED.
        """
        services = self._services
        authenticate(caller, services.keys, dev_mode=services.dev_mode, failures=self._handshakes)

    def look(self, query: Query, is_gone: Gone | None = None, session_id: str = "") -> Sight:
        """Return what of the catalog the caller of *query* may know; the query's text is for the audit log.

        Raises:
            QueryRefused: As `run` would.
        """
        services = self._services
        progress, call = self._begin(query, is_gone, session_id)
        try:
            progress.slot = services.admission.admit(call)
            principal = progress.principal = authenticate(
                query.caller, services.keys, dev_mode=services.dev_mode, failures=services.failures
            )
            now = _context(query)
            limits = services.policies.current.limits_of(principal.roles)
            services.usage.rate.take(principal.key_prefix, limits.requests_per_minute, limits.burst)
            sight = look(principal, services.policies.current, services.catalog.snapshot(), now)
        except BaseException as error:  # noqa: BLE001  # whatever happens, the query is settled
            raise progress.refuse(error) from None
        progress.abandon()
        return sight

    @property
    def policy_version(self) -> str:
        """The policies that hold now, as receipts name them."""
        return self._services.policies.current.version

    def usage(self, sight: Sight) -> list[UsageLine]:
        """Return what the key behind *sight* has used since the month began."""
        today = dt.datetime.now(dt.UTC).date()
        return self._services.usage.report(today.replace(day=1), sight.principal.key_prefix)

    def _change(
        self,
        query: Query,
        session: Session,
        is_gone: Gone | None,
        session_id: str,
        write: Callable[[Plan, Call, int], Execution],
        also: tuple[Action, ...] = (),
    ) -> Receipt:
        """Take *query* through every step, with *write* as its execution."""
        progress, call = self._begin(query, is_gone, session_id)
        try:
            plan = self._prepare(query, session, call, progress, also=also)
            progress.plan = plan
            self._services.audit.ensure_writable()
            progress.execution = write(plan, call, _version(progress))
            progress.executed()
            return progress.settle()
        except BaseException as error:  # noqa: BLE001  # whatever happens, the query is settled
            raise progress.refuse(error) from None

    def _begin(self, query: Query, is_gone: Gone | None, session_id: str) -> tuple[Progress, Call]:
        services = self._services
        timeout_ms = services.ceilings.default_timeout_ms if query.timeout_ms is None else query.timeout_ms
        trace = QueryTrace(services.tracing, query) if services.tracing else None
        engine_trace = trace.execution if trace else lambda: query.trace
        call = Call(query.arrived + timeout_ms / 1000, is_gone, engine_trace)
        services.watcher.watch(call)
        settlement = Settlement(services.usage, services.audit)
        progress = Progress(
            query,
            call,
            services.watcher,
            settlement,
            services.metrics,
            self._log,
            services.engine.name,
            session_id,
            trace,
        )
        return progress, call

    def _prepare(
        self,
        query: Query,
        session: Session,
        call: Call,
        progress: Progress,
        executes: bool = True,
        also: tuple[Action, ...] = (),
    ) -> Plan:
        """Steps 1 to 8: who asks, what they may see, what it costs, and what the engine will run."""
        services = self._services
        check_ceilings(query, services.ceilings)
        slot = progress.slot = services.admission.admit(call)
        progress.step("admit")
        principal = authenticate(
            query.caller, services.keys, dev_mode=services.dev_mode, failures=services.failures
        )
        progress.principal = principal
        progress.step("authenticate")
        understood = self._understand(query, session, principal)
        progress.understood = understood
        progress.step("parse")
        grant = progress.grant = self._authorise(query, principal, understood, also)
        progress.step("authorise")
        statement = understood.statement
        facts = CostFacts(len(statement.tables), statement.unselective_scans, statement.selects_star)
        progress.cost = facts
        cost = estimate(facts, promised_rows(statement, grant))
        progress.step("estimate")
        slot.claim(principal.key_prefix, grant.limits.max_concurrent)
        if executes:
            progress.reservation = reserve(principal, cost, grant.limits, services.usage)
        if grant.limits.max_timeout_ms is not None:
            call.deadline = min(call.deadline, query.arrived + grant.limits.max_timeout_ms / 1000)
        progress.step("reserve")
        plan = self._compile(understood, grant, progress)
        if (executes or query.parameters) and plan.parameters != len(query.parameters):
            raise invalid(f"the query takes {plan.parameters} parameters, got {len(query.parameters)}")
        return plan

    def _execute(self, plan: Plan, query: Query, session: Session, call: Call, progress: Progress) -> Running:
        """Steps 9 and 10."""
        services = self._services
        progress.engine = services.engine.runs(plan)
        running = execute(
            plan, query.parameters, session, call, _version(progress), services.cache, services.changes
        )
        progress.execution = running.execution
        progress.recording = running.recording
        progress.result_cache_hit = running.from_cache
        return running

    def _understand(self, query: Query, session: Session, principal: Principal) -> Understood:
        services = self._services
        catalog, sql, dialect = services.catalog.snapshot(), query.sql, query.dialect
        where = (session.default_schema, session.temporary, session.own_tables)
        show = show_of(sql, dialect, services.compiler.parser.accepts)
        if show is not None:
            sight = look(principal, services.policies.current, catalog, _context(query))
            sql, dialect = answer(show, sight, session.own_tables, session.default_schema), "duckdb"
        understood = services.compiler.understand(sql, dialect, catalog, *where)
        unknown = [name for name in understood.statement.tables if name not in understood.catalog.tables]
        if unknown:
            services.engine.missed(unknown)
        if query.caller.read_only and not understood.statement.only_reads:
            raise QueryRefused(ErrorCode.POLICY_DENIED, "Only queries that change nothing are permitted here")
        return understood

    def _authorise(
        self,
        query: Query,
        principal: Principal,
        understood: Understood,
        also: tuple[Action, ...],
    ) -> Grant:
        """Have the policy decide; *also* is done to the target beside what the statement says."""
        accesses = understood.statement.accesses
        target = accesses[0][1] if accesses else None
        extra = tuple((action, target) for action in also if target)
        grant = authorise(
            principal,
            extra + accesses,
            self._services.policies.current,
            understood.catalog.tables,
            _context(query),
        )
        if also and not grant.sees_everything:
            raise QueryRefused(ErrorCode.POLICY_DENIED, "Making tables is not permitted")
        return grant

    def _compile(self, understood: Understood, grant: Grant, progress: Progress) -> Plan:
        """Steps 7 and 8, or what they made of the same statement under an equal grant before."""
        compiler = self._services.compiler
        plan = compiler.known_plan(understood, grant)
        progress.transpile_cache_hit = plan is not None
        if plan is None:
            restricted = compiler.restrict(understood, grant)
            progress.step("restrict_rows")
            plan = compiler.print(understood, restricted)
            progress.step("transpile")
        return plan


_CREATIONS: dict[str, tuple[Action, ...]] = {
    "no": (),
    "new": (Action.CREATE,),
    "missing": (Action.CREATE,),
    "anew": (Action.CREATE, Action.DROP),
}
"""What a load does to its target beside inserting, by `Load.creates`."""


def _context(query: Query) -> RequestContext:
    """Return what the access rules may ask about the circumstances."""
    now = dt.datetime.now(dt.UTC)
    return RequestContext(now.hour, now.isoweekday(), query.caller.protocol, query.caller.source_ip)


def _parameter_types(progress: Progress) -> tuple[str, ...]:
    """Return a guess at the type of every parameter."""
    understood, grant = progress.understood, progress.grant
    if understood is None or grant is None or not understood.statement.parameters:
        return ()
    return parameter_types(understood.statement, grant, understood.catalog)


def _version(progress: Progress) -> int:
    return progress.understood.catalog.version if progress.understood else 0

"""The composition root: settings to stores, engine and adapters; start, drain, stop."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from flight_server.engines.duckdb_engine import DuckDBEngine, DuckDBOptions
from flight_server.engines.remotes import with_remotes
from flight_server.errors import ErrorCode
from flight_server.metrics import Metrics, MetricsServer, serve_metrics
from flight_server.pipeline import Pipeline, Services
from flight_server.policy.catalog_file import described
from flight_server.policy.holder import PolicyHolder
from flight_server.policy.load import load_policies
from flight_server.policy.model import Policies
from flight_server.policy.predicates import PredicateCheck
from flight_server.protocols.flight.errors import keep_tracebacks_inside
from flight_server.protocols.flight.server import FlightServer
from flight_server.protocols.flight.session import CallerReader, TraceCall
from flight_server.protocols.flight.sessions import Sessions
from flight_server.protocols.health.server import HealthServer
from flight_server.semantic.embedder import embedder_for
from flight_server.steps.admit import Admission
from flight_server.steps.ceilings import Ceilings
from flight_server.steps.compile import Compiler
from flight_server.steps.restrict_rows import Sealed
from flight_server.stores.audit import AuditLog
from flight_server.stores.cache import ResultCache
from flight_server.stores.cache_disk import DiskCache
from flight_server.stores.catalog import Catalog
from flight_server.stores.keys import KeyStore
from flight_server.stores.rate import FailureLimiter
from flight_server.stores.usage import UsageStore
from flight_server.syntax.parser import Parser
from flight_server.watcher import Watcher
from hatidata_settings import Settings
from hatidata_telemetry.opening import open_tracing

if TYPE_CHECKING:
    from hatidata_telemetry.tracing import Tracing

DEEPEST_TREE = 20_000
PROBE_S = 2.0
INTERRUPT_GRACE_S = 3.0
LOAD_S = 30.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the process listens."""

    flight: str
    health: str
    metrics: str


class App:
    """The Flight server's process: everything is built here, and ends here."""

    def __init__(self, settings: Settings) -> None:
        sys.setrecursionlimit(DEEPEST_TREE)
        keep_tracebacks_inside()
        self._settings = settings
        self._log = structlog.get_logger("app")
        self._reason = "starting"
        settings.run_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.temp_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._engine = DuckDBEngine(_duckdb_options(settings))
        self._semantics = self._engine.provide_semantics(embedder_for(settings))
        self._parser = Parser()
        self._engines = with_remotes(self._engine, settings, self._parser)
        self._catalog = Catalog(described(self._engines.load_catalog, settings.run_folder / "catalog.json"))
        self._engine.on_defined = self._catalog.changed
        self._services = self._build()
        self._pipeline = Pipeline(self._services)
        self._health = HealthServer(settings.host, settings.health_port, self._probe)
        self._metrics_server = self._serve_metrics()
        self._sessions = Sessions(
            self._engines.open_session, settings.session_idle_secs, settings.max_sessions_per_principal
        )
        self._flight = self._serve_flight()
        self._show_flight()

    @property
    def endpoints(self) -> Endpoints:
        """Where the process listens."""
        scheme = "grpc+tls" if self._settings.tls else "grpc"
        host = self._settings.host
        return Endpoints(
            flight=f"{scheme}://{host}:{self._flight.port}",
            health=f"grpc://{host}:{self._health.port}",
            metrics=f"http://{host}:{self._metrics_server.port}/metrics",
        )

    def load_memories(self, ended: threading.Event) -> None:
        """Wait until what agents remember is in memory, at most `LOAD_S` seconds or until *ended* is set."""
        memory, began = self._semantics.memory, time.monotonic()
        while not memory.wait_loaded(0.05) and not ended.is_set():
            if time.monotonic() - began > LOAD_S:
                self._log.warning("ready before all memories are loaded", waited_secs=LOAD_S)
                return

    def start(self) -> None:
        """Begin to answer, and say where."""
        self._reason = ""
        self._health.set_serving(True)
        endpoints = self.endpoints
        told = {
            "flight": endpoints.flight,
            "health": endpoints.health,
            "metrics": endpoints.metrics,
            "pid": os.getpid(),
        }
        write_atomically(self._settings.run_folder / "flight.json", json.dumps(told))
        self._log.info("listening", **told)

    def reload(self) -> None:
        """Read the policies anew; a faulty set changes nothing."""
        self._services.policies.reload()

    def drain(self) -> None:
        """Take no new work, let queries end within the grace period, interrupt the rest, and close."""
        grace = self._settings.drain_grace_secs
        self._reason = "draining"
        self._health.set_serving(False)
        self._log.info("draining", running=self._services.admission.running, grace_secs=grace)
        self._services.admission.drain()
        if not self._services.admission.wait_idle(grace):
            self._services.watcher.stop_all(ErrorCode.SERVICE_UNAVAILABLE)
            self._services.admission.wait_idle(INTERRUPT_GRACE_S)
        self._close()

    def _close(self) -> None:
        stopper = threading.Thread(target=self._flight.shutdown, name="shutdown", daemon=True)
        stopper.start()
        stopper.join(INTERRUPT_GRACE_S)
        self._sessions.close()
        self._metrics_server.close()
        self._health.close()
        self._services.watcher.close()
        self._services.cache.close()
        self._services.usage.close()
        self._services.audit.close()
        self._services.keys.close()
        self._engines.close()
        self._parser.close()
        if self._services.tracing is not None:
            self._services.tracing.close()
        self._log.info("stopped")

    def _build(self) -> Services:
        settings = self._settings
        home = settings.home
        shadow = self._engine.shadow.catalog if self._engine.shadow else ""
        names = frozenset(engine.name for engine in settings.engines)
        sealed = Sealed(self._engine.catalog, self._engine.nonce, self._engine.semantics, shadow, names)
        return Services(
            engine=self._engines,
            catalog=self._catalog,
            compiler=Compiler(self._parser, sealed, settings.compile_cache_entries, self._engine.repeatable),
            policies=PolicyHolder(self._load_policies, settings.run_folder / "policies.json"),
            keys=KeyStore.open(home / "keys.db"),
            failures=FailureLimiter(),
            admission=Admission(settings.max_concurrent_queries, settings.max_queued_queries),
            usage=UsageStore.open(home / "usage.db"),
            audit=AuditLog.open(
                home / "audit", fsync=settings.audit_fsync, max_file_bytes=settings.audit_max_file_mb << 20
            ),
            cache=_result_cache(settings),
            changes=self._engine.changes,
            metrics=Metrics(),
            watcher=Watcher(),
            mask_pool=ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="mask"),
            ceilings=Ceilings(
                settings.default_timeout_ms, settings.query_timeout_secs * 1000, settings.max_sql_bytes
            ),
            dev_mode=settings.dev_mode,
            tracing=open_tracing(settings, "hatidata-flight"),
        )

    def _load_policies(self) -> Policies:
        tables = self._catalog.snapshot().tables
        columns = {name: tuple(column.name for column in table.columns) for name, table in tables.items()}
        with PredicateCheck(self._parser, tables) as check:
            policies = load_policies(self._settings.home / "policies", columns, check)
        for rule in chain.from_iterable(policies.masks.values()):
            self._engine.provide_keyed_hash(rule.mask)
        return policies

    def _serve_metrics(self) -> MetricsServer:
        services, metrics = self._services, self._services.metrics
        metrics.gauge("running_queries", "Queries that hold a slot", lambda: services.admission.running)
        metrics.gauge("queued_queries", "Queries that wait for a slot", lambda: services.admission.queued)
        metrics.gauge("audit_lag_seconds", "Age of the oldest record not on disk", services.audit.lag_seconds)
        metrics.gauge("compiled_plans", "Plans in the compile cache", lambda: services.compiler.remembered)
        metrics.gauge("cached_results", "Results kept in memory", lambda: services.cache.entries)
        metrics.gauge("cached_result_bytes", "Their size", lambda: services.cache.bytes)
        metrics.gauge(
            "cached_result_disk_bytes", "Size of results kept on disk", lambda: services.cache.bytes_on_disk
        )
        metrics.gauge("verified_keys", "Keys that need no hashing", services.keys.cached_keys)
        return serve_metrics(metrics, self._settings.host, self._settings.metrics_port)

    def _serve_flight(self) -> FlightServer:
        settings = self._settings
        scheme = "grpc+tls" if settings.tls else "grpc"
        location = f"{scheme}://{settings.host}:{settings.flight_port}"
        token = gateway_token(settings.gateway_token)
        return FlightServer(
            location,
            self._pipeline,
            self._engines,
            CallerReader(token),
            lambda: self._reason,
            self._sessions,
            settings.query_timeout_secs * 1000,
            _call_tracer(self._services.tracing),
            **_tls(settings),
        )

    def _show_flight(self) -> None:
        """Show in the metrics what clients keep here and what they are sending."""
        metrics, arrivals = self._services.metrics, self._flight.arrivals
        metrics.gauge("sessions", "Sessions of Flight clients", lambda: len(self._sessions))
        metrics.gauge("ingests_running", "Streams of rows coming in", lambda: arrivals.running)
        metrics.gauge("ingested_rows", "Rows that came in, stored or not", lambda: arrivals.rows)
        metrics.gauge("ingested_bytes", "Bytes that came in, stored or not", lambda: arrivals.bytes)

    def _probe(self) -> bool:
        return self._engines.probe(PROBE_S)


def _duckdb_options(settings: Settings) -> DuckDBOptions:
    return DuckDBOptions(
        path=settings.database,
        memory_limit_mb=settings.duckdb_memory_limit_mb,
        threads=settings.duckdb_threads,
        temp_directory=str(settings.temp_folder),
        max_temp_mb=settings.duckdb_max_temp_mb,
        data_directories=settings.data_directories,
        batch_bytes=settings.batch_bytes,
    )


def _result_cache(settings: Settings) -> ResultCache:
    disk = None
    if settings.cache_l2_max_size_mb and settings.cache_l2_ttl_seconds:
        folder = settings.run_folder / "cache"
        disk = DiskCache(folder, settings.cache_l2_max_size_mb << 20, settings.cache_l2_ttl_seconds)
    return ResultCache(
        settings.cache_l1_max_entries,
        settings.cache_l1_max_size_mb << 20,
        settings.cache_l1_ttl_seconds,
        disk,
    )


def _call_tracer(tracing: Tracing | None) -> TraceCall | None:
    if tracing is None:
        return None
    from flight_server.protocols.flight.traced import call_tracer  # needs the extra `otel`

    return call_tracer(tracing)


def _tls(settings: Settings) -> dict[str, Any]:  # Any: keyword arguments of pyarrow's server
    if not settings.tls:
        return {}
    chain = (Path(settings.tls_cert).read_bytes(), Path(settings.tls_key).read_bytes())
    options: dict[str, Any] = {"tls_certificates": [chain]}
    if settings.client_ca:
        options |= {"verify_client": True, "root_certificates": Path(settings.client_ca).read_bytes()}
    return options


def gateway_token(path: Path) -> str:
    """Return the secret that the gateway proves itself with; whoever comes first makes it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        for _ in range(100):
            token = path.read_text(encoding="ascii").strip()
            if len(token) == 64:
                return token
            time.sleep(0.01)
        raise
    token = secrets.token_hex(32)
    os.write(descriptor, token.encode())
    os.close(descriptor)
    return token


def write_atomically(path: Path, text: str) -> None:
    """Write *text* so that a reader sees the old file or the whole new one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)

"""What operators watch, for Prometheus.

A reader would get this wrong: a query is counted with plain additions under one lock, since
the client library's labelled histograms cost more than our whole budget; its classes only
appear when somebody scrapes.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, start_http_server
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from flight_server.stores.audit_entry import AuditEntry

BUCKETS_MS: Final = (
    *(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
    *(50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000),
)


class _Durations:
    """A histogram: how many durations fell into each bucket, and their sum."""

    __slots__ = ("counts", "total_ms")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_MS) + 1)
        self.total_ms = 0.0

    def add(self, ms: float) -> None:
        self.counts[bisect.bisect_left(BUCKETS_MS, ms)] += 1
        self.total_ms += ms

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulated counts by upper bound in seconds."""
        bounds = [*(str(bound / 1000) for bound in BUCKETS_MS), "+Inf"]
        cumulated, result = 0, []
        for bound, count in zip(bounds, self.counts, strict=True):
            cumulated += count
            result.append((bound, float(cumulated)))
        return result


class Metrics(Collector):
    """Counts queries and shows the counts, with gauges that others register, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._queries: dict[tuple[str, str], int] = {}
        self._steps: dict[str, _Durations] = {}
        self._duration = _Durations()
        self._rows = 0
        self._bytes = 0
        self._credits = 0.0
        self._caches = {(name, result): 0 for name in ("compile", "result") for result in ("hit", "miss")}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show what *read* returns at every scrape as `hatidata_NAME`."""
        self._gauges[name] = (text, read)

    def record(self, entry: AuditEntry, ending_ms: Mapping[str, float]) -> None:
        """Count a query that ended; *ending_ms* is what the steps took that its record cannot hold."""
        place = (entry.outcome, entry.protocol)
        with self._lock:
            self._queries[place] = self._queries.get(place, 0) + 1
            self._duration.add(entry.duration_ms)
            for step, ms in chain(entry.steps_ms.items(), ending_ms.items()):
                durations = self._steps.get(step)
                if durations is None:
                    durations = self._steps[step] = _Durations()
                durations.add(ms)
            self._rows += entry.rows
            self._bytes += entry.bytes
            self._credits += entry.credits
            if entry.engine:
                self._caches["compile", "hit" if entry.transpile_cache_hit else "miss"] += 1
                self._caches["result", "hit" if entry.result_cache_hit else "miss"] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it is now; called by the registry."""
        with self._lock:
            families = [self._query_family(), self._duration_family(), self._step_family(), *self._sums()]
        yield from families
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"hatidata_{name}", text, value=read())

    def _query_family(self) -> Metric:
        family = CounterMetricFamily(
            "hatidata_queries",
            "Queries by outcome (OK or the error code) and protocol",
            labels=("code", "protocol"),
        )
        for labels, count in self._queries.items():
            family.add_metric(labels, count)
        return family

    def _duration_family(self) -> Metric:
        family = HistogramMetricFamily("hatidata_query_seconds", "Time from arrival to the end of the answer")
        family.add_metric([], self._duration.buckets(), self._duration.total_ms / 1000)
        return family

    def _step_family(self) -> Metric:
        family = HistogramMetricFamily(
            "hatidata_step_seconds", "Time of each step of the pipeline", labels=("step",)
        )
        for step, durations in self._steps.items():
            family.add_metric((step,), durations.buckets(), durations.total_ms / 1000)
        return family

    def _sums(self) -> Iterator[Metric]:
        yield CounterMetricFamily("hatidata_rows", "Rows that left", value=self._rows)
        yield CounterMetricFamily("hatidata_result_bytes", "Bytes of Arrow data that left", value=self._bytes)
        yield CounterMetricFamily("hatidata_credits", "Credits charged", value=self._credits)
        caches = CounterMetricFamily("hatidata_cache_lookups", "Cache look-ups", labels=("cache", "result"))
        for labels, count in self._caches.items():
            caches.add_metric(labels, count)
        yield caches


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """The HTTP server that answers scrapes."""

    port: int
    _server: WSGIServer
    _thread: threading.Thread

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(metrics: Metrics, host: str, port: int) -> MetricsServer:
    """Serve *metrics* as `GET /metrics` in a thread of its own; port 0 lets the system choose."""
    server, thread = start_http_server(port, addr=host, registry=metrics.registry)
    return MetricsServer(server.server_port, server, thread)

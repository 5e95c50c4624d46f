"""Makes spans and sends them to a collector over OTLP.

A reader would get this wrong: nothing here is ambient. The parent of a span is given as the
headers that name it, and a span's own headers are asked for, so that a trace goes through
threads, generators and processes alike, and OpenTelemetry's context variables are not used.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hatidata_telemetry.context import TraceHeaders

FLUSH_S: Final = 1.0
"""How long the last spans may take to leave when the process ends."""

Attributes = Mapping[str, str | int | float | bool]


class Tracing:
    """Where this process's spans go.

    Args:
        service: Name of the process, as traces show it.
        endpoint: The collector, such as `http://127.0.0.1:4317`.
        sample_percent: Share of the traces that begin here that are recorded; of a trace that
            began elsewhere, its beginner has decided.
    """

    def __init__(self, service: str, endpoint: str, sample_percent: int) -> None:
        _log_like_us()
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_percent / 100)),
            resource=Resource.create({"service.name": service}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("hatidata")
        self._propagator = TraceContextTextMapPropagator()

    def begin(
        self,
        name: str,
        parent: TraceHeaders,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        began_ns: int | None = None,
    ) -> Span:
        """Return a span that has begun, now or at *began_ns* of the wall clock; its `end` must be called."""
        context = self._propagator.extract(dict(parent), Context())
        return self._tracer.start_span(name, context, kind, attributes, start_time=began_ns or time.time_ns())

    def headers(self, span: Span) -> TraceHeaders:
        """Return what makes *span* the parent of what another process, or a later step, does."""
        told = span.get_span_context()
        parent = f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}"
        state = told.trace_state.to_header()
        return (("traceparent", parent), ("tracestate", state)) if state else (("traceparent", parent),)

    def close(self) -> None:
        """Send what is left, and end; spans that a collector does not take within a second are lost."""
        ending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(FLUSH_S)


class _Told(logging.Handler):
    """Writes what OpenTelemetry says of its collector as lines of our log."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger("otel").warning("traces", reason=record.getMessage()[:300])


def _log_like_us() -> None:
    logger = logging.getLogger("opentelemetry")
    logger.handlers = [_Told(logging.WARNING)]
    logger.propagate = False


def failed(span: Span, code: str) -> None:
    """Mark *span* as failed with one of the contract's codes; never with a message, which may hold values."""
    span.set_status(Status(StatusCode.ERROR, code))

"""A span for each Flight call; only imported when traces are on."""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from flight_server.protocols.flight.session import CallMiddleware, TraceCall
from flight_server.traces import code_in
from hatidata_telemetry.tracing import Tracing, failed

SERVICE = "arrow.flight.protocol.FlightService"


def call_tracer(tracing: Tracing) -> TraceCall:
    """Return what begins the span of a call, which is the parent of all that the call does."""

    def trace_call(call: CallMiddleware, method: str) -> None:
        rpc = "".join(part.title() for part in method.split("_"))
        attributes = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": rpc}
        span = tracing.begin(rpc, call.trace, SpanKind.SERVER, attributes)
        call.trace = tracing.headers(span)

        def over(exception: BaseException | None) -> None:
            if exception is not None:
                failed(span, code_in(str(exception)))
            span.end()

        call.when_over = over

    return trace_call

"""A span for each request that reaches the Flight server; only in the way when traces are on.

The request goes on with the span's own `traceparent` in place of the caller's, which the
gateway hands to the Flight server whether or not it records traces itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Span, SpanKind

from hatidata_telemetry.context import trace_headers
from hatidata_telemetry.tracing import Tracing, failed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRACED: Final = ("/v1/query", "/v1/query/arrow", "/v1/query/parquet", "/mcp")
"""The paths behind which there is a Flight call; a span's name holds no other path, which may be a secret."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class TracedApp:
    """A WSGI application around another."""

    def __init__(self, app: WSGIApplication, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, and note how long it took from its head to its last byte."""
        path = environ.get("PATH_INFO", "")
        if path not in TRACED:
            return self._app(environ, start_response)
        method = environ["REQUEST_METHOD"]
        attributes = {"http.request.method": method, "http.route": path}
        parent = trace_headers(lambda name: environ.get(f"HTTP_{name.upper()}"))
        span = self._tracing.begin(f"{method} {path}", parent, SpanKind.SERVER, attributes)
        for name, value in self._tracing.headers(span):
            environ[f"HTTP_{name.upper()}"] = value

        def started(status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Any:
            _describe(span, int(status[:3]), headers)
            return start_response(status, headers, exc_info)

        try:
            return _Body(self._app(environ, started), span)
        except BaseException:
            failed(span, "INTERNAL_ERROR")
            span.end()
            raise


class _Body:
    """The body of an answer; its span ends when it is closed."""

    def __init__(self, pieces: Iterable[bytes], span: Span) -> None:
        self._pieces = pieces
        self._span = span

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        """Free the body and end the span."""
        try:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        finally:
            self._span.end()


def _describe(span: Span, status: int, headers: list[tuple[str, str]]) -> None:
    span.set_attribute("http.response.status_code", status)
    for name, value in headers:
        if name.lower() == "x-query-id":
            span.set_attribute("hatidata.query_id", value)
    if status >= 500:
        failed(span, str(status))

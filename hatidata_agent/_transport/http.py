"""HTTP: the Arrow endpoint of the gateway, where Flight is out of reach.

The two ports of the gateway shape an error body differently (design, section 3);
both shapes are understood, so it does not matter which port the user named.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError
from urllib3.exceptions import TimeoutError as HttpTimeoutError

from hatidata_agent._transport import SLACK_SECS, Mode, Place, Request
from hatidata_agent.answer import Answer, Receipt
from hatidata_agent.calls import Call
from hatidata_agent.errors import (
    CODES,
    HatiDataError,
    InvalidRequestError,
    QueryTimeoutError,
    ServiceUnavailableError,
    error_for,
)

_FORMS = {"content-type": "application/json", "accept": "application/vnd.apache.arrow.stream"}
_BY_STATUS = {
    401: "UNAUTHORIZED",
    403: "POLICY_DENIED",
    408: "QUERY_TIMEOUT",
    413: "RESULT_TOO_LARGE",
    429: "RATE_LIMITED",
    502: "SERVICE_UNAVAILABLE",
    503: "SERVICE_UNAVAILABLE",
    504: "QUERY_TIMEOUT",
}


class HttpTransport:
    """A pool of HTTP connections, safe to use from several threads."""

    name = "http"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._pool = pool_for(place)

    def run(self, request: Request, call: Call) -> Answer:
        """POST the query and read the Arrow stream as it comes."""
        response = self._post("/v1/query/arrow", request, call)
        if response.status != 200:
            raise _refusal(response)
        try:
            reader = pa.ipc.open_stream(pa.PythonFile(response, mode="r"))
        except (pa.ArrowException, HTTPError) as error:
            response.release_conn()
            raise ServiceUnavailableError("the answer is not an Arrow stream") from error
        return Answer(reader.schema, _batches(reader, response))

    def ingest(
        self, table: str, mode: Mode, schema: pa.Schema, batches: Iterator[pa.RecordBatch], call: Call
    ) -> Receipt:
        """Refuse: bulk loading needs Flight."""
        raise InvalidRequestError(
            "loading needs Flight, and the service's Flight port is out of reach", sent=False
        )

    def tables(self, call: Call) -> dict[str, pa.Schema]:
        """Refuse: the catalog is asked for over Flight SQL."""
        raise InvalidRequestError(
            "listing tables needs Flight, and the service's Flight port is out of reach", sent=False
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.clear()

    def _post(self, path: str, request: Request, call: Call) -> urllib3.BaseHTTPResponse:
        read = None if request.timeout_ms is None else request.timeout_ms / 1000 + SLACK_SECS
        _now.call = call
        try:
            return self._pool.request(
                "POST",
                self._place.base_url + path,
                body=json.dumps(request.body()).encode(),
                headers={**self._place.headers(), **call.headers(), **_FORMS},
                timeout=urllib3.Timeout(connect=self._place.connect_timeout, read=read),
                preload_content=False,
            )
        except HTTPError as error:
            raise translated(error, self._place.base_url) from None
        finally:
            _now.call = None


_now = threading.local()
"""The call for which this thread sends a request."""


class _Stoppable(HTTPConnection):
    """A connection that is hung up when its call is stopped: the gateway then cancels the query."""

    def request(self, *arguments: Any, **options: Any) -> None:  # Any: urllib3's own arguments
        """Tell the call how to stop this request, and send it."""
        call: Call | None = getattr(_now, "call", None)
        if call is not None:
            if self.is_closed:
                self.connect()
            call.begin(self._hang_up)
        super().request(*arguments, **options)

    def _hang_up(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _StoppableTls(_Stoppable, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Stoppable


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _StoppableTls


def pool_for(place: Place) -> urllib3.PoolManager:
    """Return a pool that never retries: only the client knows what is safe to send twice."""
    names = {"ca_certs": place.ca_file, "cert_file": place.cert_file, "key_file": place.key_file}
    files: dict[str, Any] = {name: str(path) for name, path in names.items() if path is not None}
    agent = {"user-agent": f"hatidata-agent ({place.framework})"}
    manager = urllib3.PoolManager(maxsize=32, retries=False, headers=agent, **files)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


def translated(error: HTTPError, address: str = "") -> HatiDataError:
    """Return the SDK's exception for an error of urllib3, which happened while *address* was asked."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(cause, NewConnectionError):
        return unreachable(address, "cannot connect to the service")
    if isinstance(cause, HttpTimeoutError):
        return QueryTimeoutError("the service did not answer in time")
    return ServiceUnavailableError(f"the connection to the service broke ({type(cause).__name__})")


def unreachable(address: str, what: str) -> ServiceUnavailableError:
    """Return the error of a service to which nothing could be sent."""
    return ServiceUnavailableError(f"{what} at {address}: is it running?", sent=False)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds the service asks to wait, if it does."""
    try:
        return float(headers["retry-after"])
    except (KeyError, ValueError):
        return None


def _batches(
    reader: pa.RecordBatchReader, response: urllib3.BaseHTTPResponse
) -> Generator[pa.RecordBatch, None, Receipt]:
    finished = False
    try:
        for batch in reader:
            if batch.num_rows:
                yield batch
        response.drain_conn()
        finished = True
    except HTTPError as error:
        raise translated(error) from None
    except pa.ArrowException as error:
        raise ServiceUnavailableError("the answer was cut") from error
    finally:
        response.release_conn() if finished else response.close()
    return _receipt(response.headers)


def _receipt(headers: Mapping[str, str]) -> Receipt:
    """Read the receipt from the headers; a count that repeats the rows of the answer says nothing more."""
    rows, affected = headers.get("x-row-count", "0"), headers.get("x-rows-affected")
    return Receipt(
        query_id=headers.get("x-query-id", ""),
        rows=int(rows),
        bytes=int(headers.get("content-length", 0)),
        duration_ms=float(headers.get("x-duration-ms", 0)),
        credits_consumed=float(headers.get("x-credits-consumed", 0)),
        transpile_cache_hit=headers.get("x-transpile-cache-hit") == "true",
        result_cache_hit=headers.get("x-result-cache-hit") == "true",
        rows_affected=int(affected) if affected and affected != rows else None,
    )


def _refusal(response: urllib3.BaseHTTPResponse) -> HatiDataError:
    try:
        fields = _object(response.data)
    except HTTPError as error:
        return translated(error)
    code, message = _code_and_text(fields, response.status)
    return error_for(
        code,
        message,
        query_id=str(fields.get("query_id") or response.headers.get("x-query-id", "")),
        retry_after=retry_after(response.headers),
    )


def _code_and_text(fields: Mapping[str, Any], status: int) -> tuple[str, str]:  # Any: decoded JSON
    error, code, message = (str(fields.get(name, "")) for name in ("error", "code", "message"))
    if code in CODES:
        return code, error
    if error in CODES:
        return error, message
    fallback = "INVALID_REQUEST" if 400 <= status < 500 else "INTERNAL_ERROR"
    return _BY_STATUS.get(status, fallback), error or message or f"HTTP status {status}"


def _object(body: bytes) -> dict[str, Any]:  # Any: fields of decoded JSON
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}

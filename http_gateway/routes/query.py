"""The three query endpoints: one question, in three forms of answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from flask import Blueprint, Response, request

from http_gateway.accept import ARROW, JSON, PARQUET, PLAIN, Choice, negotiate
from http_gateway.exchange import Exchange, this_caller, this_exchange
from http_gateway.flight.client import FlightCall
from http_gateway.flight.messages import FlightData
from http_gateway.formats.arrow import write_arrow
from http_gateway.formats.json_rows import write_json
from http_gateway.formats.parquet import parquet_pieces
from http_gateway.formats.sink import LimitedSink, Sink, sink_for
from http_gateway.formats.stream import capped, record_batches
from http_gateway.gateway import Gateway
from http_gateway.headers import body_headers, result_headers
from http_gateway.lent_file import LentFile
from http_gateway.origins import refuse_strange_pages
from http_gateway.received import received_body
from http_gateway.responses import Answer, StreamedBody, spooled_response
from http_gateway.spool import Spool

Encode = Callable[[Iterator[FlightData], Sink, FlightCall], int]
"""Writes a result to a sink and returns the number of its columns."""


def query_routes(gateway: Gateway) -> Blueprint:
    """Return the blueprint of the query endpoints."""
    routes = Blueprint("query", __name__)

    @routes.post("/v1/query/arrow")
    def arrow() -> Response:
        choice = _choice(ARROW)
        return _gathered(
            gateway,
            choice,
            lambda messages, sink, _: write_arrow(messages, sink, choice.ipc_codec),
            lambda query_id: body_headers(ARROW, choice, f"{query_id}.arrows"),
            gateway.spools.files.lend() if choice == PLAIN else None,
        )

    @routes.post("/v1/query")
    def json() -> Response:
        choice = _choice(JSON)
        return _gathered(
            gateway,
            choice,
            lambda messages, sink, call: write_json(
                messages, LimitedSink(sink, gateway.max_result_bytes), lambda: call.receipt
            ),
            lambda _: body_headers(JSON, choice, None),
        )

    @routes.post("/v1/query/parquet")
    def parquet() -> Response:
        return _parquet(gateway, _choice(PARQUET))

    return routes


def _choice(media_type: str) -> Choice:
    return negotiate(media_type, request.headers.get("Accept"), request.headers.get("Accept-Encoding"))


def _asked(gateway: Gateway, exchange: Exchange, file: LentFile | None = None) -> FlightCall:
    caller = this_caller()
    if caller.key is None:
        refuse_strange_pages(gateway.addresses.mcp, has_key=False)
    body = received_body(gateway.limits).after(time.monotonic() - exchange.arrived)
    offer = file.offer(gateway.max_result_bytes) if file else ""
    return gateway.flight.query(body, caller, exchange.query_id, file_offer=offer)


def _gathered(
    gateway: Gateway,
    choice: Choice,
    encode: Encode,
    headers: Callable[[str], list[tuple[str, str]]],
    file: LentFile | None = None,
) -> Response:
    """Answer with a body whose length and row count are known before its first byte leaves.

    Args:
        file: Where the Flight server may write the body, if it can be sent as the server makes it.
    """
    exchange = this_exchange()
    with ExitStack() as stack:
        if file is not None:
            stack.callback(file.close)
        call = _asked(gateway, exchange, file)
        stack.callback(call.cancel)
        spool = gateway.spools.open()
        stack.callback(spool.close)
        with gateway.disconnects.watching(exchange.peer_number, call.cancel):
            columns = _encoded(gateway, call, spool, choice, encode)
        if file is not None:
            _take_file(gateway, spool, file, call.receipt.file_bytes)
        stack.pop_all()
    receipt = call.receipt
    described = headers(exchange.query_id) + result_headers(receipt, columns, exchange.profile)
    return spooled_response(spool, described, receipt.rows, exchange.direct_number)


def _take_file(gateway: Gateway, spool: Spool, file: LentFile, length: int | None) -> None:
    """Have *spool* hold what the server wrote to *file*, or keep the file for another answer."""
    if length is None:
        gateway.spools.files.take_back(file)
    else:
        spool.adopt(file, length)


def _encoded(gateway: Gateway, call: FlightCall, spool: Spool, choice: Choice, encode: Encode) -> int:
    messages = capped(call.messages(), gateway.max_result_bytes)
    return encode(messages, sink_for(choice.coding, spool), call)


def _parquet(gateway: Gateway, choice: Choice) -> Response:
    """Answer with a file of unknown length, while holding one row group."""
    exchange = this_exchange()
    with ExitStack() as stack:
        call = _asked(gateway, exchange)
        stack.callback(gateway.memory.note)
        stack.callback(call.cancel)
        stack.enter_context(gateway.disconnects.watching(exchange.peer_number, call.cancel))
        reader = record_batches(call.messages())
        pieces = parquet_pieces(reader)
        first = next(pieces)
        running = stack.pop_all()
    headers = [
        *body_headers(PARQUET, choice, f"{exchange.query_id}.parquet"),
        ("X-Query-Id", exchange.query_id),
        ("X-Column-Count", str(len(reader.schema))),
    ]
    return Answer(StreamedBody(first, pieces, running.close), headers=headers, direct_passthrough=True)

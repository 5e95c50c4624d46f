"""`POST /mcp` on the MCP port, and the results that its tools keep."""

from __future__ import annotations

import json
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, request

from http_gateway.accept import ARROW
from http_gateway.errors import Code, Profile, Refused
from http_gateway.exchange import this_caller, this_exchange
from http_gateway.gateway import Gateway
from http_gateway.mcp.asking import Asking
from http_gateway.mcp.results import KeptResults
from http_gateway.origins import refuse_strange_pages
from http_gateway.received import received_bytes
from http_gateway.responses import Answer

if TYPE_CHECKING:
    from http_gateway.mcp.server import McpServer

WORKERS: Final = 256
_OPENINGS: Final = ("initialize", "server/discover")
_OURS: Final = ("content-length", "date", "server", "connection")


class McpDoor:
    """Starts the protocol's server when somebody first speaks it: importing it takes most of a second."""

    def __init__(self, gateway: Gateway) -> None:
        self.kept = KeptResults()
        self._gateway = gateway
        self._lock = threading.Lock()
        self._server: McpServer | None = None

    @property
    def server(self) -> McpServer:
        """The running server."""
        with self._lock:
            if self._server is None:
                from http_gateway.mcp.server import McpServer

                self._server = McpServer(WORKERS)
            return self._server

    def close(self) -> None:
        """Stop the server and forget the results."""
        if self._server is not None:
            self._server.close()
        self.kept.close()


def mcp_routes(gateway: Gateway, door: McpDoor) -> Blueprint:
    """Return the blueprint of the protocol and of kept results."""
    routes = Blueprint("mcp", __name__)

    @routes.post("/mcp")
    def post() -> Response:
        if this_exchange().profile is not Profile.NATIVE:
            abort(404)
        caller = replace(this_caller(), protocol="mcp")
        refuse_strange_pages(gateway.addresses.mcp, has_key=caller.key is not None)
        asking = Asking(gateway, door.kept, caller)
        body = received_bytes(gateway.limits)
        if _opens(body):
            _refuse_nobody(asking)
        return _answered(gateway, door, body, asking)

    @routes.get("/v1/results/<name>")
    def result(name: str) -> Response:
        caller = this_caller()
        kept = door.kept.get(name, caller)
        asking = Asking(gateway, door.kept, replace(caller, protocol="mcp"))
        asking.recheck(kept.question, kept.receipt.policy_version)
        headers = [
            ("Content-Type", ARROW),
            ("Content-Length", str(kept.spool.length)),
            ("Content-Disposition", f'attachment; filename="{kept.receipt.query_id}.arrows"'),
            ("Cache-Control", "no-store"),
            ("X-Row-Count", str(kept.rows)),
            ("X-Column-Count", str(kept.columns)),
            ("X-Query-Id", kept.receipt.query_id),
        ]
        return Answer(kept.spool.pieces(), headers=headers, direct_passthrough=True)

    return routes


def _answered(gateway: Gateway, door: McpDoor, body: bytes, asking: Asking) -> Response:
    from http_gateway.mcp.server import HttpRequest

    running = door.server.answer(HttpRequest(list(request.headers.items()), body), asking)

    def stop() -> None:
        asking.stop()
        running.cancel()

    with gateway.disconnects.watching(this_exchange().peer_number, stop):
        try:
            answer = running.result()
        except CancelledError as left:
            raise Refused(Code.QUERY_CANCELLED) from left
    headers = [(name, value) for name, value in answer.headers if name.lower() not in _OURS]
    return Answer(answer.body, answer.status, headers)


def _opens(body: bytes) -> bool:
    """Tell whether *body* is a request with which a conversation begins."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and message.get("method") in _OPENINGS


def _refuse_nobody(asking: Asking) -> None:
    """Refuse a key that is wrong, or not valid any more, before anything is told.

    Who may do nothing may still begin a conversation: each tool then says so.
    """
    try:
        asking.usage()
    except Refused as refused:
        if refused.code is not Code.POLICY_DENIED:
            raise

"""Whether the gateway lives, and whether a query would be answered now."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from http_gateway.errors import Code, Refused, error_body, error_headers
from http_gateway.exchange import this_exchange
from http_gateway.gateway import Gateway
from http_gateway.responses import json_answer

READY_TIMEOUT_SECONDS: Final = 2.0


def health_routes(gateway: Gateway) -> Blueprint:
    """Return the blueprint of `/health` and `/ready`."""
    routes = Blueprint("health", __name__)

    @routes.get("/health")
    def health() -> Response:
        return json_answer({"status": "ok"})

    @routes.get("/ready")
    def ready() -> Response:
        reason = "draining" if gateway.leaving.is_set() else _hindrance(gateway)
        return _ready(gateway) if reason is None else _not_ready(reason)

    return routes


def _hindrance(gateway: Gateway) -> str | None:
    return gateway.flight.not_ready_because(READY_TIMEOUT_SECONDS)


def _ready(gateway: Gateway) -> Response:
    addresses = gateway.addresses
    return json_answer(
        {"ready": True, "flight": gateway.flight.uri(), "http": addresses.http, "mcp": addresses.mcp}
    )


def _not_ready(reason: str) -> Response:
    exchange = this_exchange()
    refused = Refused(Code.SERVICE_UNAVAILABLE, reason)
    body = {"ready": False, "reason": reason, **error_body(refused, exchange.profile, exchange.query_id)}
    return json_answer(body, refused.status, error_headers(refused))

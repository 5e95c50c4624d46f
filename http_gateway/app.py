"""The Flask application: routes, and one way out for every failure.

Whatever goes wrong leaves as JSON with a code of the table. What is not a `Refused` is a
defect of ours: it is logged with its traceback, and the caller reads one fixed sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog
from flask import Blueprint, Flask, Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from http_gateway.errors import Code, Refused, error_body, error_headers
from http_gateway.exchange import begin_exchange, this_exchange
from http_gateway.gateway import Gateway
from http_gateway.headers import VARY
from http_gateway.request_log import log_request
from http_gateway.responses import Answer, json_answer
from http_gateway.routes.console import console_routes
from http_gateway.routes.health import health_routes
from http_gateway.routes.openapi import openapi_routes
from http_gateway.routes.query import query_routes

BY_STATUS: Final = {
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    406: Code.NOT_ACCEPTABLE,
    413: Code.REQUEST_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
}
"""What Flask and Werkzeug refuse by themselves; anything else of theirs is `INVALID_REQUEST`."""

log = structlog.get_logger()


def create_app(gateway: Gateway, further: Iterable[Blueprint] = ()) -> Flask:
    """Return the application over *gateway*, with *further* routes beside its own."""
    app = Flask("http_gateway", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.before_request(lambda: begin_exchange(gateway.addresses.mcp_port))
    app.after_request(_finish)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _refused_by_flask)
    app.register_error_handler(Exception, _failed)
    for routes in (
        query_routes(gateway),
        health_routes(gateway),
        openapi_routes(),
        console_routes(),
        *further,
    ):
        app.register_blueprint(routes)
    return app


def _finish(response: Response) -> Response:
    exchange = this_exchange()
    if not isinstance(response, Answer) or response.rows is None:
        response.headers.setdefault("X-Query-Id", exchange.query_id)
    log_request(exchange, response)
    return response


def _refused(refused: Refused) -> Response:
    exchange = this_exchange()
    g.code = refused.code
    if refused.code is Code.INTERNAL_ERROR:
        log.error("internal error", query_id=exchange.query_id, exc_info=refused)
    body = error_body(refused, exchange.profile, exchange.query_id)
    return json_answer(body, refused.status, [VARY, *error_headers(refused)])


def _refused_by_flask(fault: HTTPException) -> Response:
    code = BY_STATUS.get(fault.code or 500, Code.INVALID_REQUEST)
    return _refused(Refused(code, _told(fault, code), headers=_allowed(fault)))


def _told(fault: HTTPException, code: Code) -> str:
    if code is Code.NOT_FOUND:
        return "there is nothing at this path; GET /v1/openapi.json lists what there is"
    if code is Code.METHOD_NOT_ALLOWED:
        return "this path has other methods; see the header Allow"
    return fault.name


def _allowed(fault: HTTPException) -> tuple[tuple[str, str], ...]:
    if not isinstance(fault, MethodNotAllowed) or not fault.valid_methods:
        return ()
    return (("Allow", ", ".join(sorted(fault.valid_methods))),)


def _failed(fault: Exception) -> Response:
    refused = Refused(Code.INTERNAL_ERROR)
    refused.__cause__ = fault
    return _refused(refused)

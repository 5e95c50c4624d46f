"""The OpenAPI 3.1 document, written by hand so that it says why and not only what.

Routes and codes that are missing here fail a test.
"""

from __future__ import annotations

from typing import Any, Final

from http_gateway.accept import ARROW, JSON, PARQUET
from http_gateway.errors import TABLE, Code
from http_gateway.request_body import DIALECTS

Schema = dict[str, Any]

VERSION: Final = "1"

RESULT_HEADERS: Final[dict[str, str]] = {
    "X-Row-Count": "Rows in the body",
    "X-Column-Count": "Columns in the body",
    "X-Query-Id": "Names the query in the audit log",
    "X-Credits-Consumed": "Credits charged, by actual rows",
    "X-Duration-Ms": "Milliseconds that the Flight server took",
    "x-execution-time-ms": "The same",
    "x-rows-affected": "Rows changed by a statement that changes any; otherwise rows in the body",
    "X-Cache-Hit": "On the main port the transpilation cache, on the MCP port the result cache",
    "X-Transpile-Cache-Hit": "Whether the compiled statement was cached",
    "X-Result-Cache-Hit": "Whether the result was cached",
}

POLICY_HEADERS: Final[dict[str, str]] = {
    "X-Row-Filters": "Tables under a row filter, percent-encoded, with commas between them; absent for none",
}
"""Only on results that a policy restricted."""

_QUERY_CODES: Final = tuple(code for code in Code if code not in (Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED))


def openapi_document() -> Schema:
    """Return the description of every route, header and error code."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HatiData",
            "version": VERSION,
            "description": "SQL in, Arrow out. The port chooses the profile of an answer: the main port "
            "(5439) follows the Arrow Query API, the MCP port (5440) Arrow-Native Queries. They differ in "
            "the error body and in what X-Cache-Hit means.",
        },
        "servers": [
            {"url": "http://localhost:5439", "description": "Main port"},
            {"url": "http://localhost:5440", "description": "MCP port"},
        ],
        "security": [{"bearer": []}, {"apiKeyScheme": []}, {"apiKeyHeader": []}],
        "paths": _paths(),
        "components": {
            "schemas": {
                "Query": _query(),
                "Result": _result(),
                "Error": _error(),
                "NativeError": _native_error(),
                "Ready": _ready(),
            },
            "headers": {name: _header(text) for name, text in (RESULT_HEADERS | POLICY_HEADERS).items()},
            "securitySchemes": _security_schemes(),
        },
    }


def _paths() -> Schema:
    return {
        "/v1/query/arrow": {"post": _query_operation("queryArrow", "an Arrow IPC stream", ARROW, exact=True)},
        "/v1/query": {"post": _query_operation("query", "JSON", JSON, exact=True)},
        "/v1/query/parquet": {
            "post": _query_operation("queryParquet", "a Parquet file of any size", PARQUET, exact=False)
        },
        "/health": {"get": _plain_operation("health", "Whether the gateway lives", {"type": "object"})},
        "/ready": {"get": _ready_operation()},
        "/v1/openapi.json": {"get": _plain_operation("openapi", "This document", {"type": "object"})},
        "/mcp": {"post": _mcp_operation()},
    }


def _query_operation(name: str, form: str, media_type: str, *, exact: bool) -> Schema:
    return {
        "operationId": name,
        "summary": f"Run one SQL statement and return its result as {form}",
        "parameters": [_agent_header()],
        "requestBody": {"required": True, "content": {JSON: {"schema": _reference("Query")}}},
        "responses": {"200": _success(form, media_type, exact=exact), **_error_responses(_QUERY_CODES)},
    }


def _success(form: str, media_type: str, *, exact: bool) -> Schema:
    names = (*RESULT_HEADERS, *POLICY_HEADERS) if exact else ("X-Query-Id", "X-Column-Count")
    body = _reference("Result") if media_type == JSON else {"type": "string", "format": "binary"}
    return {
        "description": f"The result as {form}"
        + ("" if exact else ", sent in chunks; a connection that breaks means a cut file"),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {media_type: {"schema": body}},
    }


def _error_responses(codes: tuple[Code, ...]) -> Schema:
    responses: Schema = {}
    for status in sorted({TABLE[code].status for code in codes}):
        named = [code for code in codes if TABLE[code].status == status]
        responses[str(status)] = _error_response(status, named)
    return responses


def _error_response(status: int, codes: list[Code]) -> Schema:
    either = {"oneOf": [_reference("Error"), _reference("NativeError")]}
    response: Schema = {"description": ", ".join(codes), "content": {JSON: {"schema": either}}}
    names = {
        401: ["WWW-Authenticate"],
        429: ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"],
        503: ["Retry-After"],
    }.get(status, [])
    response["headers"] = {name: {"schema": {"type": "string"}} for name in ["X-Query-Id", *names]}
    return response


def _plain_operation(name: str, summary: str, schema: Schema) -> Schema:
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": summary, "content": {JSON: {"schema": schema}}}},
    }


def _ready_operation() -> Schema:
    operation = _plain_operation("ready", "Whether a query would be answered now", _reference("Ready"))
    unavailable = {
        "description": "Not now, with the reason",
        "content": {JSON: {"schema": _reference("Ready")}},
    }
    return operation | {"responses": operation["responses"] | {"503": unavailable}}


def _mcp_operation() -> Schema:
    return {
        "operationId": "mcp",
        "summary": "Model Context Protocol, streamable HTTP; on the MCP port only",
        "requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}},
        "responses": {
            "200": {"description": "A JSON-RPC answer", "content": {JSON: {"schema": {"type": "object"}}}},
            **_error_responses((Code.UNAUTHORIZED, Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED)),
        },
    }


def _query() -> Schema:
    scalar = {"type": ["string", "number", "boolean", "null"]}
    return {
        "type": "object",
        "required": ["sql"],
        "additionalProperties": False,
        "properties": {
            "sql": {"type": "string", "minLength": 1, "description": "One SQL statement"},
            "parameters": {
                "type": "array",
                "items": scalar,
                "description": "Values of $1, $2 and so on, or of ?; timestamps as ISO 8601 strings",
            },
            "timeout_ms": {
                "type": "integer",
                "minimum": 1,
                "default": 30000,
                "description": "Counts from arrival, waiting included; more than the ceiling is an error",
            },
            "dialect": {"enum": list(DIALECTS), "default": "auto"},
        },
    }


def _result() -> Schema:
    column = {"type": "object", "properties": {"name": {"type": "string"}, "type": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["columns", "rows", "row_count", "query_id", "execution_time_ms", "credits_consumed"],
        "properties": {
            "columns": {"type": "array", "items": column},
            "rows": {"type": "array", "items": {"type": "object"}},
            "row_count": {"type": "integer"},
            "rows_affected": {"type": "integer"},
            "query_id": {"type": "string"},
            "execution_time_ms": {"type": "integer"},
            "credits_consumed": {"type": "number"},
        },
    }


def _error() -> Schema:
    text = {"type": "string", "description": "For people"}
    return _error_schema("Main port", {"error": text, "code": _codes()})


def _native_error() -> Schema:
    text = {"type": "string", "description": "For people"}
    return _error_schema("MCP port", {"error": _codes(), "message": text})


def _error_schema(port: str, properties: Schema) -> Schema:
    all_properties = properties | {"query_id": {"type": "string"}}
    return {
        "type": "object",
        "description": f"An error as the {port} tells it",
        "required": list(all_properties),
        "properties": all_properties,
    }


def _codes() -> Schema:
    return {"enum": [str(code) for code in Code]}


def _ready() -> Schema:
    properties = {name: {"type": "string"} for name in ("flight", "http", "mcp", "reason")}
    return {
        "type": "object",
        "required": ["ready"],
        "properties": {"ready": {"type": "boolean"}, **properties},
    }


def _header(text: str) -> Schema:
    return {"description": text, "schema": {"type": "string"}}


def _agent_header() -> Schema:
    return {
        "name": "X-Agent-Id",
        "in": "header",
        "required": False,
        "description": "Names the agent of this query; only for keys made with --allow-agent-override",
        "schema": {"type": "string"},
    }


def _security_schemes() -> Schema:
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKeyScheme": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "ApiKey, a space, and the key",
        },
        "apiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}

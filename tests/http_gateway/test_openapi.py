"""The OpenAPI document is complete."""

from __future__ import annotations

import json

from http_gateway.errors import Code
from http_gateway.openapi import RESULT_HEADERS, openapi_document
from tests.fixtures.gateway import Pair

MCP_PATHS = {"/mcp"}


def test_every_code_is_described() -> None:
    text = json.dumps(openapi_document())

    assert [code for code in Code if f'"{code}"' not in text] == []


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    references = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "#/components/')[1:]}

    assert references
    for reference in references:
        kind, name = reference.split("/")
        assert name in document["components"][kind]


def test_the_service_publishes_it(gateway: Pair) -> None:
    response = gateway.send("GET", "/v1/openapi.json")

    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == openapi_document()


def test_every_path_of_it_answers(gateway: Pair) -> None:
    for path, operations in openapi_document()["paths"].items():
        for method in operations:
            response = gateway.send(method.upper(), path, profile="mcp")
            assert path in MCP_PATHS or response.status_code not in (404, 405, 500)


def test_every_header_of_a_result_is_in_it(gateway: Pair) -> None:
    response = gateway.post("select 1", "arrow")

    described = {name.lower() for name in RESULT_HEADERS}
    sent = {name.lower() for name in response.headers if name.lower().startswith("x-")}
    assert sent == described

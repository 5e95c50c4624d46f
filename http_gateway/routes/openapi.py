"""The description of the service, for programs that generate clients."""

from __future__ import annotations

import json

from flask import Blueprint, Response

from http_gateway.openapi import openapi_document


def openapi_routes() -> Blueprint:
    """Return the blueprint of the OpenAPI document."""
    routes = Blueprint("openapi", __name__)
    document = json.dumps(openapi_document())

    @routes.get("/v1/openapi.json")
    def openapi() -> Response:
        return Response(document, content_type="application/json")

    return routes

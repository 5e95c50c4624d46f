"""The web console: one page and its files, on the MCP port, for callers who ask for HTML by name.

Everybody else finds at `/` what was there before, a 404 in JSON. The files come out of the
build in `console/` and stand in memory, so no part of a path ever reaches the file system.
"""

from __future__ import annotations

import functools
import gzip
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import zstandard
from flask import Blueprint, Response, abort, request

from http_gateway.accept import JSON, Coding, choose_coding, parse_preferences
from http_gateway.errors import Profile
from http_gateway.exchange import this_exchange
from http_gateway.headers import VARY, Headers
from http_gateway.responses import Answer

PAGE: Final = "index.html"
NOTICE: Final = "NOTICE.txt"
MEDIA_TYPES: Final = MappingProxyType(
    {
        "html": "text/html; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "svg": "image/svg+xml",
        "txt": "text/plain; charset=utf-8",
    }
)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)
_EVERY_METHOD: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HTML: Final = "text/html"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NEVER: Final = "no-store"
"""For names without a hash; and a page that is not stored is not kept alive with a key in its memory."""


def console_routes() -> Blueprint:
    """Return the blueprint of the console."""
    routes = Blueprint("console", __name__)

    @routes.route("/", methods=_EVERY_METHOD)
    def page() -> Response:
        if request.method not in ("GET", "HEAD") or not wants_page(request.headers.get("Accept")):
            abort(404)
        return _served(PAGE, _NEVER)

    @routes.get("/console/<name>")
    def file(name: str) -> Response:
        if name == PAGE:
            abort(404)
        return _served(name, _NEVER if name == NOTICE else _FOR_EVER)

    return routes


def wants_page(accept: str | None) -> bool:
    """Tell whether the caller names HTML, and JSON no more than it; browsers do, programs do not."""
    qualities = {asked.value: asked.quality for asked in parse_preferences(accept or "")}
    return 0 < qualities.get(_HTML, 0) >= qualities.get(JSON, 0)


@functools.cache
def built_files() -> MappingProxyType[str, bytes]:
    """Return the files of the console by name."""
    folder = files("http_gateway") / "console"
    kept = (file for file in folder.iterdir() if file.name.rpartition(".")[2] in MEDIA_TYPES)
    return MappingProxyType({file.name: file.read_bytes() for file in kept})


def _served(name: str, keep: str) -> Response:
    if this_exchange().profile is not Profile.NATIVE or name not in built_files():
        abort(404)
    coding = choose_coding(request.headers.get("Accept-Encoding"))
    body = _encoded(name, coding)
    headers: Headers = [
        ("Content-Type", MEDIA_TYPES[name.rpartition(".")[2]]),
        ("Content-Length", str(len(body))),
        ("Cache-Control", keep),
        VARY,
        *SECURITY_HEADERS,
    ]
    if coding != "identity":
        headers.append(("Content-Encoding", coding))
    return Answer(body, headers=headers)


@functools.cache
def _encoded(name: str, coding: Coding) -> bytes:
    """Return the file *name*, compressed once for everybody."""
    body = built_files()[name]
    if coding == "gzip":
        return gzip.compress(body, mtime=0)
    return zstandard.ZstdCompressor(level=15).compress(body) if coding == "zstd" else body

"""The console's files, what protects them, and who gets them; tests/console has what people do with it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
import zstandard
from hatchling.builders.wheel import WheelBuilder

from http_gateway.errors import Profile
from http_gateway.headers import MOST_FILTERS, result_headers
from http_gateway.receipt import Receipt
from http_gateway.routes.console import MEDIA_TYPES, NOTICE, PAGE, built_files, wants_page
from tests.fixtures.gateway import Pair
from tests.fixtures.service import hati

ROOT = Path(__file__).parents[3]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


class Page(HTMLParser):
    """What a page loads, and what stands inline in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._inside = tag
        self.loads += [value for name in ("src", "href") if (value := values.get(name)) is not None]
        self.inline += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(data)


def page(gateway: Pair) -> requests.Response:
    return gateway.send("GET", "/", profile="mcp", headers=BROWSER)


def names(gateway: Pair) -> list[str]:
    return Page(page(gateway).text).loads


def test_a_browser_gets_the_page(gateway: Pair) -> None:
    response = page(gateway)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>HatiData console</title>" in response.text


def test_the_page_is_protected(gateway: Pair) -> None:
    headers = page(gateway).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))

    assert policy == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers


def test_nothing_stands_inline_in_the_page(gateway: Pair) -> None:
    found = Page(page(gateway).text)

    assert found.inline == []
    assert len(found.loads) == 3


def test_the_page_loads_its_own_files_only(gateway: Pair) -> None:
    found = names(gateway)

    assert [
        name for name in found if not re.fullmatch(r"console/[a-z]+-[0-9A-Z]{8}\.(js|css|svg)", name)
    ] == []


def test_its_files_are_kept_for_ever_and_protected(gateway: Pair) -> None:
    for name in names(gateway):
        response = gateway.send("GET", f"/{name}", profile="mcp")

        assert response.status_code == 200
        assert response.headers["Content-Type"] == MEDIA_TYPES[name.rpartition(".")[2]]
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("coding", "decode"), [("gzip", gzip.decompress), ("zstd", zstandard.ZstdDecompressor().decompress)]
)
def test_files_are_compressed_for_who_asks(
    gateway: Pair, coding: str, decode: Callable[[bytes], bytes]
) -> None:
    name = next(name for name in names(gateway) if name.endswith(".js"))
    headers = {"Accept-Encoding": coding}
    response = gateway.send("GET", f"/{name}", profile="mcp", headers=headers, stream=True)
    sent = response.raw.read(decode_content=False)

    assert response.headers["Content-Encoding"] == coding
    assert int(response.headers["Content-Length"]) == len(sent)
    assert decode(sent) == built_files()[name.removeprefix("console/")]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("text/html, application/json", True),
        ("text/html;q=0.8, application/json", False),
        ("text/html;q=0", False),
        ("application/json", False),
        ("application/json, text/plain, */*", False),
        ("text/*", False),
        ("*/*", False),
        ("", False),
        (None, False),
    ],
)
def test_only_who_names_html_wants_the_page(accept: str | None, wanted: bool) -> None:
    assert wants_page(accept) is wanted


@pytest.mark.parametrize(
    ("method", "profile", "path", "headers"),
    [
        ("GET", "mcp", "/", {"Accept": "application/json"}),
        ("GET", "mcp", "/", {"Accept": "*/*"}),
        ("POST", "mcp", "/", BROWSER),
        ("OPTIONS", "mcp", "/", BROWSER),
        ("GET", "http", "/", BROWSER),
        ("GET", "http", "/console/NOTICE.txt", BROWSER),
        ("GET", "mcp", "/v1/nosuch", BROWSER),
        ("GET", "mcp", "/console/", BROWSER),
        ("GET", "mcp", "/console/index.html", BROWSER),
        ("GET", "mcp", "/console/nosuch.js", BROWSER),
        ("GET", "mcp", "/console/..%2fapp.py", BROWSER),
        ("GET", "mcp", "/console/%2e%2e/%2e%2e/pyproject.toml", BROWSER),
    ],
)
def test_everything_else_is_missing_in_json(
    gateway: Pair, method: str, profile: str, path: str, headers: dict[str, str]
) -> None:
    response = gateway.send(method, path, profile=profile, headers=headers)

    assert response.status_code == 404
    assert "NOT_FOUND" in response.json().values()


def test_the_head_of_the_page_says_how_long_it_is(gateway: Pair) -> None:
    response = gateway.send("HEAD", "/", profile="mcp", headers=BROWSER | {"Accept-Encoding": "identity"})

    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) == len(built_files()[PAGE])
    assert response.content == b""


def test_the_notice_names_every_package_that_is_built_in(gateway: Pair) -> None:
    notice = gateway.send("GET", f"/console/{NOTICE}", profile="mcp").text
    wanted = json.loads((ROOT / "console" / "package.json").read_text())["dependencies"]

    assert [
        f"{name} {version}" for name, version in wanted.items() if f"{name} {version} (" not in notice
    ] == []
    assert "Apache License" in notice


def test_the_lock_of_the_console_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "console" / "package-lock.json").read_text()
    packages = {name: about for name, about in json.loads(text)["packages"].items() if name}

    assert "://" not in text
    assert [name for name, about in packages.items() if "integrity" not in about] == []


def test_the_wheel_has_the_console() -> None:
    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}

    assert {f"http_gateway/console/{name}" for name in built_files()} <= packed


def test_the_console_may_ask_tools_under_any_name_it_was_opened_with(gateway: Pair) -> None:
    key = hati("keys", "create", "--role", "analyst", home=gateway.home).stdout.strip()
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list_schemas", "arguments": {}},
    }
    asked = {"Accept": "application/json, text/event-stream", "Host": "data.example"}

    def status(origin: str, **more: str) -> int:
        headers = {**asked, "Origin": origin, **more}
        return gateway.send("POST", "/mcp", profile="mcp", json=body, headers=headers).status_code

    assert status("http://data.example", Authorization=f"Bearer {key}") == 200
    assert status("http://data.example") == 403
    assert status("http://evil.example", Authorization=f"Bearer {key}") == 403
    assert status("null", Authorization=f"Bearer {key}") == 403
    assert status("http://[", Authorization=f"Bearer {key}") == 403


@pytest.mark.parametrize("form", ["", "arrow", "parquet"])
def test_a_page_of_a_stranger_is_nobody_in_dev_mode(gateway: Pair, form: str) -> None:
    """Its host's name may have been rebound to this machine, so that the browser takes it for ours."""
    rebound = {"Origin": "http://evil.example:5440", "Host": "evil.example:5440"}
    refused = gateway.post("select 1", form, profile="mcp", headers=rebound)
    console = gateway.post("select 1", form, profile="mcp", headers={"Origin": "http://localhost:5440"})

    assert (refused.status_code, refused.json()["error"]) == (403, "POLICY_DENIED")
    assert console.status_code == 200


def filters_told(tables: tuple[str, ...]) -> str | None:
    receipt = Receipt("qry_1", 1, None, 1.0, 1.0, False, False, tables)
    return dict(result_headers(receipt, 1, Profile.NATIVE)).get("X-Row-Filters")


def test_a_result_names_the_tables_whose_rows_were_filtered() -> None:
    assert filters_told(()) is None
    assert filters_told(("main.orders", "main.a b,\nü")) == "main.orders, main.a%20b%2C%0A%C3%BC"


def test_a_result_does_not_name_tables_without_end() -> None:
    told = filters_told(tuple(f"main.t{at}" for at in range(MOST_FILTERS + 1))) or ""

    assert told.endswith(f"main.t{MOST_FILTERS - 1}, ...")
    assert len(told.split(", ")) == MOST_FILTERS + 1

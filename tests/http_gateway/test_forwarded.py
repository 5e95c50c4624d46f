"""Whom a balancer's `X-Forwarded-For` names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from http_gateway.forwarded import ForwardedApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def seen(peer: str, told: str | None, *proxies: str) -> str:
    """Return the address that the application behind sees."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return [str(environ["REMOTE_ADDR"]).encode()]

    environ = {"REMOTE_ADDR": peer} | ({} if told is None else {"HTTP_X_FORWARDED_FOR": told})
    return b"".join(ForwardedApp(app, proxies)(environ, lambda *_: lambda _: None)).decode()


def test_believes_a_balancer() -> None:
    assert seen("10.0.0.2", "198.51.100.7", "10.0.0.0/8") == "198.51.100.7"


def test_believes_nobody_else() -> None:
    assert seen("203.0.113.9", "198.51.100.7", "10.0.0.0/8") == "203.0.113.9"


def test_takes_the_last_address_that_is_not_a_balancer() -> None:
    told = "192.0.2.1, 198.51.100.7, 10.0.0.3"

    assert seen("10.0.0.2", told, "10.0.0.0/8") == "198.51.100.7"


def test_reads_addresses_of_version_six() -> None:
    assert seen("fd00::1", "2001:db8::7", "fd00::/8") == "2001:db8::7"


@pytest.mark.parametrize("told", [None, "", "unknown", "198.51.100.7, ", "198.51.100.7:4711"])
def test_stays_with_the_balancer_where_it_names_nobody(told: str | None) -> None:
    assert seen("10.0.0.2", told, "10.0.0.2") == "10.0.0.2"

"""Where the Flight server is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from http_gateway.flight.endpoint import Endpoint, EndpointFile, whereabouts


def announce(path: Path, content: object) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(content))
    aside.replace(path)


def test_follows_the_file_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "flight.json"
    places = EndpointFile(path, every_seconds=0)
    announce(path, {"flight": "grpc://127.0.0.1:1", "pid": 1})
    first = places.current()
    announce(path, {"flight": "grpc://127.0.0.1:2", "pid": 2})
    second = places.current()

    assert first is not None
    assert second is not None
    assert (first.target, second.target) == ("127.0.0.1:1", "127.0.0.1:2")


def test_tells_two_servers_on_one_port_apart(tmp_path: Path) -> None:
    path = tmp_path / "flight.json"
    places = EndpointFile(path, every_seconds=0)
    announce(path, {"flight": "grpc://127.0.0.1:1", "pid": 1})
    first = places.current()
    announce(path, {"flight": "grpc://127.0.0.1:1", "pid": 2})

    assert places.current() != first


@pytest.mark.parametrize("content", [None, [], {}, {"flight": 1}, {"flight": "http://127.0.0.1:1"}])
def test_a_file_that_says_nothing_is_no_place(tmp_path: Path, content: object) -> None:
    announce(tmp_path / "flight.json", content)

    assert EndpointFile(tmp_path / "flight.json").current() is None


def test_no_file_is_no_place(tmp_path: Path) -> None:
    assert EndpointFile(tmp_path / "flight.json").current() is None


def test_the_setting_wins_over_the_file(tmp_path: Path) -> None:
    assert whereabouts("grpc+tls://db:1", tmp_path).current() == Endpoint("grpc+tls://db:1")


@pytest.mark.parametrize(
    ("uri", "target", "tls"),
    [
        ("grpc://127.0.0.1:1", "127.0.0.1:1", False),
        ("grpc+tls://[::1]:1", "[::1]:1", True),
        ("grpc+unix:///tmp/x", "unix:/tmp/x", False),
    ],
)
def test_reads_flight_uris(uri: str, target: str, tls: bool) -> None:
    assert (Endpoint(uri).target, Endpoint(uri).tls) == (target, tls)


@pytest.mark.parametrize(
    ("announced", "dialled"),
    [
        ("grpc+tls://0.0.0.0:8815", "127.0.0.1:8815"),
        ("grpc://[::]:8815", "[::1]:8815"),
        ("grpc+tls://10.0.0.7:8815", "10.0.0.7:8815"),
    ],
)
def test_a_server_on_all_addresses_is_reached_by_loopback(
    tmp_path: Path, announced: str, dialled: str
) -> None:
    path = tmp_path / "flight.json"
    announce(path, {"flight": announced, "pid": 1})
    found = EndpointFile(path).current()

    assert found is not None
    assert found.target == dialled

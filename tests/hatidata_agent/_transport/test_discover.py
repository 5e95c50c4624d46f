"""Which address a client dials when a service announces one."""

from __future__ import annotations

import pytest

from hatidata_agent._transport.discover import seen_from_here


@pytest.mark.parametrize(
    ("announced", "host", "dialled"),
    [
        ("grpc://127.0.0.1:8815", "localhost", "grpc://localhost:8815"),
        ("grpc://0.0.0.0:8815", "db.example.com", "grpc://db.example.com:8815"),
        ("grpc+tls://[::]:8815", "::1", "grpc+tls://[::1]:8815"),
        ("grpc://flight.example.com:8815", "db.example.com", "grpc://flight.example.com:8815"),
    ],
)
def test_a_loopback_or_wildcard_address_is_read_as_the_host_that_was_named(
    announced: str, host: str, dialled: str
) -> None:
    assert seen_from_here(announced, host) == dialled

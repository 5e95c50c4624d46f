"""A port that is taken is found before anything starts."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

from hatidata_agent.service.ports import port_faults
from hatidata_settings import Settings

FREE = Settings(home=Path(), http_port=0, mcp_port=0, flight_port=0, health_port=0, metrics_port=0)


def test_ports_chosen_by_the_system_are_never_taken() -> None:
    assert list(port_faults(FREE)) == []


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        faults = list(port_faults(replace(FREE, flight_port=port)))

    assert faults == [
        f"port {port} is in use: choose another with --flight-port or flight_port in config.toml"
    ]

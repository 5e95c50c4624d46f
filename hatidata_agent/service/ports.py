"""Finding out before anything starts that a port is taken, and which setting names it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from hatidata_settings import Settings

_PORT_SETTINGS = ("http_port", "mcp_port", "flight_port", "health_port", "metrics_port")


def port_faults(settings: Settings) -> Iterator[str]:
    """Yield one line for each configured port that cannot be bound."""
    for name in _PORT_SETTINGS:
        port: int = getattr(settings, name)
        if port and not _is_free(settings.host, port):
            option = f"--{name.replace('_', '-')}"
            yield f"port {port} is in use: choose another with {option} or {name} in config.toml"


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

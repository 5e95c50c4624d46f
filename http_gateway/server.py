"""Binds both ports, says where they are, and serves until it is told to stop."""

from __future__ import annotations

import json
import os
import resource
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from wsgiref.types import WSGIApplication

from gunicorn import sock
from gunicorn.app.base import BaseApplication

from hatidata_settings import Settings
from hatidata_telemetry.opening import open_tracing
from http_gateway.app import create_app
from http_gateway.forwarded import ForwardedApp
from http_gateway.gateway import Addresses, open_gateway
from http_gateway.mcp.routes import McpDoor, mcp_routes
from http_gateway.request_log import configure_log, log_like_us
from http_gateway.worker import GatewayWorker

if TYPE_CHECKING:
    from hatidata_telemetry.tracing import Tracing

IDLE_CONNECTIONS: Final = 1000
KEEP_ALIVE_SECONDS: Final = 30
BOOKKEEPING_FILES: Final = 256
LEAVE_SECONDS: Final = 2.0
"""How long callers get to take their refusals when the grace period is over."""

ENDPOINT_FILE: Final = "gateway.json"


class GatewayApplication(BaseApplication):
    """gunicorn's view of the gateway: its configuration, and how to make the WSGI application."""

    def __init__(self, settings: Settings, make: Callable[[], WSGIApplication]) -> None:
        self._settings = settings
        self._make = make
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # gunicorn's type of an application is not the standard library's
        """Return the WSGI application."""
        return self._make()


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then let running requests finish for the grace period."""
    configure_log(settings)
    _allow_open_files(threads(settings) + IDLE_CONNECTIONS)
    tracing = open_tracing(settings, "hatidata-gateway")

    def make() -> WSGIApplication:
        app = _traced(create_app(gateway, [mcp_routes(gateway, door)]), tracing)
        return ForwardedApp(app, settings.proxies) if settings.proxies else app

    application = GatewayApplication(settings, make)
    logger = application.cfg.logger_class(application.cfg)
    log_like_us(logger.error_log, settings.log_format)
    listeners: list[Any] = sock.create_sockets(application.cfg, logger)  # gunicorn's wrappers of sockets
    addresses = _addresses(settings, listeners)
    gateway = open_gateway(settings, addresses)
    door = McpDoor(gateway)
    endpoints = settings.run_folder / ENDPOINT_FILE
    _write_atomically(endpoints, {"http": addresses.http, "mcp": addresses.mcp, "pid": os.getpid()})
    worker = GatewayWorker(1, os.getppid(), listeners, application, 0, application.cfg, logger)
    worker.leave_after(settings.drain_delay_secs, gateway.leaving)
    try:
        worker.init_process()
    finally:
        endpoints.unlink(missing_ok=True)
        _leave_within(LEAVE_SECONDS)
        door.close()
        gateway.close()
        if tracing is not None:
            tracing.close()


def _traced(app: WSGIApplication, tracing: Tracing | None) -> WSGIApplication:
    if tracing is None:
        return app
    from http_gateway.traced import TracedApp  # needs the extra `otel`

    return TracedApp(app, tracing)


def threads(settings: Settings) -> int:
    """Return how many requests are handled at once.

    A query that waits for the Flight server keeps its thread. The Flight server's admission
    decides who waits and who is refused, for all protocols alike, so there are threads for
    all that it admits and `gateway_threads` more for everything else.
    """
    return settings.gateway_threads + settings.max_concurrent_queries + settings.max_queued_queries


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's configuration; what is not named here is gunicorn's default."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    configuration: dict[str, Any] = {
        "bind": [f"{host}:{settings.http_port}", f"{host}:{settings.mcp_port}"],
        "threads": threads(settings),
        "worker_connections": threads(settings) + IDLE_CONNECTIONS,
        "keepalive": KEEP_ALIVE_SECONDS,
        "graceful_timeout": settings.drain_grace_secs,
        "loglevel": "warning",
        "proc_name": "http_gateway",
        "worker_tmp_dir": str(settings.run_folder),
    }
    if settings.tls:
        configuration |= {"certfile": settings.tls_cert, "keyfile": settings.tls_key}
    if settings.tls and settings.client_ca:
        configuration |= {"ca_certs": settings.client_ca, "cert_reqs": int(ssl.CERT_REQUIRED)}
    return configuration


def _leave_within(seconds: float) -> None:
    """End the process even if a thread still sends to a caller who does not read."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def _addresses(settings: Settings, listeners: list[Any]) -> Addresses:
    scheme = "https" if settings.tls else "http"
    ports = [listener.getsockname()[1] for listener in listeners]
    uris = [f"{scheme}://{_reachable(settings.host)}:{port}" for port in ports]
    return Addresses(http=uris[0], mcp=uris[1], mcp_port=ports[1])


def _reachable(host: str) -> str:
    """Return an address under which *host* can be reached from this machine."""
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    return wildcards.get(host) or (f"[{host}]" if ":" in host else host)


def _write_atomically(path: Path, content: dict[str, object]) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(content), encoding="utf-8")
    aside.replace(path)


def _allow_open_files(connections: int) -> None:
    """Raise the soft limit of open files as far as the connections need and the hard limit lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 2 * connections + BOOKKEEPING_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))

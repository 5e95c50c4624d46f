"""`hati serve`: both processes of a service, from the first start to the drain.

The Flight server is started first and stopped last: while the gateway drains,
its last queries still need an engine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from hatidata_agent.service.child import BadConfigurationError, Child, Log
from hatidata_agent.service.endpoints import (
    Endpoints,
    accepts,
    announced,
    is_ready,
    ports_in,
    write_atomically,
)
from hatidata_agent.service.home import Home
from hatidata_agent.service.log_files import keep_short
from hatidata_settings import Settings

_STOP_MARGIN_SECS = 5.0
_STARTING_POLL_SECS = 0.05
_WATCHING_POLL_SECS = 1.0
_KILLED_BY_SECOND_SIGTERM = 128 + signal.SIGTERM


class Supervisor:
    """Keeps the children of one service alive until a signal ends it.

    Args:
        children: In the order of their start; they stop in the reverse order.
        home: Where the children announce their addresses.
        grace_secs: What each child gets to finish its work when the service stops.
        on_ready: Called once, when the service answers for the first time.
        probe: Tells by the gateway's address whether it answers.
    """

    def __init__(
        self,
        children: Sequence[Child],
        home: Home,
        grace_secs: float,
        log: Log,
        on_ready: Callable[[Endpoints], None],
        probe: Callable[[str], Awaitable[bool]] = is_ready,
    ) -> None:
        self._children = tuple(children)
        self._home = home
        self._grace_secs = grace_secs
        self._log = log
        self._on_ready = on_ready
        self._probe = probe
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain.

        Raises:
            BadConfigurationError: A child cannot run with its configuration; the other one was stopped.
        """
        self._listen_for_signals()
        tasks = [asyncio.create_task(child.keep_alive()) for child in self._children]
        watch = asyncio.create_task(self._announce_when_ready())
        stop = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait({*tasks, watch, stop}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            watch.cancel()
            stop.cancel()
            await self._drain()
            await asyncio.gather(*tasks, watch, stop, return_exceptions=True)

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _asked_to_stop(self) -> None:
        if not self._stop.is_set():
            self._log("draining", grace_secs=self._grace_secs)
            self._stop.set()
            return
        for child in self._children:
            child.kill()
        forget_addresses(self._home)
        os._exit(_KILLED_BY_SECOND_SIGTERM)

    def _reload(self) -> None:
        self._log("reloading policies")
        self._children[0].send(signal.SIGHUP)

    async def _drain(self) -> None:
        for child in reversed(self._children):
            await child.stop(self._grace_secs + _STOP_MARGIN_SECS)
        forget_addresses(self._home)
        self._log("stopped")

    async def _announce_when_ready(self) -> None:
        """Write endpoints.json when the service answers, and again if an address changes."""
        written: Endpoints | None = None
        while True:
            found = announced(self._home.run)
            if found is not None and found != written and await self._probe(found.http):
                write_atomically(self._home.endpoints, found.as_json())
                self._log("ready", **asdict(found))
                if written is None:
                    self._on_ready(found)
                written = found
            await asyncio.sleep(_STARTING_POLL_SECS if written is None else _WATCHING_POLL_SECS)


def serve(settings: Settings, log: Log, on_ready: Callable[[Endpoints], None]) -> None:
    """Run both processes of the service until a signal ends it.

    Raises:
        BadConfigurationError: A child cannot run with its configuration.
    """
    home = Home(settings.home)
    forget_addresses(home)
    asyncio.run(_serve(settings, home, log, on_ready))


async def _serve(settings: Settings, home: Home, log: Log, on_ready: Callable[[Endpoints], None]) -> None:
    children = [
        Child("flight_server", lambda: flight_command(settings, announced(home.run)), log),
        Child("http_gateway", lambda: gateway_command(settings, announced(home.run)), log),
    ]
    probe = accepts if settings.client_ca else is_ready
    grace_secs = settings.drain_grace_secs + settings.drain_delay_secs
    shortening = asyncio.create_task(keep_short(home.log, settings.log_max_file_mb << 20))
    try:
        await Supervisor(children, home, grace_secs, log, on_ready, probe).run()
    finally:
        shortening.cancel()


def forget_addresses(home: Home) -> None:
    """Remove the addresses of a service that has ended."""
    for stale in (home.endpoints, home.run / "flight.json", home.run / "gateway.json"):
        stale.unlink(missing_ok=True)


def flight_command(settings: Settings, before: Endpoints | None) -> list[str]:
    """Return the command of the Flight server; a restart keeps the ports of *before*."""
    return [
        *_python("flight_server", settings),
        *_port_options(settings, before, ("flight", "health", "metrics")),
    ]


def gateway_command(settings: Settings, before: Endpoints | None) -> list[str]:
    """Return the command of the gateway; a restart keeps the ports of *before*."""
    return [*_python("http_gateway", settings), *_port_options(settings, before, ("http", "mcp"))]


def _python(module: str, settings: Settings) -> list[str]:
    command = [sys.executable, "-m", module, "--home", str(settings.home), "--host", settings.host]
    return [*command, "--tls"] if settings.tls else command


def _port_options(settings: Settings, before: Endpoints | None, names: Sequence[str]) -> list[str]:
    had = ports_in(before)
    ports = {name: getattr(settings, f"{name}_port") or had.get(name, 0) for name in names}
    return [part for name, port in ports.items() for part in (f"--{name}-port", str(port))]


__all__ = ["BadConfigurationError", "Supervisor", "flight_command", "gateway_command", "serve"]

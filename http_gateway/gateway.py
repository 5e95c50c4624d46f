"""The gateway's parts, made from its settings and closed together."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

from hatidata_settings import Settings
from http_gateway.disconnects import Disconnects
from http_gateway.flight.client import FlightClient, tls_material
from http_gateway.flight.endpoint import whereabouts
from http_gateway.gateway_token import gateway_token
from http_gateway.idle_memory import IdleMemory
from http_gateway.request_body import BodyLimits
from http_gateway.spool import MemoryBudget, SpoolRoom


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the two ports are called from outside; `mcp_port` chooses the profile of an answer."""

    http: str
    mcp: str
    mcp_port: int


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that outlives a request.

    Attributes:
        leaving: Set when the process has been told to end, and balancers are to turn away.
    """

    flight: FlightClient
    spools: SpoolRoom
    disconnects: Disconnects
    memory: IdleMemory
    limits: BodyLimits
    max_result_bytes: int
    addresses: Addresses
    leaving: threading.Event

    def close(self) -> None:
        """Stop the threads and close the connection to the Flight server."""
        self.flight.close()
        self.disconnects.close()
        self.memory.close()


def open_gateway(settings: Settings, addresses: Addresses) -> Gateway:
    """Return the gateway that *settings* describe; it starts a thread, so call it after any fork."""
    read_tls = partial(tls_material, settings.tls_cert, settings.tls_key, settings.client_ca)
    memory = IdleMemory()
    return Gateway(
        flight=FlightClient(
            whereabouts(settings.flight_uri, settings.run_folder),
            gateway_token(settings.gateway_token),
            settings.default_timeout_ms,
            read_tls if settings.tls else None,
        ),
        spools=SpoolRoom(
            settings.spool_folder,
            MemoryBudget(settings.spool_memory_bytes),
            settings.spool_threshold_bytes,
            memory.note,
        ),
        memory=memory,
        disconnects=Disconnects(),
        limits=BodyLimits(settings.max_sql_bytes, settings.query_timeout_secs * 1000),
        max_result_bytes=settings.max_result_bytes,
        addresses=addresses,
        leaving=threading.Event(),
    )

"""The two ways to a service: Flight, and HTTP where Flight is out of reach.

Both raise only `HatiDataError`: what the lower library raises is translated in
the transport's own module and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from hatidata_agent.answer import Answer, Receipt
    from hatidata_agent.calls import Call
    from hatidata_agent.parameters import Wire

Mode = Literal["create", "append", "replace", "create_append"]

SLACK_SECS = 5.0
"""How much longer than the query's own limit a client waits before it gives up on the service."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is and how to speak to it.

    Attributes:
        ca_file: PEM file of the authority that signed the service's certificate; None: the system's.
        cert_file: PEM file of the certificate that this client shows, if any; `key_file` is its private key.
        secret: The key; empty means no credential.
        agent_id: Sent only if the user named an agent: a key needs leave to name another.
    """

    host: str
    port: int
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    secret: str = field(default="", repr=False)
    agent_id: str = ""
    framework: str = "custom"
    connect_timeout: float = 10.0

    @property
    def base_url(self) -> str:
        """The HTTP address, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def headers(self) -> dict[str, str]:
        """The headers that say who asks; the same on both transports."""
        headers = {"authorization": f"Bearer {self.secret}"} if self.secret else {}
        return headers | ({"x-agent-id": self.agent_id} if self.agent_id else {})


@dataclass(frozen=True, slots=True)
class Request:
    """One query as it goes over the wire.

    Attributes:
        timeout_ms: None means the service's default.
    """

    sql: str
    parameters: tuple[Wire, ...] = ()
    timeout_ms: int | None = None
    dialect: str = "auto"

    def body(self) -> Mapping[str, object]:
        """The fields of the JSON body or ticket; defaults are left out."""
        fields: dict[str, object] = {"sql": self.sql}
        if self.parameters:
            fields["parameters"] = list(self.parameters)
        if self.timeout_ms is not None:
            fields["timeout_ms"] = self.timeout_ms
        if self.dialect != "auto":
            fields["dialect"] = self.dialect
        return fields


class Transport(Protocol):
    """A connection to a service; safe to use from several threads."""

    name: str

    def run(self, request: Request, call: Call) -> Answer:
        """Start the query and return its answer as soon as the schema is known."""

    def ingest(
        self, table: str, mode: Mode, schema: pa.Schema, batches: Iterator[pa.RecordBatch], call: Call
    ) -> Receipt:
        """Write *batches* into *table*, all or none of them, and return the receipt."""

    def tables(self, call: Call) -> dict[str, pa.Schema]:
        """Return the schemas of the tables that the caller may see, by `schema.table`."""

    def close(self) -> None:
        """Release the connections."""

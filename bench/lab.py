"""What every file of the bench gets: the running contenders and how often to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.processes import Ours


@dataclass(frozen=True, slots=True)
class Peer:
    """Another product that serves the same table.

    Attributes:
        lineitem: How its SQL names the table.
        http: URL that takes SQL text and answers an Arrow stream, or None.
    """

    name: str
    flight_sql: str | None
    http: str | None
    lineitem: str = "lineitem"

    def spelled(self, sql: str) -> str:
        """Our SQL in the peer's words."""
        return sql.replace("FROM lineitem", f"FROM {self.lineitem}")


@dataclass(frozen=True, slots=True)
class Lab:
    """The contenders of one run, all of them alive.

    Attributes:
        absent: Peers that could not be measured, and why.
    """

    ours: Ours
    bare_flight: str
    bare_gateway: str
    rounds: int
    peers: tuple[Peer, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)

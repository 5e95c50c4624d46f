"""The receipt that ends every complete stream of the Flight server."""

from __future__ import annotations

import json
from dataclasses import dataclass

from http_gateway.errors import Code, Refused


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a query did and cost, as far as HTTP tells it.

    Attributes:
        file_bytes: How long the answer is in the file that was lent for it; None if it was sent.
    """

    query_id: str
    rows: int
    rows_affected: int | None
    duration_ms: float
    credits_consumed: float
    transpile_cache_hit: bool
    result_cache_hit: bool
    row_filters: tuple[str, ...] = ()
    policy_version: str = ""
    file_bytes: int | None = None

    @property
    def affected(self) -> int:
        """Rows changed by DML, else rows in the result."""
        return self.rows if self.rows_affected is None else self.rows_affected


def parse_receipt(metadata: bytes) -> Receipt:
    """Return the receipt in the application metadata of a stream's last message.

    Raises:
        Refused: `INTERNAL_ERROR` when the Flight server speaks another version of the contract.
    """
    try:
        fields = json.loads(metadata)
        return Receipt(
            query_id=str(fields["query_id"]),
            rows=int(fields["rows"]),
            rows_affected=fields.get("rows_affected"),
            duration_ms=float(fields["duration_ms"]),
            credits_consumed=float(fields["credits_consumed"]),
            transpile_cache_hit=bool(fields["transpile_cache_hit"]),
            result_cache_hit=bool(fields["result_cache_hit"]),
            row_filters=tuple(map(str, fields.get("row_filters", ()))),
            policy_version=str(fields.get("policy_version", "")),
            file_bytes=fields.get("file_bytes"),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise Refused(Code.INTERNAL_ERROR) from fault

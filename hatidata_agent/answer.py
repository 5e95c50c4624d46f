"""What a query returns: record batches as they arrive, and at their end the receipt.

An answer without its receipt was cut on the way; the transports raise then, so
an exhausted answer is a whole one.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    Batches = Generator[pa.RecordBatch, None, "Receipt"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a query did and cost, as the service says.

    Attributes:
        rows_affected: Rows that a statement changed; None for a SELECT.
        masked_columns: Output columns whose values are masked.
        row_filters: Tables of which a filter hid rows.
    """

    query_id: str = ""
    rows: int = 0
    bytes: int = 0
    duration_ms: float = 0.0
    credits_consumed: float = 0.0
    transpile_cache_hit: bool = False
    result_cache_hit: bool = False
    masked_columns: tuple[str, ...] = ()
    row_filters: tuple[str, ...] = ()
    policy_version: str = ""
    rows_affected: int | None = None

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """Read a receipt; a field that this version does not know is left out."""
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any]) -> Receipt:  # Any: fields of decoded JSON
        """Make a receipt of decoded JSON."""
        known = {name: value for name, value in fields.items() if name in cls.__slots__}
        for name in ("masked_columns", "row_filters"):
            known[name] = tuple(known.get(name) or ())
        return cls(**known)


class Answer:
    """One answer; iterate it once, or read it whole.

    Attributes:
        schema: Known before the first batch.
        receipt: None until the last batch was read.
    """

    def __init__(self, schema: pa.Schema, batches: Batches) -> None:
        self.schema = schema
        self.receipt: Receipt | None = None
        self._batches = batches

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Generator[pa.RecordBatch, None, None]:
        """Yield the batches that have rows, then set `receipt`."""
        self.receipt = yield from self._batches

    def read_all(self) -> pa.Table:
        """Return all that has not been read yet as one table."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self), self.schema)

    def to_reader(self) -> pa.RecordBatchReader:
        """Return a reader over what has not been read yet; memory stays bounded by a batch."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def close(self) -> None:
        """Give up what has not been read; the service stops working on it."""
        self._batches.close()

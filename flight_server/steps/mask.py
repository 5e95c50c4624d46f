"""Replaces masked columns on Arrow arrays, without a Python loop over the rows.

`mask_array` is the one definition of every mask: the result's columns are
masked with it late, and the SQL functions that mask at the source call it, so
that both give the same text. Values that are not text are cast by the engine
before they come here; the few types that come as they are read the same there.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future

import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc

from flight_server.model import Mask, MaskFunction

HIDDEN = "***"
MASKED_KEY = b"hatidata.masked"
PIECE_ROWS = 65_536
"""Longer batches are cut into pieces of so many rows, so that several threads have work."""
SMALL_ROWS = 4_096
"""Pieces of fewer rows are masked where they are: handing them over costs more than it gains."""
PIECES_AHEAD = 4
"""How many pieces may be in the making while the reader has not asked for them."""


class MaskImpossible(Exception):
    """A column that cannot be masked as its policy says; the result must not leave."""


def mask_batches(
    batches: Iterable[pa.RecordBatch], masks: Mapping[int, Mask], pool: Executor | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield *batches* with the columns at the positions in *masks* replaced.

    The other columns are passed on by reference. A long batch comes out as
    several shorter ones, in order.

    Args:
        pool: Threads that mask pieces ahead of the reader; None masks each when it is asked for.

    Raises:
        MaskImpossible: A column is of a type that its mask cannot be applied to.
    """
    if not masks:
        yield from batches
        return
    mask_one = functools.partial(_masked_batch, masks=masks)
    pieces = (piece for batch in batches for piece in _pieces(batch))
    yield from map(mask_one, pieces) if pool is None else _masked_ahead(pieces, mask_one, pool)


def _masked_ahead(
    pieces: Iterable[pa.RecordBatch], mask_one: Callable[[pa.RecordBatch], pa.RecordBatch], pool: Executor
) -> Iterator[pa.RecordBatch]:
    """Yield the masked *pieces* in order, with a few of them in the making in *pool*."""
    pending: deque[Future[pa.RecordBatch]] = deque()
    try:
        for piece in pieces:
            if not pending and piece.num_rows < SMALL_ROWS:
                yield mask_one(piece)
                continue
            pending.append(pool.submit(mask_one, piece))
            while pending and (len(pending) > PIECES_AHEAD or pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, max(batch.num_rows, 1), PIECE_ROWS):
        yield batch.slice(start, PIECE_ROWS)


def _masked_batch(batch: pa.RecordBatch, masks: Mapping[int, Mask]) -> pa.RecordBatch:
    columns = batch.columns
    for position, mask in masks.items():
        columns[position] = mask_array(columns[position], mask)
    return pa.RecordBatch.from_arrays(columns, schema=masked_schema(batch.schema, masks))


def masked_schema(schema: pa.Schema, masks: Mapping[int, Mask]) -> pa.Schema:
    """Return *schema* with the fields at the positions in *masks* as Utf8 that say how they are masked.

    Whatever else such a field said of itself (a JSON or UUID extension) no longer holds, and is dropped.
    """
    for position, mask in masks.items():
        field = pa.field(schema.field(position).name, pa.utf8(), metadata={MASKED_KEY: mask.function.value})
        schema = schema.set(position, field)
    return schema


def mask_array(array: pa.Array, mask: Mask) -> pa.Array:
    """Return *array* masked, as Utf8 of the same length; a null stays null.

    Raises:
        MaskImpossible: `partial` or `hash` of a type whose text the engine has to make.
    """
    if mask.function is MaskFunction.NULL:
        return pa.nulls(len(array), pa.utf8())
    if isinstance(array, pa.DictionaryArray):
        return mask_array(array.dictionary, mask).take(array.indices)
    if mask.function is MaskFunction.FULL:
        return pc.if_else(array.is_valid(), HIDDEN, pa.scalar(None, pa.utf8()))
    texts = _texts(array)
    masked = (
        _partial(texts, mask.visible_chars) if mask.function is MaskFunction.PARTIAL else _hash(texts, mask)
    )
    return masked.cast(pa.utf8())


def _texts(array: pa.Array) -> pa.Array:
    """Return *array* as the text that DuckDB's CAST AS VARCHAR gives."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray) and pa.types.is_string(array.storage.type):
        return array.storage  # JSON; what else has a storage of its own is not written as that
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return array
    if pa.types.is_string_view(kind):
        return array.cast(pa.large_utf8())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return array.cast(pa.utf8())
    raise MaskImpossible(f"values of type {kind} have to be cast to text before they are masked")


def _partial(texts: pa.Array, visible: int) -> pa.Array:
    """Return `***` and the last *visible* characters of the texts that are longer than that."""
    longer = pc.greater(pc.utf8_length(texts), visible)
    tails = pc.utf8_slice_codeunits(texts, -visible) if visible else pc.utf8_slice_codeunits(texts, 0, 0)
    hidden = pa.scalar(HIDDEN, texts.type)
    return pc.if_else(longer, pc.binary_join_element_wise(hidden, tails, pa.scalar("", texts.type)), hidden)


def _hash(texts: pa.Array, mask: Mask) -> pa.Array:
    column = plh.col("texts").chash
    if mask.key is None:
        return _hashed(texts, column.sha2_256())
    try:
        return _hashed(texts, column.hmac_sha256(key=mask.key.decode()))
    except UnicodeDecodeError:
        return _hash_distinct(texts, mask.key)


def _hashed(texts: pa.Array, expression: pl.Expr) -> pa.Array:
    frame = pl.DataFrame({"texts": pl.Series(texts, dtype=pl.String)})
    return frame.select(expression).to_series().to_arrow()


def _hash_distinct(texts: pa.Array, key: bytes) -> pa.Array:
    """Return the HMACs under a key that is not text, which polars-hash does not take, one for each value."""
    values = texts.dictionary_encode()
    digests = [
        hmac.new(key, value.encode(), hashlib.sha256).hexdigest() for value in values.dictionary.to_pylist()
    ]
    return pa.array(digests, pa.utf8()).take(values.indices)


def sql_mask_function(mask: Mask) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    """Return the mask as a function for DuckDB's `create_function(type="arrow", null_handling="special")`.

    It never raises, since an engine's error could quote the value: what cannot be masked becomes null.
    """

    def masked(column: pa.ChunkedArray) -> pa.ChunkedArray:
        try:
            return pa.chunked_array([mask_array(chunk, mask) for chunk in column.chunks], pa.utf8())
        except Exception:  # noqa: BLE001  # the border to the engine: no error text may carry a value
            return pa.chunked_array([pa.nulls(len(column), pa.utf8())])

    return masked

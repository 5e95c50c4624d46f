"""How near two columns are in meaning, on Arrow arrays; what the engine's semantic functions compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from flight_server.semantic.embedder import Matrix, unit
from flight_server.semantic.vectors import Vectors

DEFAULT_THRESHOLD: Final = 0.7

ArrowFunction = Callable[..., pa.Array]


def rank_function(vectors: Vectors) -> ArrowFunction:
    """Return `semantic_rank(column, text)`: 1 for the same meaning, 0 for none in common."""

    def semantic_rank(column: pa.Array, text: pa.Array) -> pa.Array:
        return _similarities(vectors, column, text)

    return _varargs(semantic_rank)


def match_function(vectors: Vectors) -> ArrowFunction:
    """Return `semantic_match(column, text [, threshold])`."""

    def semantic_match(column: pa.Array, text: pa.Array, threshold: pa.Array | None = None) -> pa.Array:
        least = DEFAULT_THRESHOLD if threshold is None else _whole(threshold).cast(pa.float64(), safe=False)
        return pc.greater(_similarities(vectors, column, text).cast(pa.float64()), least)

    return _varargs(semantic_match)


def embed_function(vectors: Vectors) -> ArrowFunction:
    """Return the function from a text to its vector, as a list."""

    def embed(text: pa.Array) -> pa.Array:
        whole = _whole(text)
        distinct, row_of = _matrix(vectors, whole)
        rows = distinct[row_of]
        offsets = np.arange(0, rows.size + 1, max(rows.shape[1], 1), dtype=np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(rows.reshape(-1)))
        return pc.if_else(whole.is_valid(), lists, None)

    return _varargs(embed)


def _varargs(function: ArrowFunction) -> ArrowFunction:
    """Return *function* in the one form for which the engine takes arguments of any type."""

    def of_any(*columns: pa.Array) -> pa.Array:
        return function(*columns)

    return of_any


def _similarities(vectors: Vectors, column: pa.Array, text: pa.Array) -> pa.Array:
    """Return the cosine of every pair, at least 0; null where either is null."""
    left, right = _whole(column), _whole(text)
    rows, row_of = _matrix(vectors, left)
    texts, text_of = _matrix(vectors, right)
    if rows.shape[1] != texts.shape[1] and rows.size and texts.size:
        raise ValueError(f"the column's vectors have {rows.shape[1]} dimensions, the text's {texts.shape[1]}")
    nearness = _nearness(rows, row_of, texts, text_of)
    unknown = ~(_valid(left) & _valid(right))
    return pa.array(np.clip(nearness, 0.0, 1.0).astype(np.float32), mask=unknown)


def _nearness(
    rows: Matrix, row_of: npt.NDArray[np.int64], texts: Matrix, text_of: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    if not (rows.size and texts.size):
        return np.zeros(len(row_of), dtype=np.float32)
    near: npt.NDArray[np.float32]
    if len(texts) == 1:
        near = (rows @ texts[0])[row_of]
    else:
        near = np.einsum("ij,ij->i", rows[row_of], texts[text_of])
    return near


def _matrix(vectors: Vectors, column: pa.Array) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """Return the vectors of the distinct values of *column*, and which of them every row has."""
    if _holds_vectors(column.type):
        return _given(column), np.arange(len(column))
    encoded = pc.fill_null(_texts(column), "").dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    if not distinct:
        return np.zeros((0, 0), dtype=np.float32), np.zeros(0, dtype=np.int64)
    return vectors.of(distinct), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _given(column: pa.Array) -> Matrix:
    """Return the vectors that *column* holds itself, scaled to length one."""
    width = column.type.list_size if pa.types.is_fixed_size_list(column.type) else None
    rows = column.to_pylist() if width is None else None
    if rows is not None:
        width = max((len(row) for row in rows if row), default=0)
        blank = [0.0] * width
        fitting = [row if row and len(row) == width else blank for row in rows]
        return unit(np.array(fitting, dtype=np.float32).reshape(len(rows), width))
    filled = pc.if_else(column.is_valid(), column, pa.scalar([0.0] * (width or 0), column.type))
    flat = pc.fill_null(filled.flatten(), 0.0)
    return unit(flat.to_numpy(zero_copy_only=False).reshape(len(column), width or 0))


def _holds_vectors(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and (pa.types.is_floating(kind.value_type) or pa.types.is_decimal(kind.value_type)))


def _texts(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        raise ValueError(f"only texts and vectors of numbers have a meaning, not {kind}")
    return column.cast(pa.string())


def _whole(column: Any) -> pa.Array:  # Any: the engine hands over arrays and chunked arrays
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _valid(column: pa.Array) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return valid

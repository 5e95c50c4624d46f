"""Masks give what their definition says on every kind of array, and the same in SQL as on the result."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from duckdb.func import FunctionNullHandling, PythonUDFType
from hypothesis import given
from hypothesis import strategies as st

from flight_server.model import Mask, MaskFunction
from flight_server.steps.mask import (
    MASKED_KEY,
    PIECE_ROWS,
    MaskImpossible,
    mask_array,
    mask_batches,
    masked_schema,
    sql_mask_function,
)

FULL = Mask(MaskFunction.FULL)
PARTIAL = Mask(MaskFunction.PARTIAL)
HASH = Mask(MaskFunction.HASH)
NULL = Mask(MaskFunction.NULL)
KEYED = Mask(MaskFunction.HASH, key=b"pepper")

MASKS = st.one_of(
    st.sampled_from([FULL, HASH, NULL]),
    st.builds(lambda visible: Mask(MaskFunction.PARTIAL, visible), st.integers(0, 9)),
    st.builds(lambda key: Mask(MaskFunction.HASH, key=key), st.binary(min_size=1, max_size=80)),
)
TEXTS = st.lists(st.none() | st.text(max_size=40), max_size=30)
KINDS = st.sampled_from(["utf8", "large", "view", "dictionary"])


def masked(value: str | None, mask: Mask) -> str | None:
    """The definition, one value at a time."""
    if value is None or mask.function is MaskFunction.NULL:
        return None
    if mask.function is MaskFunction.FULL:
        return "***"
    if mask.function is MaskFunction.PARTIAL:
        longer = len(value) > mask.visible_chars
        return "***" + (value[-mask.visible_chars :] if longer and mask.visible_chars else "")
    if mask.key is not None:
        return hmac.new(mask.key, value.encode(), hashlib.sha256).hexdigest()
    return hashlib.sha256(value.encode()).hexdigest()


def array_of(values: list[str | None], kind: str) -> pa.Array:
    array = pa.array(values, pa.utf8())
    if kind == "dictionary":
        return array.dictionary_encode()
    return array.cast({"utf8": pa.utf8(), "large": pa.large_utf8(), "view": pa.string_view()}[kind])


@given(values=TEXTS, mask=MASKS, kind=KINDS, start=st.integers(0, 5), length=st.integers(0, 30))
def test_masks_are_what_their_definition_says(
    values: list[str | None], mask: Mask, kind: str, start: int, length: int
) -> None:
    result = mask_array(array_of(values, kind).slice(start, length), mask)

    result.validate(full=True)
    assert result.type == pa.utf8()
    assert result.to_pylist() == [masked(value, mask) for value in values[start : start + length]]


@given(values=TEXTS, mask=MASKS)
def test_the_mask_in_sql_is_the_mask_on_the_result(values: list[str | None], mask: Mask) -> None:
    column = pa.chunked_array([pa.array(values, pa.utf8())])

    assert sql_mask_function(mask)(column).to_pylist() == [masked(value, mask) for value in values]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4111111111111234", "***1234"),
        ("ada@example.com", "***.com"),
        ("12345", "***2345"),
        ("1234", "***"),
        ("", "***"),
        ("Zoë Müller", "***ller"),
        ("日本語の名前", "***語の名前"),
        ("👍👍👍👍👍", "***👍👍👍👍"),
        (None, None),
    ],
)
def test_partial_leaves_the_last_four_characters(value: str | None, expected: str | None) -> None:
    assert mask_array(pa.array([value], pa.utf8()), PARTIAL).to_pylist() == [expected]


def test_hash_is_64_lower_case_hex_digits() -> None:
    (digest,) = mask_array(pa.array(["abc"]), HASH).to_pylist()

    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_key_changes_the_hash() -> None:
    assert mask_array(pa.array(["abc"]), KEYED) != mask_array(pa.array(["abc"]), HASH)


def test_a_mask_does_not_show_its_key() -> None:
    assert "pepper" not in repr(KEYED)


NUMBERS = pa.array([1, -20, None, 2**63 - 1], pa.int64())
BOOLEANS = pa.array([True, False, None])
OTHERS = [
    pa.array([Decimal("1.10"), None]),
    pa.array([1.5, None]),
    pa.array([dt.date(2024, 1, 31), None]),
    pa.array([dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC), None]),
    pa.array([b"\xff", None]),
    pa.array([[1], None]),
    pa.array([{"a": 1}, None]),
    pa.array([b"0123456789abcdef", None], pa.uuid()),
    pa.array([1, None], pa.bool8()),
]


@pytest.mark.parametrize("array", [NUMBERS, BOOLEANS])
@pytest.mark.parametrize("mask", [PARTIAL, HASH])
def test_numbers_and_booleans_are_masked_as_the_text_that_duckdb_makes(array: pa.Array, mask: Mask) -> None:
    table = pa.table({"v": array})
    with duckdb.connect() as connection:
        connection.register("t", table)
        texts = [text for (text,) in connection.execute("SELECT v::VARCHAR FROM t").fetchall()]

    assert mask_array(array, mask).to_pylist() == [masked(text, mask) for text in texts]


@pytest.mark.parametrize("array", OTHERS)
@pytest.mark.parametrize("mask", [PARTIAL, HASH])
def test_other_types_have_to_be_cast_by_the_engine_first(array: pa.Array, mask: Mask) -> None:
    with pytest.raises(MaskImpossible):
        mask_array(array, mask)


def test_json_is_masked_as_its_text() -> None:
    array = pa.array(['{"a": 1}', None], pa.json_())

    assert mask_array(array, PARTIAL).to_pylist() == ["***: 1}", None]


@pytest.mark.parametrize("array", [NUMBERS, BOOLEANS, *OTHERS])
def test_full_and_null_hide_values_of_any_type(array: pa.Array) -> None:
    assert mask_array(array, FULL).to_pylist() == [
        None if value is None else "***" for value in array.to_pylist()
    ]
    assert mask_array(array, NULL).to_pylist() == [None] * len(array)


@pytest.mark.parametrize("mask", [FULL, PARTIAL, HASH, NULL])
def test_a_column_of_nulls_stays_one(mask: Mask) -> None:
    assert mask_array(pa.nulls(3), mask).to_pylist() == [None] * 3


def test_the_function_for_sql_never_raises() -> None:
    column = pa.chunked_array([OTHERS[1]])

    assert sql_mask_function(HASH)(column).to_pylist() == [None, None]


def test_the_function_for_sql_works_in_duckdb() -> None:
    with duckdb.connect() as connection:
        connection.create_function(
            "hide",
            sql_mask_function(PARTIAL),
            ["VARCHAR"],
            "VARCHAR",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )
        rows = connection.execute("SELECT hide(v) FROM (VALUES ('abcdefgh'), (NULL), ('')) t(v)").fetchall()

    assert rows == [("***efgh",), (None,), ("***",)]


def batch_of(rows: int) -> pa.RecordBatch:
    names = pa.array([f"name {row}" for row in range(rows)], pa.utf8())
    return pa.record_batch({"id": pa.array(range(rows), pa.int64()), "name": names, "again": names})


@pytest.fixture(params=["alone", "with threads"])
def pool(request: pytest.FixtureRequest) -> Iterator[ThreadPoolExecutor | None]:
    if request.param == "alone":
        yield None
        return
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.mark.parametrize("sizes", [[], [0], [3], [5000, 10], [PIECE_ROWS * 2 + 1, 1, 30_000]])
def test_long_results_come_out_in_order(sizes: list[int], pool: ThreadPoolExecutor | None) -> None:
    batches = [batch_of(size) for size in sizes]
    masks = {1: PARTIAL, 2: HASH}

    result = list(mask_batches(iter(batches), masks, pool))

    assert [row for batch in result for row in batch["id"].to_pylist()] == [
        row for size in sizes for row in range(size)
    ]
    assert all(batch.schema == masked_schema(batch_of(0).schema, masks) for batch in result)
    assert {value for batch in result for value in batch["name"].slice(0, 3).to_pylist()} <= {
        masked(f"name {row}", PARTIAL) for row in range(PIECE_ROWS * 2 + 1)
    }


def test_other_columns_are_passed_on_by_reference() -> None:
    batch = batch_of(10)

    (result,) = mask_batches([batch], {1: FULL})

    assert result["id"].buffers()[1].address == batch["id"].buffers()[1].address


def test_no_mask_passes_batches_on_as_they_are() -> None:
    batch = batch_of(3)

    assert list(mask_batches([batch], {})) == [batch]


def test_a_reader_that_leaves_stops_the_work(pool: ThreadPoolExecutor | None) -> None:
    pulled: list[int] = []

    def endless() -> Iterator[pa.RecordBatch]:
        while True:
            pulled.append(1)
            yield batch_of(5000)

    stream = mask_batches(endless(), {1: HASH}, pool)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator has close

    assert len(pulled) < 10


def test_a_fault_in_a_thread_reaches_the_reader(pool: ThreadPoolExecutor | None) -> None:
    batch = pa.record_batch({"v": pa.array([1.5] * 5000)})

    with pytest.raises(MaskImpossible):
        list(mask_batches([batch], {0: HASH}, pool))


def test_a_masked_field_says_so_and_nothing_else() -> None:
    json_field = pa.field("v", pa.utf8(), metadata={b"ARROW:extension:name": b"arrow.json"}, nullable=False)
    schema = pa.schema([json_field, pa.field("w", pa.int32())], metadata={b"k": b"v"})

    result = masked_schema(schema, {0: PARTIAL})

    assert result.field("v").equals(
        pa.field("v", pa.utf8(), metadata={MASKED_KEY: b"partial"}), check_metadata=True
    )
    assert result.field("w").equals(schema.field("w"))
    assert result.metadata == {b"k": b"v"}

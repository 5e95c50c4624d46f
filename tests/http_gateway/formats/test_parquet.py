"""Parquet files that are sent while they are written."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from http_gateway.errors import Code, Refused
from http_gateway.flight.messages import FlightData
from http_gateway.formats.parquet import ROW_GROUP_BYTES, parquet_pieces
from http_gateway.formats.stream import record_batches
from tests.fixtures.gateway import flight_messages


def file_of(table: pa.Table) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(b"".join(pieces_of(flight_messages(table)))))


def pieces_of(messages: list[FlightData]) -> Iterator[bytes]:
    return parquet_pieces(record_batches(messages))


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1, None], "b": ["x", "y"], "c": [[1], []]}),
        pa.table({"a": pa.array([], pa.int64())}),
        pa.table({"enum": pa.array(["x", None]).dictionary_encode()}),
    ],
)
def test_a_file_reads_back_as_the_same_table(table: pa.Table) -> None:
    assert file_of(table).read().to_pydict() == table.to_pydict()


def test_repeated_names_keep_every_column() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

    assert file_of(table).read().to_pydict() == {"a": [1], "a_1": [2]}


def test_a_large_result_comes_in_row_groups() -> None:
    rows = ROW_GROUP_BYTES // 8
    table = pa.table({"a": pa.array(range(2 * rows), pa.int64())})
    batched = pa.Table.from_batches(table.to_batches(max_chunksize=rows // 8))

    assert file_of(batched).num_row_groups == 2


def test_the_first_piece_leaves_before_the_rest_is_read() -> None:
    table = pa.table({"a": pa.array(range(ROW_GROUP_BYTES // 8), pa.int64())})
    schema, batch = flight_messages(table)
    taken = []

    def messages() -> Iterator[FlightData]:
        yield schema
        for number in range(10):
            taken.append(number)
            yield batch

    first = next(parquet_pieces(record_batches(messages())))

    assert first.startswith(b"PAR1")
    assert len(taken) <= 2


def test_a_type_that_parquet_lacks_is_refused_before_anything_is_sent() -> None:
    table = pa.table({"a": pa.array([pa.MonthDayNano([1, 2, 3])], pa.month_day_nano_interval())})

    with pytest.raises(Refused) as caught:
        next(pieces_of(flight_messages(table)))

    assert caught.value.code is Code.QUERY_ERROR


def test_a_failure_of_the_source_comes_out_as_it_is() -> None:
    schema, _ = flight_messages(pa.table({"a": [1]}))

    def messages() -> Iterator[FlightData]:
        yield schema
        raise Refused(Code.QUERY_TIMEOUT)

    with pytest.raises(Refused) as caught:
        list(parquet_pieces(record_batches(messages())))

    assert caught.value.code is Code.QUERY_TIMEOUT

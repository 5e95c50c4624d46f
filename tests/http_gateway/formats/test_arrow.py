"""Arrow bodies are what the Flight server sent, frame by frame."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from http_gateway.accept import Coding, IpcCodec
from http_gateway.formats.arrow import write_arrow
from http_gateway.formats.sink import sink_for
from http_gateway.spool import MemoryBudget, Spool, SpoolRoom
from tests.fixtures.gateway import flight_messages

TABLE = pa.table({"a": list(range(20_000)), "b": ["row"] * 20_000})


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = SpoolRoom(tmp_path, MemoryBudget(1 << 30), 1 << 30).open()
    yield spool
    spool.close()


def written(
    table: pa.Table, spool: Spool, coding: Coding = "identity", codec: IpcCodec | None = None
) -> tuple[int, bytes]:
    columns = write_arrow(iter(flight_messages(table)), sink_for(coding, spool), codec)
    return columns, b"".join(spool.pieces())


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        TABLE.slice(0, 0),
        pa.table({"enum": pa.array(["x", "y", None]).dictionary_encode()}),
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
        pa.table({"a": pa.array([[1], None, []])}),
        TABLE.replace_schema_metadata({"hatidata.masked": "full"}),
    ],
)
def test_a_body_reads_back_as_the_same_table(table: pa.Table, spool: Spool) -> None:
    columns, body = written(table, spool)
    with pa.ipc.open_stream(body) as reader:
        read = reader.read_all()

    assert columns == table.num_columns
    assert read.equals(table, check_metadata=True)


def test_a_body_without_ipc_compression_is_not_decoded(spool: Spool) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)

    assert written(TABLE, spool)[1] == sink.getvalue().to_pybytes()


def test_gzip_holds_the_same_bytes(spool: Spool) -> None:
    _, body = written(TABLE, spool, "gzip")

    assert pa.ipc.open_stream(gzip.decompress(body)).read_all().equals(TABLE)
    assert len(body) < TABLE.nbytes / 2


def test_zstd_is_one_frame_with_the_same_bytes(spool: Spool) -> None:
    _, body = written(TABLE, spool, "zstd")
    decompressor = zstandard.ZstdDecompressor().decompressobj()

    assert pa.ipc.open_stream(decompressor.decompress(body)).read_all().equals(TABLE)
    assert decompressor.unused_data == b""


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_ipc_compression_is_inside_the_stream(spool: Spool, codec: IpcCodec) -> None:
    columns, body = written(TABLE, spool, codec=codec)

    assert columns == 2
    assert pa.ipc.open_stream(body).read_all().equals(TABLE)
    assert len(body) < TABLE.nbytes * 0.6

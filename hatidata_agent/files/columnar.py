"""Parquet and Arrow files: their schema is in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH_ROWS = 65_536


class ParquetSource:
    """A Parquet file; progress is the share of its rows."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._read = 0
        self.schema: pa.Schema = self._file.schema_arrow.remove_metadata()
        self.size = path.stat().st_size

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, row group by row group."""
        self._read = 0
        for batch in self._file.iter_batches(_BATCH_ROWS):
            self._read += batch.num_rows
            yield batch.replace_schema_metadata(None)

    def position(self) -> int:
        """Return the share of the bytes that the rows read so far make up."""
        return int(self.size * self._read // max(1, self._file.metadata.num_rows))


class ArrowSource:
    """An Arrow file or stream, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = pa.memory_map(str(path))
        self.schema: pa.Schema = self._open().schema
        self.size = path.stat().st_size

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches as they are in the file."""
        opened = self._open()
        if isinstance(opened, pa.ipc.RecordBatchFileReader):
            yield from (opened.get_batch(i) for i in range(opened.num_record_batches))
        else:
            yield from opened

    def position(self) -> int:
        """Return where reading has got to."""
        return int(self._file.tell())

    def _open(self) -> pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader:
        self._file = pa.memory_map(str(self._path))
        try:
            return pa.ipc.open_file(self._file)
        except pa.ArrowInvalid:
            self._file.seek(0)
            return pa.ipc.open_stream(self._file)

"""Where encoders write to: the spool itself, or a content coding in front of it."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

import zstandard

from http_gateway.accept import Coding
from http_gateway.errors import Code, Refused
from http_gateway.spool import Chunk, Spool

GZIP_LEVEL: Final = 1
"""Level 1 halves a typical Arrow stream at four times the speed of the usual level 6."""

_GZIP_WINDOW: Final = 31


class Sink(Protocol):
    """Takes the parts of a body in their order."""

    def write(self, *parts: Chunk) -> None:
        """Append *parts*."""

    def finish(self) -> None:
        """End the body; nothing is written after it."""


class PlainSink:
    """Passes everything on by reference."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def write(self, *parts: Chunk) -> None:
        """Append *parts*."""
        self._spool.write(*parts)

    def finish(self) -> None:
        """Do nothing: a plain body needs no end."""


class GzipSink:
    """Writes one gzip member."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)

    def write(self, *parts: Chunk) -> None:
        """Compress *parts*."""
        for part in parts:
            self._spool.write(self._compressor.compress(part))

    def finish(self) -> None:
        """Write what the compressor holds, and the checksum."""
        self._spool.write(self._compressor.flush())


class ZstdSink:
    """Writes one zstd frame; some decoders read only the first of several."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._compressor = zstandard.ZstdCompressor(level=1).compressobj()

    def write(self, *parts: Chunk) -> None:
        """Compress *parts*."""
        for part in parts:
            self._spool.write(self._compressor.compress(part))

    def finish(self) -> None:
        """Write what the compressor holds, and the end of the frame."""
        self._spool.write(self._compressor.flush())


class LimitedSink:
    """Refuses a body that grows above a limit before any content coding."""

    def __init__(self, sink: Sink, max_bytes: int) -> None:
        self._sink = sink
        self._max_bytes = max_bytes
        self._written = 0

    def write(self, *parts: Chunk) -> None:
        """Append *parts*.

        Raises:
            Refused: `RESULT_TOO_LARGE` with the parts that pass the limit.
        """
        self._written += sum(map(len, parts))
        if self._written > self._max_bytes:
            raise too_large(self._max_bytes)
        self._sink.write(*parts)

    def finish(self) -> None:
        """End the body."""
        self._sink.finish()


def too_large(max_bytes: int) -> Refused:
    """Return the refusal of a result above the cap, with what to do about it."""
    return Refused(
        Code.RESULT_TOO_LARGE,
        f"the result has more than {max_bytes} bytes; page it with LIMIT and OFFSET, "
        "fetch it with POST /v1/query/parquet, or read it over Arrow Flight",
    )


def sink_for(coding: Coding, spool: Spool) -> Sink:
    """Return the sink that applies *coding*."""
    if coding == "gzip":
        return GzipSink(spool)
    return ZstdSink(spool) if coding == "zstd" else PlainSink(spool)

"""The file that our gateway lends for a large answer, whose bytes then need not go through gRPC.

The gateway tells the length of an answer before it sends the first byte, so it gathers the answer first,
a large one in a file. On the same machine that file can be written here. A reader would get this wrong:
whatever the header says, only a file that holds the gateway's mark is taken; a gateway on another machine
has no such file here, and gets its answer in messages.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from flight_server.errors import ErrorCode, QueryRefused

LEAST_BYTES: Final = 2 << 20
"""A smaller answer goes in messages: the file would cost more than it spares."""

_HEADER: Final = re.compile(r"(\d{1,10}):(\d{1,10}):([0-9a-f]{32}):(\d{1,15})")


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file without a name that another process has open.

    Attributes:
        process: Which process, and `descriptor` under which number.
        mark: What the file holds now.
        most_bytes: How long the answer may get.
    """

    process: int
    descriptor: int
    mark: str
    most_bytes: int

    def open(self) -> int | None:
        """Return a descriptor of the file, or None if it is not here or not the one that is meant."""
        with suppress(OSError):
            found = os.open(f"/proc/{self.process}/fd/{self.descriptor}", os.O_RDWR | os.O_CLOEXEC)
            if self._is_meant(found):
                return found
            os.close(found)
        return None

    def write(self, descriptor: int, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
        """Write the Arrow IPC stream of *batches*, close *descriptor*, and return the length.

        Raises:
            QueryRefused: RESULT_TOO_LARGE; SERVICE_UNAVAILABLE if the disk is full or fails; and
                what the batches raise.
        """
        try:
            with pa.OSFile(f"/proc/self/fd/{descriptor}", "wb") as file:
                with pa.ipc.new_stream(file, schema) as writer:
                    for batch in batches:
                        writer.write_batch(batch)
                        self._check(file.tell())
                return int(file.tell())
        except OSError as fault:
            raise QueryRefused(
                ErrorCode.SERVICE_UNAVAILABLE,
                "no room for the result; try again later or ask for less",
                detail=str(fault),
            ) from fault
        finally:
            os.close(descriptor)

    def _is_meant(self, descriptor: int) -> bool:
        found = os.fstat(descriptor)
        nameless = stat.S_ISREG(found.st_mode) and found.st_nlink == 0 and found.st_uid == os.geteuid()
        return nameless and os.pread(descriptor, 64, 0) == self.mark.encode()

    def _check(self, length: int) -> None:
        if length > self.most_bytes:
            raise QueryRefused(
                ErrorCode.RESULT_TOO_LARGE,
                f"the result has more than {self.most_bytes} bytes; page it with LIMIT and OFFSET, "
                "fetch it with POST /v1/query/parquet, or read it over Arrow Flight",
            )


def result_file(header: str) -> ResultFile | None:
    """Return the file that the gateway's header offers, if it offers one."""
    told = _HEADER.fullmatch(header)
    if told is None:
        return None
    process, descriptor, mark, most_bytes = told.groups()
    return ResultFile(int(process), int(descriptor), mark, int(most_bytes))

"""A wire between the service and a cluster that can go dead without a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Forwards connections to a port of this machine.

    Attributes:
        dead: Whether nothing comes through any more, and nothing is closed either.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.dead = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def close(self) -> None:
        """Close every connection."""
        self._listener.close()
        for end in self._open:
            with suppress(OSError):
                end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._open.append(near)
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._open.append(far)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=ends, name="wire", daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self.dead:
                    threading.Event().wait()  # neither passed on nor closed
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(target: int) -> Iterator[Wire]:
    """Yield a wire to the port *target*."""
    laid = Wire(target)
    try:
        yield laid
    finally:
        laid.close()

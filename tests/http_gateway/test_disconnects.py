"""Whether a hang-up is noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from http_gateway.disconnects import Disconnects


@pytest.fixture
def disconnects() -> Iterator[Disconnects]:
    watcher = Disconnects()
    yield watcher
    watcher.close()


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_notices_a_peer_that_closes(
    disconnects: Disconnects, sockets: tuple[socket.socket, socket.socket]
) -> None:
    gone = threading.Event()
    with disconnects.watching(sockets[0].fileno(), gone.set):
        sockets[1].close()
        noticed = gone.wait(5)

    assert noticed


def test_notices_a_peer_that_closes_behind_unread_bytes(
    disconnects: Disconnects, sockets: tuple[socket.socket, socket.socket]
) -> None:
    gone = threading.Event()
    with disconnects.watching(sockets[0].fileno(), gone.set):
        sockets[1].sendall(b"the next request")
        sockets[1].close()
        noticed = gone.wait(5)

    assert noticed


def test_leaves_a_peer_alone_that_only_sends(
    disconnects: Disconnects, sockets: tuple[socket.socket, socket.socket]
) -> None:
    gone = threading.Event()
    with disconnects.watching(sockets[0].fileno(), gone.set):
        sockets[1].sendall(b"the next request")
        noticed = gone.wait(0.1)

    assert not noticed


def test_forgets_a_socket_after_the_block(
    disconnects: Disconnects, sockets: tuple[socket.socket, socket.socket]
) -> None:
    gone = threading.Event()
    with disconnects.watching(sockets[0].fileno(), gone.set):
        pass
    sockets[1].close()

    assert not gone.wait(0.1)


def test_watches_nothing_without_a_socket(disconnects: Disconnects) -> None:
    gone = threading.Event()
    with disconnects.watching(None, gone.set):
        assert not gone.wait(0.1)

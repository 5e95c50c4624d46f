"""What a gRPC thread keeps of Python between the hooks of a call, and what is left when it ends."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from typing import Any

import pyarrow.flight as fl

from flight_server.protocols.flight.threads import keep_thread_state

ENTRY = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


def test_state_of_a_thread_lasts_from_hook_to_hook() -> None:
    seen: list[str] = []
    with (
        _Server({"local": _Factory(seen)}) as server,
        fl.connect(f"grpc://127.0.0.1:{server.port}") as client,
    ):
        for _ in range(3):
            list(client.do_action(fl.Action("any", b"")))
    assert seen == ["kept"] * 3


def test_nothing_is_left_of_a_thread_that_ended() -> None:
    before, after = _alone("after_threads_ended")

    assert after == before


def test_state_is_there_while_its_thread_lives() -> None:
    before, during = _alone("while_a_thread_lives")

    assert during == before + 1


def after_threads_ended() -> tuple[int, int]:
    """Return how many thread states there were before 20 foreign threads, and are after them."""
    before = _thread_states()
    for _ in range(20):
        _on_a_foreign_thread(keep_thread_state)
    return before, _thread_states()


def while_a_thread_lives() -> tuple[int, int]:
    """Return how many thread states there were before a foreign thread, and in it."""
    before, during = _thread_states(), []

    def look() -> None:
        keep_thread_state()
        during.append(_thread_states())

    _on_a_foreign_thread(look)
    return before, during[0]


def _alone(function: str) -> tuple[int, int]:
    """Call a function of this module in a process that has no threads of other tests."""
    program = f"import {__name__} as here; print(*here.{function}())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    before, then = map(int, done.stdout.split())
    return before, then


class _Server(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow publishes no types
    def __init__(self, middleware: dict[str, fl.ServerMiddlewareFactory]) -> None:
        super().__init__("grpc://127.0.0.1:0", middleware=middleware)

    def do_action(self, context: fl.ServerCallContext, action: fl.Action) -> list[bytes]:
        return []


class _Factory(fl.ServerMiddlewareFactory):  # type: ignore[misc]  # as above
    def __init__(self, seen: list[str]) -> None:
        self._seen = seen
        self._local = threading.local()

    def start_call(self, info: fl.CallInfo, headers: Any) -> fl.ServerMiddleware:
        keep_thread_state()
        self._local.word = "kept"
        return _Middleware(self._seen, self._local)


class _Middleware(fl.ServerMiddleware):  # type: ignore[misc]  # as above
    def __init__(self, seen: list[str], local: threading.local) -> None:
        self._seen, self._local = seen, local

    def call_completed(self, exception: BaseException | None) -> None:
        self._seen.append(getattr(self._local, "word", "lost"))


def _on_a_foreign_thread(action: Any) -> None:
    """Run *action* on a thread that Python did not make, and wait until that thread has ended."""
    system, thread = ctypes.CDLL(None), ctypes.c_ulong()

    def enter(_: object) -> None:
        action()

    entry = ENTRY(enter)
    assert system.pthread_create(ctypes.byref(thread), None, entry, None) == 0
    assert system.pthread_join(thread, None) == 0


def _thread_states() -> int:
    """Return how many thread states the interpreter has."""
    api = ctypes.pythonapi
    api.PyInterpreterState_Get.restype = ctypes.c_void_p
    for name in ("PyInterpreterState_ThreadHead", "PyThreadState_Next"):
        getattr(api, name).restype = ctypes.c_void_p
        getattr(api, name).argtypes = [ctypes.c_void_p]
    count, state = 0, api.PyInterpreterState_ThreadHead(api.PyInterpreterState_Get())
    while state:
        count, state = count + 1, api.PyThreadState_Next(state)
    return count

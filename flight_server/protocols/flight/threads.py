"""Keeps Python's state of a gRPC thread from one call to the next.

pyarrow enters Python anew for every hook of a call (middleware, authentication, handler, each
batch, the end), on a thread of gRPC's. Python then makes a thread state and maps a stack for it,
and throws both away at the end of the hook: twenty times in a small Flight SQL query. A thread
that was seen once keeps its state here until the thread itself ends, as extensions do that count
a reference to it; `docs/decisions/0113` has the figures.
"""

from __future__ import annotations

import ctypes

_SYSTEM = ctypes.CDLL(None)
_PYTHON = ctypes.pythonapi
_PYTHON.PyThreadState_Get.restype = ctypes.c_void_p
_PYTHON.PyThreadState_Clear.argtypes = [ctypes.c_void_p]
_PYTHON.PyThreadState_Delete.argtypes = [ctypes.c_void_p]
_SYSTEM.pthread_getspecific.argtypes = [ctypes.c_ulong]
_SYSTEM.pthread_getspecific.restype = ctypes.c_void_p
_SYSTEM.pthread_setspecific.argtypes = [ctypes.c_ulong, ctypes.c_void_p]


def _forget(state: int) -> None:
    """Free the state of a thread that ends; the system has it run on that thread, in a state of its own."""
    _PYTHON.PyThreadState_Clear(state)
    _PYTHON.PyThreadState_Delete(state)


_FORGET = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_forget)
_KEPT = ctypes.c_ulong()
if _SYSTEM.pthread_key_create(ctypes.byref(_KEPT), _FORGET):
    raise OSError("the system has no thread-specific storage left")


def keep_thread_state() -> None:
    """Keep the state of the calling thread, which is not Python's own, until the thread ends.

    What the thread stores in `threading.local` or a context variable then outlives the call.
    """
    if not _SYSTEM.pthread_getspecific(_KEPT):
        _SYSTEM.pthread_setspecific(_KEPT, _PYTHON.PyThreadState_Get())
        _PYTHON.PyGILState_Ensure()

"""The headers by which a trace goes from one process to the next (W3C Trace Context).

They are passed on whether or not this service records traces: the caller's may.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

TraceHeaders = tuple[tuple[str, str], ...]
"""Nothing, or `traceparent` and perhaps `tracestate`, ready to be sent as headers or metadata."""

NO_TRACE: Final[TraceHeaders] = ()
UNTRACED: Final[TraceHeaders] = (("traceparent", f"00-{1:032x}-{1:016x}-00"),)
"""What a probe sends: a trace that is not recorded, so that probes do not begin traces of their own."""

_PARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE: Final = re.compile(r"[\x20-\x7e]{1,512}")


def trace_headers(header: Callable[[str], str | None]) -> TraceHeaders:
    """Return what the headers of a call say of a trace; what is not well-formed counts as absent.

    Args:
        header: Returns the value of a header; None or an empty string if there is none.
    """
    parent = header("traceparent")
    if not parent or _PARENT.fullmatch(parent) is None:
        return NO_TRACE
    state = header("tracestate")
    if not state or _STATE.fullmatch(state) is None:
        return (("traceparent", parent),)
    return (("traceparent", parent), ("tracestate", state))

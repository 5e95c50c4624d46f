"""What of a caller's trace headers is believed."""

from __future__ import annotations

import pytest

from hatidata_telemetry.context import UNTRACED, trace_headers

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_takes_a_parent_and_its_state() -> None:
    headers = {"traceparent": PARENT, "tracestate": "vendor=1"}

    assert trace_headers(headers.get) == (("traceparent", PARENT), ("tracestate", "vendor=1"))


def test_takes_no_state_without_a_parent() -> None:
    assert trace_headers({"tracestate": "vendor=1"}.get) == ()


@pytest.mark.parametrize(
    "parent",
    [
        "",
        PARENT.upper(),
        PARENT + "\n",
        PARENT[:-1],
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
        "00-\u0660af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
)
def test_takes_no_parent_that_is_not_well_formed(parent: str) -> None:
    assert trace_headers({"traceparent": parent}.get) == ()


@pytest.mark.parametrize("state", ["", "a" * 513, "a=\r\nauthorization: x", "a=\xe9"])
def test_leaves_out_a_state_that_no_header_can_hold(state: str) -> None:
    assert trace_headers({"traceparent": PARENT, "tracestate": state}.get) == (("traceparent", PARENT),)


def test_the_trace_of_probes_is_well_formed_and_not_recorded() -> None:
    assert trace_headers(dict(UNTRACED).get) == UNTRACED
    assert UNTRACED[0][1].endswith("-00")

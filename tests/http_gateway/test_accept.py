"""Which form of an answer a caller gets for its Accept headers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.accept import ARROW, JSON, PARQUET, PLAIN, Choice, negotiate, parse_preferences
from http_gateway.errors import Code, Refused


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/*",
        ARROW,
        ARROW.upper(),
        f"text/html, {ARROW};q=0.1",
        f"text/html;q=1, */*;q=0.5, {ARROW}",
        "application/json, */*",
    ],
)
def test_accepts_what_lets_the_type_through(accept: str | None) -> None:
    assert negotiate(ARROW, accept, None) == PLAIN


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json",
        f"{ARROW};q=0",
        f"*/*, {ARROW};q=0",
        "*/*;q=0",
        "nonsense",
        f"{ARROW};q=x",
    ],
)
def test_refuses_what_rules_the_type_out(accept: str) -> None:
    with pytest.raises(Refused) as caught:
        negotiate(ARROW, accept, None)

    assert caught.value.code is Code.NOT_ACCEPTABLE
    assert ARROW in caught.value.message


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip;q=0", "identity"),
        ("br", "identity"),
        ("*", "identity"),
        ("br, *;q=0.1", "identity"),
        ("identity;q=0, *", "zstd"),
        ("*;q=0, gzip", "gzip"),
        ("identity;q=0, gzip;q=0.001", "gzip"),
        ("gzip;q=0.001", "gzip"),
    ],
)
def test_chooses_the_coding_with_the_highest_quality(accept_encoding: str | None, coding: str) -> None:
    assert negotiate(JSON, None, accept_encoding).coding == coding


@pytest.mark.parametrize(
    "accept_encoding", ["identity;q=0", "*;q=0", "br, identity;q=0", "gzip;q=0, identity;q=0"]
)
def test_refuses_when_no_coding_is_left(accept_encoding: str) -> None:
    with pytest.raises(Refused) as caught:
        negotiate(ARROW, None, accept_encoding)

    assert caught.value.code is Code.NOT_ACCEPTABLE


@pytest.mark.parametrize(
    ("codecs", "codec"),
    [('"zstd, lz4"', "zstd"), ('"lz4, zstd"', "lz4"), ("zstd", "zstd"), ('"snappy"', None), ('""', None)],
)
def test_takes_the_first_ipc_codec_that_it_has(codecs: str, codec: str | None) -> None:
    assert negotiate(ARROW, f"{ARROW}; codecs={codecs}", None).ipc_codec == codec


@pytest.mark.parametrize("codecs", ['"zstd, lz4"', '""'])
def test_never_compresses_twice(codecs: str) -> None:
    choice = negotiate(ARROW, f"{ARROW}; codecs={codecs}", "gzip, zstd")

    assert choice.coding == "identity"


def test_applies_ipc_codecs_to_arrow_only() -> None:
    assert negotiate(JSON, 'application/json; codecs="zstd"', "gzip") == Choice("gzip", None)


def test_sends_parquet_as_it_is() -> None:
    assert negotiate(PARQUET, None, "gzip, zstd") == PLAIN


def test_reads_commas_inside_quotes() -> None:
    first, second = parse_preferences('a/b; x="1, \\"2\\""; q=0.5, c/d')

    assert (first.value, first.quality, first.parameters) == ("a/b", 0.5, (("x", '1, "2"'),))
    assert second.value == "c/d"


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_headers_give_a_choice_or_a_refusal(accept: str, accept_encoding: str) -> None:
    choice = PLAIN
    with contextlib.suppress(Refused):
        choice = negotiate(ARROW, accept, accept_encoding)

    assert choice.coding == "identity" or choice.ipc_codec is None

"""Content negotiation: the request's headers in, a choice out, no I/O.

An Arrow body is compressed either by an HTTP content coding or inside its IPC buffers,
never both: who asks for IPC `codecs` in `Accept` gets no content coding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from http_gateway.errors import Code, Refused

Coding = Literal["identity", "gzip", "zstd"]
IpcCodec = Literal["zstd", "lz4"]

ARROW: Final = "application/vnd.apache.arrow.stream"
PARQUET: Final = "application/vnd.apache.parquet"
JSON: Final = "application/json"

UNNAMED: Final = 0.0001
"""The quality of sending plain bytes to a caller who did not mention them; below any that can be named."""

_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,\s"]*)\s*')
_ITEM = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True)
class Preference:
    """One element of an Accept or Accept-Encoding header."""

    value: str
    quality: float
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """Return the value of a parameter, or None when it is not given."""
        return dict(self.parameters).get(name)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the answer will be encoded with; at most one of the two does anything."""

    coding: Coding = "identity"
    ipc_codec: IpcCodec | None = None


PLAIN: Final = Choice()


def negotiate(media_type: str, accept: str | None, accept_encoding: str | None) -> Choice:
    """Return how to encode an answer of *media_type*.

    Args:
        media_type: What the endpoint produces.
        accept: The request's `Accept`; None or empty accepts everything.
        accept_encoding: The request's `Accept-Encoding`; None or empty means no coding.

    Raises:
        Refused: `NOT_ACCEPTABLE` when the caller rules out all that the endpoint can send.
    """
    if accept is None and accept_encoding is None:
        return PLAIN
    asked = accepted_as(media_type, accept)
    codecs = asked.parameter("codecs") if media_type == ARROW else None
    coding = choose_coding(accept_encoding, plain_only=codecs is not None or media_type == PARQUET)
    return Choice(coding, choose_codec(codecs) if codecs is not None else None)


def accepted_as(media_type: str, accept: str | None) -> Preference:
    """Return the element of *accept* that lets *media_type* through."""
    if not accept or not accept.strip():
        return Preference("*/*", 1.0)
    best = _most_specific(parse_preferences(accept), _patterns(media_type))
    if best is None or best.quality == 0:
        raise Refused(Code.NOT_ACCEPTABLE, f"this endpoint answers with {media_type}")
    return best


def choose_coding(accept_encoding: str | None, *, plain_only: bool = False) -> Coding:
    """Return the content coding with the highest quality; zstd before gzip before none.

    Args:
        accept_encoding: The header's value.
        plain_only: The body is compressed already, so that only `identity` makes sense.
    """
    if not accept_encoding or not accept_encoding.strip():
        return "identity"
    asked = parse_preferences(accept_encoding)
    offers: tuple[Coding, ...] = ("identity",) if plain_only else ("zstd", "gzip", "identity")
    ranked = [(_coding_quality(asked, coding), coding) for coding in offers]
    quality, coding = max(ranked, key=lambda pair: pair[0])
    if quality <= 0:
        raise Refused(Code.NOT_ACCEPTABLE, f"content codings offered: {', '.join(offers)}")
    return coding


def choose_codec(codecs: str) -> IpcCodec | None:
    """Return the first codec of the list that this server has, or None for plain buffers."""
    for name in (part.strip().lower() for part in codecs.split(",")):
        if name == "zstd":
            return "zstd"
        if name in ("lz4", "lz4_frame"):
            return "lz4"
    return None


def parse_preferences(header: str) -> tuple[Preference, ...]:
    """Return the elements of a header; what is malformed counts as quality 0."""
    return tuple(_preference(item.strip()) for item in _ITEM.findall(header) if item.strip())


def _preference(item: str) -> Preference:
    value, _, rest = item.partition(";")
    pairs = tuple((name.lower(), _unquoted(text)) for name, text in _PARAMETER.findall(";" + rest))
    quality = dict(pairs).get("q", "1")
    valid = _QUALITY.fullmatch(quality) is not None
    kept = tuple(pair for pair in pairs if pair[0] != "q")
    return Preference(value.strip().lower(), float(quality) if valid else 0.0, kept)


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _patterns(media_type: str) -> tuple[str, ...]:
    return (media_type, media_type.partition("/")[0] + "/*", "*/*")


def _most_specific(asked: Sequence[Preference], patterns: Sequence[str]) -> Preference | None:
    for pattern in patterns:
        matching = [element for element in asked if element.value == pattern]
        if matching:
            return max(matching, key=lambda element: element.quality)
    return None


def _coding_quality(asked: Sequence[Preference], coding: Coding) -> float:
    """Return how much the caller wants *coding*; what only `*` allows comes after no coding at all."""
    named = _most_specific(asked, (coding, f"x-{coding}"))
    if named is not None:
        return named.quality
    wildcard = _most_specific(asked, ("*",))
    if coding == "identity":
        return 0.0 if wildcard is not None and wildcard.quality == 0 else UNNAMED
    return 0.0 if wildcard is None else wildcard.quality * UNNAMED / 2

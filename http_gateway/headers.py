"""The headers of an answer that holds a result; their names are those of both documents."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from http_gateway.accept import Choice
from http_gateway.errors import Profile
from http_gateway.receipt import Receipt

Headers = list[tuple[str, str]]

VARY = ("Vary", "Accept, Accept-Encoding")

MOST_FILTERS: Final = 32
"""Tables that `X-Row-Filters` names; three dots stand for more, for clients give up on very long headers."""


def result_headers(receipt: Receipt, columns: int, profile: Profile) -> Headers:
    """Return what a caller reads about its query; `X-Cache-Hit` means what the port's document says."""
    duration = str(round(receipt.duration_ms))
    cache_hit = receipt.result_cache_hit if profile is Profile.NATIVE else receipt.transpile_cache_hit
    headers = [
        ("X-Row-Count", str(receipt.rows)),
        ("X-Column-Count", str(columns)),
        ("X-Query-Id", receipt.query_id),
        ("X-Credits-Consumed", str(round(receipt.credits_consumed, 6))),
        ("X-Duration-Ms", duration),
        ("x-execution-time-ms", duration),
        ("x-rows-affected", str(receipt.affected)),
        ("X-Cache-Hit", _flag(cache_hit)),
        ("X-Transpile-Cache-Hit", _flag(receipt.transpile_cache_hit)),
        ("X-Result-Cache-Hit", _flag(receipt.result_cache_hit)),
    ]
    if receipt.row_filters:
        headers.append(("X-Row-Filters", _named(receipt.row_filters)))
    return headers


def body_headers(media_type: str, choice: Choice, filename: str | None) -> Headers:
    """Return what a caller reads about the body."""
    codec = f'; codecs="{choice.ipc_codec}"' if choice.ipc_codec else ""
    headers = [("Content-Type", media_type + codec), VARY]
    if choice.coding != "identity":
        headers.append(("Content-Encoding", choice.coding))
    if filename is not None:
        headers.append(("Content-Disposition", f'attachment; filename="{filename}"'))
    return headers


def _named(tables: tuple[str, ...]) -> str:
    names = [quote(name, safe="") for name in tables[:MOST_FILTERS]]
    return ", ".join(names + ["..."] * (len(tables) > MOST_FILTERS))


def _flag(value: bool) -> str:
    return "true" if value else "false"

"""Where a statement ends, as far as a prompt must know it: at a `;` outside of texts and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<closed> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]*(?:\n|\Z) | /\*.*?\*/
        | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$ )
    | (?P<open> ['"] | /\* | \$(?:[A-Za-z_]\w*)?\$ )
    | (?P<end> ; )
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed.

    Attributes:
        statements: Those that are complete, without their semicolons.
        rest: What follows the last semicolon.
    """

    statements: tuple[str, ...]
    rest: str


def typed(text: str) -> Typed:
    """Split *text* at the semicolons that end statements."""
    statements, start = [], 0
    for token in _TOKEN.finditer(text):
        if token["open"] is not None:
            break
        if token["end"] is not None:
            statements.append(text[start : token.start()].strip())
            start = token.end()
    rest = text[start:].strip()
    return Typed(tuple(one for one in statements if one), "" if _is_comment(rest) else rest)


def _is_comment(text: str) -> bool:
    return not _COMMENTS.sub("", text).strip()

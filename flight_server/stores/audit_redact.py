"""Takes every literal out of an SQL text, whatever dialect it is in and whether or not it parses.

A reader would get this wrong: the same quote can open a string in DuckDB and close one in
Snowflake (backslash escapes, `//` comments, nested comments). Text that two dialects read
differently is not guessed at: from there to its end everything is taken out.
"""

from __future__ import annotations

import functools
import re
from typing import Final

REDACTED: Final = "[REDACTED]"

_LONGEST_CACHED: Final = 16_384
_TOKEN: Final = re.compile(
    r"""
      (?P<plain> (?:
          [\s,()=<>*+;:?@\[\]{}]++
        | \.(?!\d)
        | (?!(?:true|false)\b(?!\$)) [^\W\d](?:\w|\$(?!\$))*+(?!\$)
        | \$\d++(?![\w$])
        | \$[^\W\d]\w*+(?!\$)
        | "(?:[^"]|"")*+"
        )++ )
    | (?P<string> '(?:[^'\\]++|''|\\[^'])*+'(?!') )
    | (?P<number> (?: \d | \.\d ) [\w.]*+ )
    | (?P<comment> --[^\n\r]*+(?=\r?\n|\Z) | /\*(?:[^*/]++|\*(?!/)|/(?![*/]))*+\*/ )
    | (?P<boolean> (?:true|false)\b(?!\$) )
    | (?P<dollar> (?<![\w$]) \$(?P<tag>(?:[^\W\d]\w*+)?)\$ (?: [^$]++ | \$(?!(?P=tag)\$) )*+ \$(?P=tag)\$ )
    | (?P<quote> [\'"`$\\] | -- | /\* | // )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AMBIGUOUS_AFTER_SLASHES: Final = re.compile(r"""['"`$]|--|/\*""")


def redact(sql: str) -> str:
    """Return *sql* with every literal replaced by `[REDACTED]` and without its comments.

    Identifiers and parameter marks (`$1`, `?`, `$name`) stay. The result is meant to be
    read, not to be run.
    """
    return _redact_cached(sql) if len(sql) <= _LONGEST_CACHED else _redact(sql)


def _redact(sql: str) -> str:
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(sql):
        parts.append(sql[end : token.start()])
        kind = token.lastgroup
        if kind == "quote" and not _harmless(token):
            parts.append(REDACTED)
            return "".join(parts)
        parts.append(_REPLACEMENTS.get(kind or "", token.group()))
        end = token.end()
    parts.append(sql[end:])
    return "".join(parts)


_redact_cached = functools.lru_cache(maxsize=2048)(_redact)

_REPLACEMENTS: Final = {
    "string": REDACTED,
    "dollar": REDACTED,
    "number": REDACTED,
    "boolean": REDACTED,
    "comment": " ",
}


def _harmless(token: re.Match[str]) -> bool:
    """Whether `//`, a division here and a comment there, makes no difference to what follows."""
    rest_of_text = token.string[token.end() :]
    return token.group() == "//" and _AMBIGUOUS_AFTER_SLASHES.search(rest_of_text) is None

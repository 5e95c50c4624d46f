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


def redact(sql: str) -> str:
    """Return *sql* with every literal replaced by `[REDACTED]` and without its comments.

    Identifiers and parameter marks (`$1`, `?`, `$name`) stay. The result is meant to be
    read, not to be run.
    """
    return _redact_cached(sql) if len(sql) <= _LONGEST_CACHED else _redact(sql)


def _redact(sql: str) -> str:
    parts: list[str] = []
    end = 0
    unclear = _last_unclear(sql)
    for token in _TOKEN.finditer(sql):
        parts.append(sql[end : token.start()])
        kind = token.lastgroup
        if kind == "quote" and (token.group() != "//" or token.end() <= unclear):
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


def _last_unclear(sql: str) -> int:
    """Return up to where it matters that `//` divides in DuckDB and begins a comment in Snowflake."""
    return max(sql.rfind(mark) for mark in ("'", '"', "`", "$", "--", "/*"))

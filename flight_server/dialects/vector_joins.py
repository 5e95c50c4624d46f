"""`JOIN_VECTOR t ON semantic_match(..)`: an inner join by another name, which no parser knows.

It is put right in the text, before anything reads it, and only in a text that is not SQL as it stands: a
column may be called so, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = "join_vector"
_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | (?P<join> \b JOIN_VECTOR (?= \s+ ["\w] | \s* \( ) )
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)


def inner_joins(sql: str, accepts: Callable[[str], bool]) -> str:
    """Return *sql* with INNER JOIN for JOIN_VECTOR, outside of texts, names and comments."""
    if _WORD not in sql.lower() or accepts(sql):
        return sql
    return _TOKEN.sub(lambda token: "INNER JOIN" if token["join"] else token[0], sql)

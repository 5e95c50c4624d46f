"""The rewritten tree to DuckDB text; what the printer cannot say faithfully is refused."""

from __future__ import annotations

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError, UnsupportedError

from flight_server.dialects.bounds import check_tree
from flight_server.dialects.build import Node
from flight_server.dialects.refuse import unsupported

_WORDS = (
    "all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case "
    "cast check collate collation column columns concurrently constraint create cross default deferrable "
    "desc describe distinct do else end except false fetch for foreign freeze from full generated glob "
    "group having ilike in initially inner intersect into is isnull join lambda lateral leading left like "
    "limit map natural not notnull null offset on only or order outer overlaps pivot pivot_longer "
    "pivot_wider placing positional primary qualify references returning right select semi show similar "
    "some struct summarize symmetric table tablesample then to trailing true try_cast tuple union unique "
    "unpack unpivot using variadic verbose when where window with "
)
RESERVED = frozenset(_WORDS.split())
"""DuckDB's words that are no column and table names without quotes; Snowflake's are fewer."""


def write(tree: Node) -> str:
    """Return *tree* as the text of one DuckDB statement.

    Raises:
        QueryRefused: QUERY_ERROR for a construct that DuckDB has no words for.
    """
    check_tree(tree)
    for name in tree.find_all(exp.Identifier):
        if name.name.lower() in RESERVED:
            name.set("quoted", True)
    generator = DuckDB().generator(
        unsupported_level=ErrorLevel.RAISE, comments=False, normalize_functions=False
    )
    try:
        return str(generator.generate(tree, copy=False))
    except (UnsupportedError, SqlglotError) as error:
        raise unsupported(f"a construct of this statement ({str(error).splitlines()[0]})") from None

"""The rewritten tree to DuckDB text; what the printer cannot say faithfully is refused."""

from __future__ import annotations

from sqlglot import ErrorLevel
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError, UnsupportedError

from flight_server.dialects.build import Node
from flight_server.dialects.refuse import unsupported


def write(tree: Node) -> str:
    """Return *tree* as the text of one DuckDB statement.

    Raises:
        QueryRefused: QUERY_ERROR for a construct that DuckDB has no words for.
    """
    generator = DuckDB().generator(
        unsupported_level=ErrorLevel.RAISE, comments=False, normalize_functions=False
    )
    try:
        return str(generator.generate(tree, copy=False))
    except (UnsupportedError, SqlglotError) as error:
        raise unsupported(f"a construct of this statement ({str(error).splitlines()[0]})") from None

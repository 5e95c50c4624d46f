"""DuckDB's own parser and printer, on an empty instance that holds no data.

The tree is the JSON that `json_serialize_sql` prints, so no second parser's
opinion of DuckDB's grammar can differ from the engine's. That function takes
reads only; a write is read as the body of a common table expression, which
DuckDB 2.0 allows, and printed the same way.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any, TypeAlias

import duckdb

from flight_server.errors import ErrorCode, QueryRefused

Node: TypeAlias = dict[str, Any]
"""A node of DuckDB's tree; `Any` because its JSON is not described by a schema."""

MAX_DEPTH = 250
_BODY = "__body"
_PREFIX = f"WITH {_BODY} AS ("
_SUFFIX = ") SELECT 1"


class Parser:
    """A parser and printer of DuckDB's SQL; safe to use from several threads."""

    def __init__(self) -> None:
        self._instance = duckdb.connect(
            ":memory:",
            config={
                "enable_external_access": "false",
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
                "python_enable_replacements": "false",
                "max_expression_depth": str(MAX_DEPTH),
                "threads": "1",
                "lock_configuration": "true",
            },
        )
        self._local = threading.local()

    def close(self) -> None:
        """Close the instance."""
        self._instance.close()

    def kinds(self, sql: str) -> list[str]:
        """Return the statement types of *sql*, such as `["SELECT"]`.

        Raises:
            QueryRefused: QUERY_PARSE_ERROR, with DuckDB's text about the caller's own text.
        """
        try:
            return [_kind(statement) for statement in self._connection().extract_statements(sql)]
        except duckdb.Error as error:
            raise parse_error(str(error)) from None

    def accepts(self, sql: str) -> bool:
        """Tell whether *sql* is DuckDB's grammar, whatever it would do."""
        try:
            return bool(self.kinds(sql))
        except QueryRefused:
            return False

    def parse_read(self, sql: str) -> str:
        """Return the tree of one reading statement, as JSON text."""
        serialized = self._serialize(sql)
        if serialized.startswith('{"error":true'):
            raise parse_error(str(json.loads(serialized).get("error_message", "not a query")))
        return serialized

    def parse_write(self, sql: str) -> str:
        """Return the tree of one INSERT, UPDATE or DELETE, as the JSON text of its wrapping query."""
        return self.parse_read(f"{_PREFIX}\n{sql.rstrip().rstrip(';')}\n{_SUFFIX}")

    def print_read(self, tree: Node) -> str:
        """Return the SQL text of a tree of `parse_read`."""
        try:
            return self._text("SELECT json_deserialize_sql($1::JSON)", json.dumps(tree))
        except duckdb.Error as error:
            raise QueryRefused(
                ErrorCode.QUERY_ERROR, "SQL error: unsupported construct", detail=str(error)
            ) from None

    def print_write(self, tree: Node) -> str:
        """Return the SQL text of the statement inside a tree of `parse_write`."""
        text = self.print_read(tree)
        if not (text.startswith(_PREFIX) and text.endswith(_SUFFIX)):
            raise QueryRefused(ErrorCode.QUERY_ERROR, "SQL error: unsupported construct", detail=text)
        return text[len(_PREFIX) : -len(_SUFFIX)]

    def tokens(self, sql: str) -> list[tuple[int, str]]:
        """Return offset and kind of every token of *sql*."""
        return [(offset, str(kind)) for offset, kind in duckdb.tokenize(sql)]

    def without_comments(self, sql: str) -> str:
        """Return *sql* without its comments; strings stay as they are."""
        tokens, encoded = self.tokens(sql), sql.encode()
        starts = [offset for offset, _ in tokens] + [len(encoded)]
        return b"".join(
            b" " if "comment" in kind else encoded[start:end]
            for (start, kind), end in zip(tokens, starts[1:], strict=True)
        ).decode()

    def first_word(self, sql: str) -> str:
        """Return the first word of *sql* that is no comment, in lower case."""
        word = re.match(r"\s*(\w*)", self.without_comments(sql))
        return word.group(1).lower() if word else ""

    def _serialize(self, sql: str) -> str:
        try:
            return self._text("SELECT json_serialize_sql($1::VARCHAR)", sql)
        except duckdb.Error as error:
            raise parse_error(str(error)) from None

    def _text(self, query: str, argument: str) -> str:
        return str(self._connection().execute(query, [argument]).fetchall()[0][0])

    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection: duckdb.DuckDBPyConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._instance.cursor()
        return connection


def _kind(statement: duckdb.Statement) -> str:
    """Return the statement's type; DuckDB has types, such as CONNECT, that its Python API cannot name."""
    try:
        return statement.type.name
    except ValueError:
        return "UNKNOWN"


def only_statement(tree: Node) -> Node:
    """Return the one statement of *tree*; several are refused."""
    statements = tree["statements"]
    if len(statements) != 1:
        raise QueryRefused(
            ErrorCode.INVALID_REQUEST, "Invalid request: send exactly one statement in each query"
        )
    statement: Node = statements[0]
    return statement


def write_body(tree: Node) -> Node:
    """Return the INSERT, UPDATE or DELETE node inside a tree of `parse_write`."""
    ctes = only_statement(tree)["node"]["cte_map"]["map"]
    if len(ctes) != 1 or ctes[0]["key"] != _BODY:
        raise parse_error("the statement does not end where it should")
    body: Node = ctes[0]["value"]["query_node"]
    return body


def parse_error(text: str) -> QueryRefused:
    """Return the refusal for a text that is not SQL; *text* speaks of the caller's own text only."""
    first = text.split("\n\n", maxsplit=1)[0].removeprefix("Parser Error: ").strip()
    return QueryRefused(ErrorCode.QUERY_PARSE_ERROR, f"SQL parse error: {first[:1000]}", detail=text[:4000])

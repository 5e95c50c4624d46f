"""What an agent remembers, as methods: each is SQL through the service, under the caller's policies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hatidata_agent.errors import InvalidRequestError, QueryError

if TYPE_CHECKING:
    import pyarrow as pa

    from hatidata_agent.parameters import Parameter

_STORE: Final = "SELECT store_memory($1, NULL, $2, $3, $4)"
_SEARCH: Final = (
    "SELECT CAST(memory_id AS VARCHAR) AS memory_id, content, memory_type, metadata, importance, created_at, "
    "semantic_rank(content, $1) AS relevance FROM main._hatidata_agent_memory "
    "WHERE agent_id = current_agent_id() AND memory_type = coalesce($2, memory_type) "
    "AND importance >= coalesce($3, 0) ORDER BY relevance DESC, importance DESC LIMIT {top_k}"
)
_GET: Final = "SELECT value FROM main._hatidata_agent_state WHERE agent_id = current_agent_id() AND key = $1"
_CHANGE: Final = (
    "UPDATE main._hatidata_agent_state SET value = CAST($2 AS JSON), version = version + 1, "
    "updated_at = CAST(now() AS TIMESTAMP) WHERE agent_id = current_agent_id() AND key = $1"
)
_ADD: Final = (
    "INSERT INTO main._hatidata_agent_state (agent_id, key, value) "
    "VALUES (current_agent_id(), $1, CAST($2 AS JSON))"
)
_DELETE: Final = (
    "DELETE FROM main._hatidata_agent_memory "
    "WHERE agent_id = current_agent_id() AND memory_id = TRY_CAST($1 AS UUID)"
)
_MOST: Final = 100_000


class Memory:
    """The memory methods of `HatiDataAgent`, which provides the four methods they are made of."""

    def query(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows of a query."""
        raise NotImplementedError

    def execute(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> int:
        """Run a statement."""
        raise NotImplementedError

    def query_arrow(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> pa.Table:
        """Return the answer as an Arrow table."""
        raise NotImplementedError

    def store_memory(
        self,
        content: str,
        memory_type: str = "fact",
        metadata: Mapping[str, object] | None = None,
        importance: float = 0.5,
    ) -> str:
        """Remember *content* and return the memory's id.

        Args:
            content: What `search_memory` will find by its meaning.
            memory_type: Such as `fact`, `episode`, `preference`, `context`.
            metadata: Anything else that JSON can hold.
            importance: From 0 to 1.

        Raises:
            HatiDataError: The subclass says why.
        """
        told = None if metadata is None else json.dumps(dict(metadata))
        return str(self.query(_STORE, [content, memory_type, told, importance])[0]["memory_id"])

    def search_memory(
        self,
        query: str,
        top_k: int = 10,
        memory_type: str | None = None,
        min_importance: float | None = None,
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return this agent's memories that are nearest in meaning to *query*, with their `relevance`.

        Raises:
            HatiDataError: The subclass says why.
        """
        sql = _SEARCH.format(top_k=_count(top_k))
        found = self.query(sql, [query, memory_type, min_importance])
        return [memory | {"metadata": _loaded(memory["metadata"])} for memory in found]

    def delete_memory(self, memory_id: str) -> bool:
        """Forget one memory of this agent; tell whether there was one.

        Raises:
            HatiDataError: The subclass says why.
        """
        return self.execute(_DELETE, [memory_id]) > 0

    def get_state(self, key: str) -> Any:  # Any: whatever JSON was kept
        """Return the value that this agent keeps under *key*; None if there is none.

        Raises:
            HatiDataError: The subclass says why.
        """
        found = self.query(_GET, [key])
        return _loaded(found[0]["value"]) if found else None

    def set_state(self, key: str, value: object) -> None:
        """Keep a JSON value for this agent under *key*, in the place of an older one.

        Raises:
            HatiDataError: The subclass says why.
        """
        values = [key, json.dumps(value)]
        if self.execute(_CHANGE, values):
            return
        try:
            self.execute(_ADD, values)
        except QueryError:  # another program of the same agent was first
            if not self.execute(_CHANGE, values):
                raise

    def get_context(
        self, table: str, search_query: str, top_k: int = 10
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows of *table* whose texts are nearest in meaning to *search_query*.

        Raises:
            HatiDataError: The subclass says why; InvalidRequestError for a table without texts.
        """
        name = _quoted(table)
        schema = self.query_arrow(f"SELECT * FROM {name} LIMIT 0").schema
        texts = [column.name for column in schema if str(column.type) in ("string", "large_string")]
        if not texts:
            raise InvalidRequestError(f"table {table} has no column of text", sent=False)
        whole = f"concat_ws(' ', {', '.join(map(_quoted_part, texts))})"
        return self.query(
            f"SELECT *, semantic_rank({whole}, $1) AS relevance FROM {name} "
            f"ORDER BY relevance DESC LIMIT {_count(top_k)}",
            [search_query],
        )

    def get_rag_context(
        self, table: str, embedding_col: str, vector: Sequence[float], top_k: int = 10
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows of *table* whose vectors in *embedding_col* are nearest to *vector*.

        Raises:
            HatiDataError: The subclass says why.
        """
        column, given = _quoted_part(embedding_col), json.dumps([float(number) for number in vector])
        return self.query(
            f"SELECT *, semantic_rank({column}, CAST($1 AS FLOAT[{len(vector)}])) AS relevance "
            f"FROM {_quoted(table)} ORDER BY relevance DESC LIMIT {_count(top_k)}",
            [given],
        )


def _count(top_k: int) -> int:
    if not 1 <= top_k <= _MOST:
        raise InvalidRequestError(f"top_k must be from 1 to {_MOST}", sent=False)
    return top_k


def _quoted(table: str) -> str:
    return ".".join(map(_quoted_part, table.split(".")))


def _quoted_part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _loaded(text: Any) -> Any:  # Any: whatever JSON was kept
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text

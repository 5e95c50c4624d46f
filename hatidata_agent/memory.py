"""What an agent remembers, as methods: each is SQL through the service, under the caller's policies."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hatidata_agent.errors import InvalidRequestError, QueryError
from hatidata_agent.memory_sql import ADD_STATE, CHANGE_STATE, DELETE, GET_STATE, SEARCH, STORE

if TYPE_CHECKING:
    import pyarrow as pa

    from hatidata_agent.parameters import Parameter

_MOST: Final = 100_000


class Memory(ABC):
    """The memory methods of `HatiDataAgent`, which provides the three methods they are made of."""

    @abstractmethod
    def query(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> list[dict[str, Any]]:  # Any: a value of any SQL type
        """Return the rows of a query."""

    @abstractmethod
    def execute(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> int:
        """Run a statement."""

    @abstractmethod
    def query_arrow(
        self, sql: str, parameters: Sequence[Parameter] = (), *, timeout_ms: int | None = None
    ) -> pa.Table:
        """Return the answer as an Arrow table."""

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
        return str(self.query(STORE, [content, memory_type, told, importance])[0]["memory_id"])

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
        sql = SEARCH.format(top_k=_count(top_k))
        found = self.query(sql, [query, memory_type, min_importance])
        return [memory | {"metadata": _loaded(memory["metadata"])} for memory in found]

    def delete_memory(self, memory_id: str) -> bool:
        """Forget one memory of this agent; tell whether there was one.

        Raises:
            HatiDataError: The subclass says why.
        """
        return self.execute(DELETE, [memory_id]) > 0

    def get_state(self, key: str) -> Any:  # Any: whatever JSON was kept
        """Return the value that this agent keeps under *key*; None if there is none.

        Raises:
            HatiDataError: The subclass says why.
        """
        found = self.query(GET_STATE, [key])
        return _loaded(found[0]["value"]) if found else None

    def set_state(self, key: str, value: object) -> None:
        """Keep a JSON value for this agent under *key*, in the place of an older one.

        Raises:
            HatiDataError: The subclass says why.
        """
        values = [key, json.dumps(value)]
        if self.execute(CHANGE_STATE, values):
            return
        try:
            self.execute(ADD_STATE, values)
        except QueryError:  # another program of the same agent was first
            if not self.execute(CHANGE_STATE, values):
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

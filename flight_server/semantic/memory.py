"""What agents remember: the table, the statement that stores into it, and the vectors beside it.

The vectors live in a schema of their own that no catalog shows, keyed by memory and by
the hash of the text they were made of: a text that changed has no vector until it is
embedded again, and the engine's function compares it meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import structlog

from flight_server.engines.duckdb_changes import Answered, latest_row, refuse_hidden_rows
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Scalar
from flight_server.semantic.embedder import EmbeddingFailed, Matrix
from flight_server.semantic.names import HIDDEN_SCHEMA, MEMORY, RANK, STATE
from flight_server.semantic.vectors import Vectors
from flight_server.steps.transpile import Plan
from flight_server.stores.changes import Changes

LOOK_AGAIN_S: Final = 1.0
SETTLE_S: Final = 3.0
"""For how long after the start the first searches need not share the processor with a look for work."""
TEXTS_AT_ONCE: Final = 32_768
ID_SCHEMA: Final = pa.schema([pa.field("memory_id", pa.string())])
DEFAULT_TYPE: Final = "fact"
DEFAULT_IMPORTANCE: Final = 0.5

_TABLES = f"""
CREATE TABLE IF NOT EXISTS {{catalog}}.main.{MEMORY.table} (
    memory_id UUID PRIMARY KEY DEFAULT uuid(), org_id VARCHAR, agent_id VARCHAR, session_id VARCHAR,
    memory_type VARCHAR DEFAULT 'fact', content TEXT, metadata JSON, importance FLOAT DEFAULT 0.5,
    has_embedding BOOLEAN DEFAULT false, access_count BIGINT DEFAULT 0, last_accessed TIMESTAMP,
    created_at TIMESTAMP DEFAULT current_timestamp::TIMESTAMP,
    updated_at TIMESTAMP DEFAULT current_timestamp::TIMESTAMP
);
CREATE TABLE IF NOT EXISTS {{catalog}}.main.{STATE.table} (
    agent_id VARCHAR, key VARCHAR, value JSON, version BIGINT DEFAULT 1,
    updated_at TIMESTAMP DEFAULT current_timestamp::TIMESTAMP, PRIMARY KEY (agent_id, key)
);
CREATE SCHEMA IF NOT EXISTS {{catalog}}.{HIDDEN_SCHEMA};
"""
_STORE = (
    "INSERT INTO {memory} (agent_id, memory_type, content, metadata, importance, has_embedding) "
    "VALUES ($1, $2, $3, $4::JSON, $5, $6) RETURNING memory_id::VARCHAR"
)
_UNEMBEDDED = (
    "SELECT m.memory_id, m.content, hash(m.content) FROM {memory} AS m ANTI JOIN {vectors} AS v "
    "ON v.memory_id = m.memory_id AND v.text_hash = hash(m.content) "
    f"WHERE m.content IS NOT NULL LIMIT {TEXTS_AT_ONCE}"
)
_FORGET = "DELETE FROM {vectors} AS v WHERE v.memory_id NOT IN (SELECT memory_id FROM {memory})"

_UNMARKED = "NOT coalesce(m.has_embedding, false) AND m.memory_id IN (SELECT memory_id FROM {vectors})"
_ANY_UNMARKED = f"SELECT 1 FROM {{memory}} AS m WHERE {_UNMARKED} LIMIT 1"
_MARK = f"UPDATE {{memory}} AS m SET has_embedding = true WHERE {_UNMARKED}"
_SEARCH = (
    "SELECT m.content FROM {memory} AS m LEFT JOIN (SELECT memory_id, text_hash, "
    "array_inner_product(vector, vector) AS near FROM {vectors}) AS v "
    "ON v.memory_id = m.memory_id AND v.text_hash = hash(m.content) ORDER BY v.near DESC LIMIT 50"
)
"""As the rewriting would have it: all that the first search reads is then in memory."""

log = structlog.get_logger("memory")


class AgentMemory:
    """Stores memories with their vectors, and embeds in the background what came another way.

    Args:
        connect: Opens a connection to the engine.
        catalog: The sealed catalog.
        changes: Tells when the table was written to.
    """

    def __init__(
        self,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        catalog: str,
        changes: Changes,
        vectors: Vectors,
        model: str,
    ) -> None:
        self._connect = connect
        self._catalog = catalog
        self._changes = changes
        self._vectors = vectors
        self._table = f"memory_{hashlib.sha256(model.encode()).hexdigest()[:12]}"
        self._memory = f"{catalog}.main.{MEMORY.table}"
        self._stored = f"{catalog}.{HIDDEN_SCHEMA}.{self._table}"
        self._lock = threading.Lock()
        self._embedding = threading.Lock()
        self._ending = threading.Event()
        self._loaded = threading.Event()
        self._thread = threading.Thread(target=self._keep_embedding, name="memory", daemon=True)
        self._loads_model = False
        self.width = 0
        """Dimensions of the stored vectors; 0 while there are none."""

    @property
    def path(self) -> list[str]:
        """Where the vectors are."""
        return [self._catalog, HIDDEN_SCHEMA, self._table]

    def open(self, embeds: bool, width: int) -> None:
        """Make the tables; with *embeds*, begin to embed in the background.

        Args:
            width: Dimensions of the vectors, or 0 if only the first vector will tell.
        """
        self._loads_model = width > 0
        with self._connect() as connection:
            connection.execute(_TABLES.format(catalog=self._catalog))
            self.width = self._known_width(connection)
        if embeds and width:
            self._make_table(width)
        if embeds:
            self._thread.start()
        else:
            self._loaded.set()

    def wait_loaded(self, seconds: float) -> bool:
        """Wait until searches find model and vectors in memory; tell whether they do."""
        return self._loaded.wait(seconds)

    def close(self) -> None:
        """Stop embedding."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def store(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, parameters: Sequence[Scalar]
    ) -> Answered:
        """Store the memory that *plan* computes, and return its id; the caller opened the transaction.

        Raises:
            QueryRefused: QUERY_ERROR for values that no memory has.
        """
        found = connection.execute(plan.sql, list(parameters) or None).fetchone()
        agent, content, label, kind, metadata, importance = [*(found or ()), *[None] * 6][:6]
        text = _text(content)
        latest = latest_row(connection, plan.check)
        vector = self._vector(text)
        row = [
            agent,
            str(kind or DEFAULT_TYPE),
            text,
            _metadata(metadata, label),
            _importance(importance),
            vector is not None,
        ]
        stored = connection.execute(_STORE.format(memory=self._memory), row).fetchall()
        memory_id = str(stored[0][0])
        if vector is not None:
            self._insert(connection, [memory_id], [text], vector)
        refuse_hidden_rows(connection, plan.check, latest)
        return Answered(ID_SCHEMA, pa.table([pa.array([memory_id])], schema=ID_SCHEMA), 1)

    def embed_some(self) -> int:
        """Embed some memories that have no vector yet; return how many, 0 if none was left."""
        with self._embedding, self._connect() as connection:
            if not self.width:
                first = connection.execute(
                    f"SELECT content FROM {self._memory} WHERE content IS NOT NULL LIMIT 1"
                ).fetchone()
                if first is None:
                    return 0
                self._make_table(self._vectors.of([str(first[0])]).shape[1])
            places = {"memory": self._memory, "vectors": self._stored}
            missing = connection.execute(_UNEMBEDDED.format(**places)).fetchall()
            if not missing:
                connection.execute(_FORGET.format(**places))
                self._mark(connection, places)
                return 0
            texts = [str(text) for _, text, _ in missing]
            self._insert(connection, [str(row[0]) for row in missing], texts, self._vectors.of(texts))
            self._mark(connection, places)
            return len(missing)

    def warm_up(self) -> bool:
        """Load the model, if it is ours, and read the stored vectors: the first search would wait for both.

        Returns:
            Whether there are any: a service that remembers nothing pays neither memory nor time.
        """
        with self._connect() as connection:
            known = self.width and connection.execute(f"SELECT 1 FROM {self._stored} LIMIT 1").fetchone()
            if not known:
                return False
            if self._loads_model:
                connection.execute(f"SELECT {RANK}('warm', 'up')").fetchall()
            connection.execute(_SEARCH.format(vectors=self._stored, memory=self._memory)).fetchall()
        return True

    def _mark(self, connection: duckdb.DuckDBPyConnection, places: Mapping[str, str]) -> None:
        """Have memories say that they have vectors; to change nothing would end kept answers all the same."""
        if connection.execute(_ANY_UNMARKED.format(**places)).fetchone():
            with self._changes.writing([MEMORY]):
                connection.execute(_MARK.format(**places))

    def _vector(self, text: str) -> Matrix | None:
        """Return the vector of *text*, or None if it is left to the background.

        An open transaction does not see a table that is made now, so the first vector is left, too.
        """
        if not self.width:
            return None
        with suppress(EmbeddingFailed):
            return self._vectors.of([text])
        return None

    def _make_table(self, width: int) -> None:
        """Make the table of the vectors, once their width is known."""
        with self._lock:
            if self.width:
                return
            with self._connect() as connection:
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {self._stored} "
                    f"(memory_id UUID, text_hash UBIGINT, vector FLOAT[{width}])"
                )
            self.width = width

    def _insert(
        self, connection: duckdb.DuckDBPyConnection, ids: list[str], texts: list[str], made: Matrix
    ) -> None:
        rows = pa.table(
            {
                "memory_id": ids,
                "content": texts,
                "vector": pa.FixedSizeListArray.from_arrays(
                    pa.array(np.ascontiguousarray(made).reshape(-1)), made.shape[1]
                ),
            }
        )
        connection.register("__embedded", rows)
        try:
            connection.execute(
                f"INSERT INTO {self._stored} SELECT memory_id::UUID, hash(content), vector "
                "FROM temp.main.__embedded"
            )
        finally:
            with suppress(duckdb.Error):
                connection.unregister("__embedded")

    def _known_width(self, connection: duckdb.DuckDBPyConnection) -> int:
        row = connection.execute(
            "SELECT data_type FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? "
            "AND table_name = ? AND column_name = 'vector'",
            self.path,
        ).fetchone()
        return int(str(row[0]).partition("[")[2].rstrip("]")) if row else 0

    def _keep_embedding(self) -> None:
        """Embed whenever the table has changed, until the end."""
        seen: object = None
        try:
            if self.warm_up():
                self._loaded.set()
                self._ending.wait(SETTLE_S)
        except Exception as error:  # noqa: BLE001  # the first search then does it
            log.warning("memories are not loaded yet", reason=str(error)[:300])
        finally:
            self._loaded.set()
        while not self._ending.wait(LOOK_AGAIN_S):
            stamp = self._changes.stamp([MEMORY])
            if stamp is None or stamp == seen:
                continue
            try:
                while not self._ending.is_set() and self.embed_some():
                    pass
                seen = stamp
            except Exception as error:  # noqa: BLE001  # a background loop: the next round tries again
                log.warning("memories wait for their vectors", reason=str(error)[:300])
                self._ending.wait(LOOK_AGAIN_S * 10)


def _text(value: object) -> str:
    if value is None or not str(value).strip():
        raise _refused("a memory needs a content")
    return str(value)


def _metadata(value: object, label: object) -> str | None:
    """Return the metadata as JSON, with the label in it."""
    try:
        known: Any = json.loads(str(value)) if value is not None else {}
    except ValueError:
        raise _refused("the metadata of a memory must be a JSON object") from None
    if not isinstance(known, dict):
        raise _refused("the metadata of a memory must be a JSON object")
    if label is not None and str(label):
        known["label"] = str(label)
    return json.dumps(known, ensure_ascii=False) if known else None


def _importance(value: object) -> float:
    try:
        number = DEFAULT_IMPORTANCE if value is None else float(str(value))
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise _refused("the importance of a memory is a number from 0 to 1")
    return number


def _refused(what: str) -> QueryRefused:
    return QueryRefused(ErrorCode.QUERY_ERROR, f"SQL error: {what}")

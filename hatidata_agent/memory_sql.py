"""The SQL behind an agent's memory: one text for the client's methods and for the gateway's tools."""

from __future__ import annotations

from typing import Final

STORE: Final = "SELECT store_memory($1, NULL, $2, $3, $4)"
"""Takes content, kind, metadata as JSON text and importance."""

SEARCH: Final = (
    "SELECT CAST(memory_id AS VARCHAR) AS memory_id, content, memory_type, metadata, importance, created_at, "
    "semantic_rank(content, $1) AS relevance FROM main._hatidata_agent_memory "
    "WHERE agent_id = current_agent_id() AND memory_type = coalesce($2, memory_type) "
    "AND importance >= coalesce($3, 0) ORDER BY relevance DESC, importance DESC LIMIT {top_k}"
)
"""Takes a text, a kind or null, and the least importance or null; `top_k` is put in as a number."""

DELETE: Final = (
    "DELETE FROM main._hatidata_agent_memory "
    "WHERE agent_id = current_agent_id() AND memory_id = TRY_CAST($1 AS UUID)"
)
GET_STATE: Final = (
    "SELECT value, version, updated_at FROM main._hatidata_agent_state "
    "WHERE agent_id = current_agent_id() AND key = $1"
)
CHANGE_STATE: Final = (
    "UPDATE main._hatidata_agent_state SET value = CAST($2 AS JSON), version = version + 1, "
    "updated_at = CAST(now() AS TIMESTAMP) WHERE agent_id = current_agent_id() AND key = $1"
)
ADD_STATE: Final = (
    "INSERT INTO main._hatidata_agent_state (agent_id, key, value) "
    "VALUES (current_agent_id(), $1, CAST($2 AS JSON))"
)

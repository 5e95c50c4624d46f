"""Names that SQL, policies and clients use for memories and meaning."""

from __future__ import annotations

from typing import Final

from flight_server.model import TableName

MEMORY: Final = TableName("main", "_hatidata_agent_memory")
STATE: Final = TableName("main", "_hatidata_agent_state")
HIDDEN_SCHEMA: Final = "_hatidata_vectors"
"""Holds stored vectors, which would tell what a mask hides; it is in nobody's catalog."""

STORE_MEMORY: Final = "store_memory"
STORES: Final = "STORE_MEMORY"
"""The verb of a statement that stores one memory."""

CURRENT_AGENT: Final = "current_agent_id"
RANK: Final = "semantic_rank"
MATCHES: Final = frozenset({"semantic_match", "vector_match"})
FUNCTIONS: Final = MATCHES | {RANK}
ABOUT_THE_CALLER: Final = frozenset({STORE_MEMORY, CURRENT_AGENT})
"""Functions whose plan holds the caller's agent id, so that it serves no other agent."""

EMBED: Final = "__embed_text"

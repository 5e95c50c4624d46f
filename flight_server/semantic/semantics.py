"""Puts the semantic functions and the agents' memory into an engine; what the steps may know of both."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from duckdb.func import FunctionNullHandling, PythonUDFType

from flight_server.semantic.embedder import Embedder
from flight_server.semantic.memory import AgentMemory
from flight_server.semantic.names import EMBED, MATCHES, RANK
from flight_server.semantic.similarity import ArrowFunction, embed_function, match_function, rank_function
from flight_server.semantic.vectors import Vectors
from flight_server.stores.changes import Changes


@dataclass(frozen=True, slots=True)
class Semantics:
    """The embedder's functions and the memory of one engine."""

    embedder: Embedder
    memory: AgentMemory

    @property
    def missing(self) -> str:
        """What there is to install before texts can be compared, or an empty string."""
        return self.embedder.missing

    @property
    def vectors(self) -> tuple[list[str], int] | None:
        """Where vectors of memories are stored and how wide they are; None while there are none."""
        return (self.memory.path, self.memory.width) if self.memory.width else None

    def close(self) -> None:
        """Stop what runs in the background."""
        self.memory.close()


def provide_semantics(
    root: duckdb.DuckDBPyConnection, catalog: str, changes: Changes, embedder: Embedder
) -> Semantics:
    """Register the functions with the engine of *root*, and open the memory in its warehouse.

    The functions take a value of any type, so that a column of vectors needs no other name.
    """
    vectors = Vectors(embedder)
    _register(root, RANK, rank_function(vectors), "FLOAT")
    for name in sorted(MATCHES):
        _register(root, name, match_function(vectors), "BOOLEAN")
    _register(root, EMBED, embed_function(vectors), "FLOAT[]")
    memory = AgentMemory(root.cursor, catalog, changes, vectors, embedder.name)
    memory.open(embeds=not embedder.missing, width=embedder.width)
    return Semantics(embedder, memory)


def _register(
    root: duckdb.DuckDBPyConnection,
    name: str,
    function: ArrowFunction,
    returns: str,
) -> None:
    root.create_function(
        name,
        function,
        None,  # whatever types there are: the functions take *args
        returns,
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )

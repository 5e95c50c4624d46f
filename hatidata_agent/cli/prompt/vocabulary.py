"""What can be completed: SQL's words, and the tables and columns that the key may see."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from hatidata_agent.errors import HatiDataError

if TYPE_CHECKING:
    from hatidata_agent.client import HatiDataAgent

WORDS = tuple(
    re.findall(
        r"\w+",
        """
        ALL ALTER AND ANTI AS ASC ASOF AVG BEGIN BETWEEN BY CASE CAST COALESCE COMMIT COUNT CREATE CROSS
        CURRENT_DATE CURRENT_TIMESTAMP DATE_TRUNC DELETE DESC DISTINCT DROP ELSE END EXCEPT EXISTS
        EXTRACT FALSE FILTER FROM FULL GROUP HAVING ILIKE IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN
        LATERAL LEFT LIKE
        LIMIT MAX MIN NOT NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PIVOT QUALIFY RETURNING RIGHT
        ROLLBACK SELECT SEMI SET SUM TABLE THEN TRUE TRY_CAST UNION UPDATE USING VALUES VIEW WHEN WHERE WINDOW
        WITH semantic_match semantic_rank store_memory
        """,
    )
)
_WORD = re.compile(r"[\w.]+$")
_SOURCE = re.compile(r"\b(?:from|join|update|into)\s+([\w.]+)(?:\s+(?:as\s+)?(\w+))?", re.IGNORECASE)
_PLAIN = re.compile(r"[a-z_]\w*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the SQL type that its service gives it."""

    name: str
    kind: str
    masked: str = ""


class Vocabulary:
    """The tables that a key may see; filled in the background, so that the prompt never waits for it."""

    def __init__(self, agent: HatiDataAgent) -> None:
        self._agent = agent
        self._tables: Mapping[str, tuple[Column, ...]] = {}

    @property
    def tables(self) -> Mapping[str, tuple[Column, ...]]:
        """Columns by table; of the schema `main` without its name."""
        return self._tables

    def refresh(self) -> None:
        """Ask the service again.

        Raises:
            HatiDataError: The subclass says why.
        """
        seen = self._agent.tables()
        self._tables = {
            name.removeprefix("main."): tuple(map(_column, schema)) for name, schema in seen.items()
        }

    def refresh_soon(self) -> None:
        """Ask the service again, in the background; without an answer things stay as they are."""
        threading.Thread(target=self._try_to_refresh, name="vocabulary", daemon=True).start()

    def _try_to_refresh(self) -> None:
        try:
            self.refresh()
        except HatiDataError:
            return


class SqlCompleter(Completer):
    """Completes the word before the cursor; after `name.` only columns of that table."""

    def __init__(self, vocabulary: Vocabulary, commands: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        self._commands = tuple(commands)

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        """Yield what may stand at the cursor, the most likely first."""
        before = document.text_before_cursor
        if before.startswith((".", "\\")) and " " not in before:
            yield from _starting(before, ((command, "command") for command in self._commands))
            return
        found = _WORD.search(before)
        word = found[0] if found else ""
        table, dot, part = word.rpartition(".")
        if dot:
            yield from _starting(part, self._columns_of(table, document.text), quoted=True)
        if word:
            yield from _starting(word, self._names(document.text), quoted=True)
            yield from _starting(word, ((_cased(known, word), "") for known in WORDS))

    def _names(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the columns of the tables in *text*, then all tables."""
        tables = self._vocabulary.tables
        named = {name.lower() for name, _ in _SOURCE.findall(text)}
        columns = (column for name in tables if name.lower() in named for column in tables[name])
        yield from {column.name: column.kind for column in columns}.items()
        yield from ((name, "table") for name in tables)

    def _columns_of(self, table: str, text: str) -> Iterator[tuple[str, str]]:
        known = {name.lower(): columns for name, columns in self._vocabulary.tables.items()}
        aliases = {alias.lower(): name.lower() for name, alias in _SOURCE.findall(text) if alias}
        wanted = table.lower()
        for column in known.get(aliases.get(wanted, wanted), ()):
            yield column.name, column.kind


def _column(field: object) -> Column:
    name, kind, metadata = (getattr(field, part) for part in ("name", "type", "metadata"))
    told = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
    return Column(name, told.get("ARROW:FLIGHT:SQL:TYPE_NAME", str(kind)), told.get("hatidata.masked", ""))


def _starting(word: str, names: Iterable[tuple[str, str]], *, quoted: bool = False) -> Iterator[Completion]:
    for name, what in names:
        if name.lower().startswith(word.lower()):
            yield Completion(_quoted(name) if quoted else name, -len(word), name, display_meta=what)


def _quoted(name: str) -> str:
    parts = name.split(".")
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def _cased(known: str, word: str) -> str:
    return known.lower() if word.islower() else known

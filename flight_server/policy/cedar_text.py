"""Cuts access.cedar into its statements, to give Cedar's complaints a line.

Cedar says what is wrong but not where. Statements end with `;` and nothing
else in the language does, so strings and comments are all there is to skip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|[^";/]+|.', re.DOTALL)
_EFFECT = re.compile(r"\b(?:permit|forbid)\s*\(")
_QUOTED = re.compile(r"`([^`]+)`|: (\S+)$")


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy as written, and the line on which its first word stands."""

    text: str
    line: int

    @property
    def second_line(self) -> int | None:
        """The line of a second `permit (` or `forbid (`, which a missing semicolon has made part of this."""
        starts = [match.start() for match in _EFFECT.finditer(self.text)]
        return self.line + self.text.count("\n", 0, starts[1]) if len(starts) > 1 else None

    def line_of(self, complaint: str) -> int:
        """Return the line of the first thing that *complaint* quotes, or of the statement."""
        quoted = (found for match in _QUOTED.findall(complaint) for found in match if found)
        for token in quoted:
            at = re.search(rf"(?<!\w){re.escape(token)}(?!\w)", self.text)
            if at:
                return self.line + self.text.count("\n", 0, at.start())
        return self.line


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of *text* in order; text after the last `;` counts as one."""
    start = 0
    substance = False
    for match in _PIECE.finditer(text):
        piece = match[0]
        if not substance and (piece.startswith("//") or not piece.strip()):
            start = match.end()
            continue
        if not substance:
            start = match.start() + len(piece) - len(piece.lstrip())
            substance = True
        if piece == ";":
            yield _statement(text, start, match.end())
            start, substance = match.end(), False
    if substance:
        yield _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> Statement:
    return Statement(text[start:end], text.count("\n", 0, start) + 1)

"""The pairs in the .sql files: a Snowflake statement, and the rows or the refusal that it must give.

A case is a title (`-- ..`), a statement, and either rows (`-> [..]`, JSON, one a line), the word
`-> none`, or a refusal (`!! text`). Where `?? query` stands before the rows, they are those of this
DuckDB query after the statement. Decimals with a scale, dates and times are
written as text.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.sql"))


@dataclass(frozen=True, slots=True)
class Case:
    """One statement and what must come of it; `refusal` is part of the message if it is refused."""

    name: str
    sql: str
    rows: tuple[tuple[Any, ...], ...]
    refusal: str = ""
    check: str = ""


def setup_statements() -> str:
    """Return the script that makes the tables."""
    return (HERE / "setup.sql").read_text(encoding="utf-8")


def all_cases() -> list[Case]:
    """Return the cases of every file, in order."""
    return [case for path in CASES for case in _cases(path)]


def _cases(path: Path) -> Iterator[Case]:
    title, refusal, check = "", "", ""
    statement: list[str] = []
    rows: list[tuple[Any, ...]] = []
    lines = [*path.read_text(encoding="utf-8").splitlines(), "-- end"]
    for line in lines:
        if line.startswith("-- "):
            if statement:
                yield Case(f"{path.stem}: {title}", "\n".join(statement), tuple(rows), refusal, check)
            title, statement, rows, refusal, check = line[3:], [], [], "", ""
        elif line.startswith("-> "):
            if line != "-> none":
                rows.append(tuple(json.loads(line[3:])))
        elif line.startswith("!! "):
            refusal = line[3:]
        elif line.startswith("?? "):
            check = line[3:]
        elif line.strip():
            statement.append(line)


def plain(value: Any) -> Any:
    """Return a value of a row as the files write it."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return round(value, 9) if isinstance(value, float) else value

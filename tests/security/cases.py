"""What the judge runs: one JSON object a line, in the format of the published samples.

`deny` means that an error must come back, `no_leak` that an error or an answer may come back,
`rows` that exactly these rows must. None of the three may hold or depend on a secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

DATA = Path(__file__).parent / "data"
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A statement that one role runs before or after the query itself."""

    role: str
    sql: str
    rows: tuple[Row, ...] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One query, who asks it and what must come of it.

    Attributes:
        family: The class of attack, or `benign`.
        mask_rules: Output column to `sha256`, `redact`, `partial` or `null`; null is expected there.
        forbid_rows: Rows that only an evaluation on unmasked values yields.
        free: The engine may choose among answers or orders of rows (samples, ties) without any leak.
    """

    id: str
    kind: Literal["attack", "benign"]
    family: str
    sql: str
    role: str
    expect: Literal["deny", "no_leak", "rows"]
    params: tuple[Any, ...]
    dialect: str
    setup: tuple[Step, ...]
    post: tuple[Step, ...]
    rows: tuple[Row, ...] | None
    columns: tuple[str, ...] | None
    ordered: bool
    mask_rules: Mapping[str, str]
    forbid_rows: tuple[Row, ...]
    max_seconds: float | None
    free: bool

    @classmethod
    def of_sql(cls, sql: str, family: str, expect: Literal["deny", "no_leak"]) -> Case:
        """A case of an analyst that needs nothing but its text; the engine may order rows as it likes."""
        raw = {"id": family, "kind": "attack", "class": family, "sql": sql, "as_role": "analyst"}
        return _case({**raw, "expect": expect, "free": True})

    @property
    def writes(self) -> bool:
        """Whether the world has to be checked and mended after the case."""
        return self.family in {"dml", "multi_step"} or bool(self.post)


def cases(tmp: Path, *patterns: str) -> tuple[Case, ...]:
    """Every case of the data files that match *patterns*, with `{TMP}` standing for *tmp*."""
    return tuple(
        case for pattern in patterns for file in sorted(DATA.glob(pattern)) for case in _read(file, tmp)
    )


def _read(file: Path, tmp: Path) -> Iterator[Case]:
    for line in file.read_text(encoding="utf-8").splitlines():
        yield _case(json.loads(line.replace("{TMP}", str(tmp))))


def _case(raw: Mapping[str, Any]) -> Case:
    return Case(
        id=raw["id"],
        kind=raw["kind"],
        family=raw["class"],
        sql=raw["sql"],
        role=raw["as_role"],
        expect=raw["expect"],
        params=tuple(raw.get("params", ())),
        dialect=raw.get("dialect", "auto"),
        setup=tuple(map(_step, raw.get("setup", ()))),
        post=tuple(map(_step, raw.get("post", ()))),
        rows=_rows(raw.get("expected_rows")),
        columns=tuple(raw["columns"]) if "columns" in raw else None,
        ordered=raw.get("ordered", False),
        mask_rules=raw.get("mask_rules", {}),
        forbid_rows=_rows(raw.get("forbid_rows")) or (),
        max_seconds=raw.get("max_seconds"),
        free=raw.get("free", False),
    )


def _step(raw: Mapping[str, Any]) -> Step:
    return Step(raw["as_role"], raw["sql"], _rows(raw.get("expected_rows")))


def _rows(raw: list[list[Any]] | None) -> tuple[Row, ...] | None:
    return None if raw is None else tuple(tuple(row) for row in raw)

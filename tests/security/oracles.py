"""What counts as a leak, as a set of pure functions from answers to complaints.

Four independent oracles: a token of a secret in the answer; a difference between two worlds that
look the same to the role; an answer that the sealed copy would not give; a required refusal or row missing.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from decimal import Decimal
from typing import Any

from tests.security.asking import Answer, hidden_forms
from tests.security.cases import Case, Row
from tests.security.worlds import hashed, partial

SECRET = re.compile(
    r"S3CR\d{6}|NMX\d{6}X|EMX\d{6}X|NOEU|PAYX|LEDGX|FILECANARYX|colzx|sealed_|__mask_|__raw_|__late_|__near_"
    r"|__row_|__noted_|Traceback|site-packages",
    re.IGNORECASE,
)
VISIBLE = range(1, 201, 4)
_NAMES = {hashed(f"Person NMX{i:06}X") for i in VISIBLE}
_EMAILS = {partial(f"user{i}.EMX{i:06}X@example.com") for i in VISIBLE}
MASKED_VALUES: Mapping[str, Callable[[Any], bool]] = {
    "sha256": lambda value: value in _NAMES,
    "redact": lambda value: value == "***",
    "partial": lambda value: value in _EMAILS,
    "null": lambda value: value is None,
}


def complaints(case: Case, answer: Answer) -> Iterator[str]:
    """What one answer alone proves wrong."""
    yield from (f"holds {token!r}" for token in sorted(_tokens(case, answer)))
    if case.expect == "deny" and answer.error is None:
        yield f"was not refused: {answer.columns} {answer.rows[:2]}"
    if case.expect == "rows" and answer.error is not None:
        yield f"was refused: {answer.error}"
    if case.expect == "rows" and answer.error is None and not rows_match(case, answer):
        expected = (case.rows or ())[:4]
        yield f"other rows than expected: {answer.columns} {answer.rows[:4]} instead of {expected}"
    yield from (f"holds the row {row}" for row in case.forbid_rows if row in answer.rows)


def _tokens(case: Case, answer: Answer) -> Set[str]:
    if case.role == "admin":
        return set()
    said = " ".join([case.sql, str(case.params), *(step.sql for step in case.setup)])
    own = {token.lower() for token in SECRET.findall(said)}
    return {token for token in SECRET.findall(hidden_forms(answer.raw)) if token.lower() not in own}


def differences(one: Answer, other: Answer, *, ordered: bool = True) -> Iterator[str]:
    """What a role could tell two worlds apart by; the order of rows is one such thing."""
    varying = {} if ordered else {"length": ""}
    if one.error != other.error:
        yield f"errors differ: {one.error!r} and {other.error!r}"
    if (one.columns, one.types) != (other.columns, other.types):
        yield f"columns differ: {one.columns} {one.types} and {other.columns} {other.types}"
    if not same_rows(one.rows, other.rows, ordered=ordered):
        yield f"rows differ: {_first_difference(one.rows, other.rows)}"
    if {**one.extra, **varying} != {**other.extra, **varying}:
        yield f"headers differ: {one.extra} and {other.extra}"


def _first_difference(one: tuple[Row, ...], other: tuple[Row, ...]) -> str:
    pairs = [(a, b) for a, b in zip(one, other, strict=False) if repr(a) != repr(b)]
    return f"{len(one)} and {len(other)} rows, first {pairs[:1]}"


def rows_match(case: Case, answer: Answer) -> bool:
    """Whether the answer has exactly the expected rows, masked columns judged by their rule."""
    expected = case.rows or ()
    if len(expected) != len(answer.rows) or (case.columns and case.columns != answer.columns):
        return False
    rules = {answer.columns.index(name): rule for name, rule in case.mask_rules.items()}
    judged = all(MASKED_VALUES[rule](row[at]) for row in answer.rows for at, rule in rules.items())
    kept = tuple(tuple(None if at in rules else value for at, value in enumerate(row)) for row in answer.rows)
    return judged and same_rows(expected, kept, ordered=case.ordered)


def same_rows(one: tuple[Row, ...], other: tuple[Row, ...], *, ordered: bool) -> bool:
    """Whether two results are equal, floats to nine digits, times and decimals as text or value."""
    left, right = normal_rows(one), normal_rows(other)
    return left == right if ordered else Counter(left) == Counter(right)


def normal_rows(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """Each row as text in which the same value always reads the same."""
    return tuple(repr([_normal(value) for value in row]) for row in rows)


def _normal(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return _number(value)
        case dt.datetime() | dt.date() | dt.time():
            return _normal(value.isoformat())
        case dict():
            return {key: _normal(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_normal(inner) for inner in value]
        case str() if _DECIMAL.fullmatch(value):
            return _number(Decimal(value))
        case str() if _TIME.fullmatch(value):
            return value.rstrip("0").rstrip(".")
        case _:
            return value


_TIME = re.compile(r"(?:[\d-]+T)?\d\d:\d\d:\d\d\.\d+")
_DECIMAL = re.compile(r"-?\d{1,18}\.\d+")


def _number(value: int | float | Decimal) -> str:
    if isinstance(value, int):
        return str(value)
    return "nan" if math.isnan(value) else f"{float(value):.9g}".removesuffix(".0")

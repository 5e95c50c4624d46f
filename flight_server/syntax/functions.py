"""Which functions a query may call: a positive list, by hand, for one version of DuckDB."""

from __future__ import annotations

import re
from importlib import resources

import duckdb

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.syntax.facts import Facts, arguments, below
from flight_server.syntax.names import fold
from flight_server.syntax.parser import Node

LARGEST_LENGTH = 100_000
"""How long a value one call may make by a length argument; more would not be interruptible."""

LARGEST_REPEAT = 1_000_000
"""How much all `repeat` of a query may multiply together, since one may stand inside another."""

_LENGTH_ARGUMENTS = {
    "repeat": 1,
    "lpad": 1,
    "rpad": 1,
    "list_resize": 1,
    "array_resize": 1,
    "bitstring": 1,
    "to_base": 2,
    "bar": 3,
}
_RANGES = frozenset({"range", "generate_series"})
_BY_NAME = frozenset({"list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"})
_FORMATS = frozenset({"format", "printf"})
_WIDE = re.compile(r"\d{5,}|\*|\{[^}]*\{")


def _load() -> dict[tuple[str, str], str]:
    text = resources.files("flight_server.syntax").joinpath("functions.txt").read_text(encoding="utf-8")
    rows = (line.split(" ", 2) for line in text.splitlines() if not line.startswith("#"))
    return {(kind, name): verdict for kind, verdict, name in rows}


_VERDICTS = _load()


def unclassified(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the functions of the running engine that functions.txt does not name; must be empty."""
    rows = connection.execute(
        "SELECT DISTINCT lower(function_name), function_type FROM duckdb_functions() WHERE internal"
    ).fetchall()
    tables = ("table", "pragma", "table_macro")
    return sorted(n for n, t in rows if ("table" if t in tables else "scalar", n) not in _VERDICTS)


def refuse_functions(facts: Facts, administers: bool) -> None:
    """Refuse the first call that the caller may not make.

    Raises:
        QueryRefused: POLICY_DENIED, naming the function as the caller wrote it.
    """
    for node in facts.function_nodes:
        _check(node, "scalar", administers)
    if not administers and _repeated(facts) > LARGEST_REPEAT:
        raise QueryRefused(ErrorCode.POLICY_DENIED, "Function 'repeat' is not permitted with such numbers")
    for reference in facts.table_functions:
        _check(reference["function"], "table", administers)


def _check(node: Node, kind: str, administers: bool) -> None:
    name = fold(node["function_name"])
    verdict = _VERDICTS.get((kind, name), "administrators")
    allowed = verdict == "everyone" or (verdict == "administrators" and administers)
    if allowed and not administers:
        allowed = _is_bounded(node, name, kind) and not node.get("export_state")
    if not allowed:
        raise QueryRefused(
            ErrorCode.POLICY_DENIED, f"Function '{node['function_name']}' is not permitted here"
        )


def _is_bounded(node: Node, name: str, kind: str) -> bool:
    """Tell whether one call stays small enough to be interrupted and measured."""
    values = arguments(node)
    if name in _LENGTH_ARGUMENTS:
        position = _LENGTH_ARGUMENTS[name]
        return len(values) <= position or _is_small(values[position])
    if name in _RANGES and kind == "scalar":
        return all(_is_small(value) for value in values)
    if name in _BY_NAME:
        aggregate = _text(values[1]) if len(values) > 1 else None
        return aggregate is not None and _VERDICTS.get(("scalar", fold(aggregate))) == "everyone"
    if name in _FORMATS:
        pattern = _text(values[0]) if values else None
        return pattern is not None and not _WIDE.search(pattern)
    return True


def _repeated(facts: Facts) -> int:
    """Return by how much the `repeat` calls of a query can multiply a value's length."""
    product = 1
    for node in facts.function_nodes:
        values = arguments(node)
        if fold(node["function_name"]) == "repeat" and len(values) > 1:
            product *= max(1, _largest(values[1]))
    return product


def _largest(value: Node) -> int:
    """Return the largest whole number inside *value*, or the largest allowed where there is none."""
    numbers = [
        int(node["literal"]["text"].replace("_", ""))
        for node in below(value)
        if node.get("literal") and node["literal"]["kind"] == "INTEGER"
    ]
    return max(numbers, default=LARGEST_LENGTH)


_BOUNDED_CALLS = frozenset(
    {"-", "trunc", "length", "len", "array_length", "to_days", "to_months", "to_years", "to_hours"}
)


def _is_small(value: Node) -> bool:
    """Tell whether *value* is built of small constants, or of the length of what is there already."""
    literal = value.get("literal")
    if literal is not None:
        return literal["kind"] != "INTEGER" or int(literal["text"].replace("_", "")) <= LARGEST_LENGTH
    if value.get("class") == "CAST":
        return _is_small(value["child"])
    if value.get("class") == "FUNCTION" and value["function_name"] in _BOUNDED_CALLS:
        return value["function_name"] in ("length", "len", "array_length") or all(
            map(_is_small, arguments(value))
        )
    return False


def _text(value: Node) -> str | None:
    literal = value.get("literal")
    return literal["text"] if literal and literal["kind"] == "STRING" else None

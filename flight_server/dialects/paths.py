"""Paths into semi-structured values: `v:a.b[0]`, `v['a']`, GET and GET_PATH.

Keys are case-sensitive and always quoted in the path, so that no key is taken
for one of DuckDB's wildcards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, cast
from flight_server.dialects.coerce import as_text
from flight_server.dialects.functions import Arguments, FunctionRule, expect
from flight_server.dialects.kinds import Kind, kind_of
from flight_server.dialects.refuse import unsupported, wrong

_STEP = re.compile(
    r'\.?(?:(?P<name>[A-Za-z_][\w$]*)|"(?P<quoted>(?:[^"]|"")*)"|\[(?P<index>\d+)\]|\[\'(?P<key>[^\']*)\'\])'
)
Step = str | int


def at(value: Node, steps: Iterable[Step]) -> Node:
    """Return the part of *value* that lies at *steps*, keys and positions from 0."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f'."{_escaped(step)}"' for step in steps)
    base, before = _base(value)
    return call("json_extract", base, build.text((before or "$") + path), kind=Kind.VARIANT)


def _base(value: Node) -> tuple[Node, str | None]:
    """Return the value and the path that *value* already is, so that paths do not nest."""
    if isinstance(value, exp.Anonymous) and value.this == "json_extract":
        path = build.literal_text(value.expressions[1])
        if path is not None:
            return value.expressions[0], path
    return as_json(value), None


def as_json(value: Node) -> Node:
    """Return a nested value of DuckDB's own (a list, a struct) as JSON, everything else unchanged."""
    return call("to_json", value, kind=Kind.VARIANT) if kind_of(value) is Kind.NESTED else value


def _escaped(key: str) -> str:
    if "\\" in key:
        raise unsupported("a path key with a backslash")
    return key.replace('"', '\\"')


def _colon_path(node: Node) -> Node:
    path = node.expression
    if not isinstance(path, exp.JSONPath) or isinstance(node.this, exp.Literal):
        raise unsupported("this path into a VARIANT")
    return at(node.this, [_step(part) for part in path.expressions if not isinstance(part, exp.JSONPathRoot)])


def _step(part: Node) -> Step:
    found = part.this
    if isinstance(part, exp.JSONPathKey) and isinstance(found, str):
        return found
    if isinstance(part, exp.JSONPathSubscript) and isinstance(found, int) and found >= 0:
        return found
    if isinstance(part, exp.JSONPathSubscript) and isinstance(found, str):
        return found
    raise unsupported("this step of a path into a VARIANT")


def _bracket(node: Node) -> Node:
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise unsupported("a slice in brackets", "use ARRAY_SLICE")
    return element(node.this, node.expressions[0])


def element(value: Node, key: Node) -> Node:
    """Return the element of *value* under *key*, which may be computed."""
    name, index = build.literal_text(key), build.literal_integer(key)
    if name is not None:
        return at(value, [name])
    if index is not None:
        return (
            call("json_extract", as_json(value), build.null(), kind=Kind.VARIANT)
            if index < 0
            else at(value, [index])
        )
    if kind_of(key) is Kind.TEXT:
        return _computed(value, '$."', as_text(key), '"')
    return _computed(value, "$[", cast(key, "VARCHAR", Kind.TEXT), "]")


def _computed(value: Node, start: str, key: Node, end: str) -> Node:
    path = build.binary(exp.DPipe, build.binary(exp.DPipe, build.text(start), key), build.text(end))
    return call("json_extract", as_json(value), path, kind=Kind.VARIANT)


def _get(arguments: Arguments) -> Node:
    expect("GET", arguments, 2, 2)
    return element(arguments[0], arguments[1])


def _get_path(arguments: Arguments) -> Node:
    expect("GET_PATH", arguments, 2, 2)
    written = build.literal_text(arguments[1])
    if written is None:
        raise unsupported("GET_PATH with a path that is not a constant")
    return at(arguments[0], steps_of(written))


def steps_of(path: str) -> list[Step]:
    """Return the steps of a path written as text, such as `a.b[0]`."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match:
            raise wrong(f"invalid path '{path}'")
        position = match.end()
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(
                next(part for part in (match["name"], match["quoted"], match["key"]) if part is not None)
            )
    return steps


def keep_grouped(select: exp.Select) -> None:
    """Where a query is grouped by a path, take its text from the grouped value, in place.

    DuckDB would not see that the text of a path depends on the path it groups by.
    """
    group = select.args.get("group")
    grouped = [item for item in group.expressions if _is(item, "json_extract")] if group is not None else []
    if not grouped:
        return
    for found in list(select.find_all(exp.Anonymous)):
        if _is(found, "json_extract_string") and any(
            found.expressions == item.expressions for item in grouped
        ):
            inner = call("json_extract", *found.expressions, kind=Kind.VARIANT)
            found.set("expressions", [inner, build.text("$")])


def _is(node: Node, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.this == name


FUNCTIONS: Mapping[str, FunctionRule] = {"GET": _get, "GET_PATH": _get_path}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.JSONExtract: _colon_path,
    exp.Bracket: _bracket,
}

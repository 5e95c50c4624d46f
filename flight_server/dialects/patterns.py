"""Regular expressions: whole matches, positions, occurrences, parameters and groups.

Snowflake's and DuckDB's engines share RE2's syntax. What differs is what the
functions do with it: REGEXP_LIKE matches the whole text, and the others take a
start, an occurrence, flags and a group that DuckDB's functions do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case
from flight_server.dialects.coerce import as_integer, as_text
from flight_server.dialects.functions import Arguments, FunctionRule, expect
from flight_server.dialects.kinds import Kind
from flight_server.dialects.refuse import unsupported, wrong

_FLAGS = frozenset("cimse")


def _parameters(node: Node | None) -> str:
    """Return the parameters of a call, such as `ie`; the last of `c` and `i` counts."""
    if node is None:
        return ""
    letters = build.literal_text(node)
    if letters is None:
        raise unsupported("a regular expression with parameters that are not a constant")
    if not set(letters) <= _FLAGS:
        raise wrong(f"invalid regular expression parameters '{letters}'")
    return letters


def _flagged(pattern: Node, parameters: str) -> Node:
    """Return *pattern* with the parameters as inline flags."""
    pattern = as_text(pattern)
    case_letters = [letter for letter in parameters if letter in "ci"]
    flags = "i" if case_letters[-1:] == ["i"] else ""
    flags += "".join(letter for letter in "ms" if letter in parameters)
    if not flags:
        return pattern
    known = build.literal_text(pattern)
    if known is not None:
        return build.text(f"(?{flags}){known}")
    return build.binary(exp.DPipe, build.text(f"(?{flags})"), pattern, Kind.TEXT)


def _at(arguments: Arguments, index: int) -> Node | None:
    return arguments[index] if len(arguments) > index else None


def _number_at(arguments: Arguments, index: int, default: int) -> Node:
    found = _at(arguments, index)
    return build.integer(default) if found is None else as_integer(found)


def _from_position(subject: Node, position: Node) -> Node:
    subject = as_text(subject)
    return (
        subject if build.literal_integer(position) == 1 else call("substr", subject, position, kind=Kind.TEXT)
    )


def _group(arguments: Arguments, index: int, parameters: str) -> Node:
    """Return the group to extract: as given, else 1 under parameter `e`, else the whole match."""
    found = _at(arguments, index)
    return build.integer(1 if "e" in parameters else 0) if found is None else as_integer(found)


def _like(arguments: Arguments) -> Node:
    expect("REGEXP_LIKE", arguments, 2, 3)
    pattern = _flagged(arguments[1], _parameters(_at(arguments, 2)))
    return call("regexp_full_match", as_text(arguments[0]), pattern, kind=Kind.BOOLEAN)


def _infix(node: Node) -> Node:
    return _like([node.this, node.expression])


def _all_matches(arguments: Arguments, group_index: int = 5) -> Node:
    """Return the matches of a call `(subject, pattern, position, occurrence, parameters, group)`."""
    parameters = _parameters(_at(arguments, 4))
    subject = _from_position(arguments[0], _number_at(arguments, 2, 1))
    group = _group(arguments, group_index, parameters)
    return call("regexp_extract_all", subject, _flagged(arguments[1], parameters), group)


def _substring(arguments: Arguments) -> Node:
    expect("REGEXP_SUBSTR", arguments, 2, 6)
    return call("list_extract", _all_matches(arguments), _number_at(arguments, 3, 1), kind=Kind.TEXT)


def _substring_all(arguments: Arguments) -> Node:
    expect("REGEXP_SUBSTR_ALL", arguments, 2, 6)
    matches = _all_matches(arguments)
    if _at(arguments, 3) is not None:
        matches = call("list_slice", matches, _number_at(arguments, 3, 1), build.integer(-1))
    return call("to_json", matches, kind=Kind.ARRAY)


def _count(arguments: Arguments) -> Node:
    expect("REGEXP_COUNT", arguments, 2, 4)
    parameters = _parameters(_at(arguments, 3))
    subject = _from_position(arguments[0], _number_at(arguments, 2, 1))
    matches = call("regexp_extract_all", subject, _flagged(arguments[1], parameters), build.integer(0))
    return call("len", matches, kind=Kind.INTEGER)


def _position(arguments: Arguments) -> Node:
    """Add up the pieces before the wanted match, and the matches between them."""
    expect("REGEXP_INSTR", arguments, 2, 7)
    if _at(arguments, 6) is not None or "e" in _parameters(_at(arguments, 5)):
        raise unsupported("REGEXP_INSTR with a group")
    pattern = _flagged(arguments[1], _parameters(_at(arguments, 5)))
    start, wanted = _number_at(arguments, 2, 1), _number_at(arguments, 3, 1)
    after = build.literal_integer(_number_at(arguments, 4, 0))
    if after not in (0, 1):
        raise unsupported("REGEXP_INSTR with an option other than 0 or 1")
    subject = _from_position(arguments[0], start)
    matches = call("regexp_extract_all", subject, pattern, build.integer(0))
    before = build.binary(exp.Sub, wanted, build.integer(0 if after else 1))
    pieces = call("list_slice", call("string_split_regex", subject, pattern), build.integer(1), wanted)
    length = call("length", call("array_to_string", pieces, build.text("")))
    skipped = call(
        "length",
        call("array_to_string", call("list_slice", matches, build.integer(1), before), build.text("")),
    )
    total = build.binary(exp.Add, build.binary(exp.Add, start, length), skipped)
    enough = build.binary(exp.GTE, call("len", matches), wanted)
    return case([(build.is_null(subject), build.null()), (enough, total)], build.integer(0), Kind.INTEGER)


def _replace(arguments: Arguments) -> Node:
    expect("REGEXP_REPLACE", arguments, 2, 6)
    parameters = _parameters(_at(arguments, 5))
    pattern = _flagged(arguments[1], parameters)
    replacement = _at(arguments, 2)
    new = build.text("") if replacement is None else as_text(replacement)
    position, occurrence = _number_at(arguments, 3, 1), build.literal_integer(_number_at(arguments, 4, 0))
    if occurrence is None or occurrence < 0:
        raise unsupported("REGEXP_REPLACE with an occurrence that is not a constant")
    subject = as_text(arguments[0])
    if build.literal_integer(position) == 1:
        return _replaced(subject, pattern, new, occurrence)
    before = call("left", subject, build.binary(exp.Sub, position, build.integer(1)))
    rest = _replaced(call("substr", subject, position), pattern, new, occurrence)
    return build.binary(exp.DPipe, before, rest, Kind.TEXT)


def _replaced(subject: Node, pattern: Node, new: Node, occurrence: int) -> Node:
    if occurrence == 0:
        return call("regexp_replace", subject, pattern, new, build.text("g"), kind=Kind.TEXT)
    if occurrence == 1:
        return call("regexp_replace", subject, pattern, new, kind=Kind.TEXT)
    return _nth_replaced(subject, pattern, new, occurrence)


def _nth_replaced(subject: Node, pattern: Node, new: Node, occurrence: int) -> Node:
    """Match everything up to the wanted occurrence as well, and put it back as group 1."""
    known, known_new = build.literal_text(pattern), build.literal_text(new)
    if known is None or known_new is None or known.lstrip("(?imsc)").startswith("^"):
        raise unsupported(
            "REGEXP_REPLACE of a later occurrence with a pattern or text that is not a constant"
        )
    flags, body = _split_flags(known)
    if re.search(r"\(\?P?<", body):
        raise unsupported("REGEXP_REPLACE of a later occurrence with named groups")
    silent = re.sub(r"(?<!\\)\((?!\?)", "(?:", body)
    moved = re.sub(r"\\([1-9])", lambda found: f"\\{int(found.group(1)) + 1}", known_new).replace(
        "\\0", "\\0"
    )
    if "\\0" in known_new or re.search(r"\\9", known_new):
        raise unsupported("REGEXP_REPLACE of a later occurrence that refers to the whole match")
    any_text = "[\\s\\S]*?"
    whole = f"{flags}\\A((?:{any_text}(?:{silent})){{{occurrence - 1}}}{any_text})(?:{body})"
    return call("regexp_replace", subject, build.text(whole), build.text("\\1" + moved), kind=Kind.TEXT)


def _split_flags(pattern: str) -> tuple[str, str]:
    found = re.match(r"\(\?[ims]+\)", pattern)
    return (found.group(), pattern[found.end() :]) if found else ("", pattern)


FUNCTIONS: Mapping[str, FunctionRule] = {
    "REGEXP_LIKE": _like,
    "RLIKE": _like,
    "REGEXP_SUBSTR": _substring,
    "REGEXP_SUBSTR_ALL": _substring_all,
    "REGEXP_EXTRACT_ALL": _substring_all,
    "REGEXP_COUNT": _count,
    "REGEXP_INSTR": _position,
    "REGEXP_REPLACE": _replace,
}

RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {exp.RegexpLike: _infix}

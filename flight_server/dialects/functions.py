"""What a rule for a function is, and how the many simple ones are made from one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from sqlglot import exp

from flight_server.dialects import coerce
from flight_server.dialects.build import Node, aggregate, call
from flight_server.dialects.kinds import Kind, common
from flight_server.dialects.refuse import wrong

Arguments: TypeAlias = Sequence[Node]
FunctionRule: TypeAlias = Callable[[Arguments], Node]
"""From the arguments, already rewritten, to the expression that stands for the call."""

_COERCIONS: Mapping[str, Callable[[Node], Node]] = {
    "t": coerce.as_text,
    "n": coerce.as_number,
    "i": coerce.as_integer,
    "b": coerce.as_boolean,
    "d": coerce.as_moment,
    "j": coerce.as_variant,
    "a": coerce.as_any,
}


def plain(target: str, takes: str, gives: Kind | None) -> FunctionRule:
    """Return the rule of a function that DuckDB has under the name *target*.

    Args:
        takes: A letter for each argument (text, number, integer, boolean, date, json, any); those
            after `?` are optional, `*` repeats the letter before it.
        gives: Kind of the result; None means that of the first argument.
    """

    def rule(arguments: Arguments) -> Node:
        values = coerced(target, takes, arguments)
        return call(target, *values, kind=common(values[0]) if gives is None else gives)

    return rule


def collected(target: str, takes: str, gives: Kind | None) -> FunctionRule:
    """Return the rule of an aggregate that DuckDB has under the name *target*; arguments as in `plain`."""

    def rule(arguments: Arguments) -> Node:
        if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
            inner = coerced(target, takes, arguments[0].expressions)
            return aggregate(target, exp.Distinct(expressions=inner), kind=gives or common(inner[0]))
        values = coerced(target, takes, arguments)
        return aggregate(target, *values, kind=common(values[0]) if gives is None else gives)

    return rule


def coerced(name: str, takes: str, arguments: Arguments) -> list[Node]:
    """Return the arguments brought to what *takes* says.

    Raises:
        QueryRefused: QUERY_ERROR for a wrong number of arguments.
    """
    needed, _, optional = takes.partition("?")
    letters = needed + optional
    repeated = letters.endswith("*")
    letters = letters.rstrip("*")
    expect(name, arguments, len(needed.rstrip("*")), None if repeated else len(letters))
    letters += letters[-1:] * (len(arguments) - len(letters))
    return [_COERCIONS[letter](argument) for letter, argument in zip(letters, arguments, strict=False)]


def expect(name: str, arguments: Arguments, least: int, most: int | None) -> None:
    """Refuse a call with fewer than *least* or more than *most* arguments."""
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise wrong(f"wrong number of arguments for {name.upper()}: {len(arguments)}")

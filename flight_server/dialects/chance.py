"""Random values and sequences of numbers; no two runs give the same, as in Snowflake."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, cast
from flight_server.dialects.coerce import as_number
from flight_server.dialects.functions import Arguments, FunctionRule, expect
from flight_server.dialects.kinds import Kind, kind_of, typed
from flight_server.dialects.refuse import unsupported

SEQUENCE = "sequence"
"""What marks the numbering of rows that a SEQ4() became."""


def _random(arguments: Arguments) -> Node:
    """RANDOM() is a whole number of 64 bits; a seed would have to give the same numbers again."""
    if arguments:
        raise unsupported("RANDOM with a seed")
    spread = build.binary(
        exp.Mul, build.binary(exp.Sub, call("random"), build.raw("0.5")), build.raw("1.8e19")
    )
    return cast(spread, "BIGINT", Kind.INTEGER)


def _uniform(arguments: Arguments) -> Node:
    """UNIFORM(low, high, RANDOM()): whole numbers with both ends where the ends are whole numbers."""
    expect("UNIFORM", arguments, 3, 3)
    if build.literal_integer(arguments[2]) is not None:
        raise unsupported("UNIFORM with a constant generator")
    low, high = (as_number(value) for value in arguments[:2])
    width = build.binary(exp.Sub, high, low)
    if kind_of(low) is kind_of(high) is Kind.INTEGER:
        steps = build.binary(exp.Mul, call("random"), build.binary(exp.Add, width, build.integer(1)))
        return build.binary(exp.Add, low, cast(call("floor", steps), "BIGINT", Kind.INTEGER), Kind.INTEGER)
    return build.binary(exp.Add, low, build.binary(exp.Mul, call("random"), width), Kind.FLOAT)


def _sequence(arguments: Arguments) -> Node:
    """SEQ1 .. SEQ8 count the rows from 0."""
    expect("SEQ", arguments, 0, 1)
    numbered = exp.Window(this=call("row_number"), over="OVER", partition_by=[])
    numbered.meta[SEQUENCE] = True
    return build.binary(
        exp.Sub, typed(exp.Paren(this=numbered), Kind.INTEGER), build.integer(1), Kind.INTEGER
    )


FUNCTIONS: Mapping[str, FunctionRule] = {
    "RANDOM": _random,
    "UNIFORM": _uniform,
    **dict.fromkeys(("SEQ1", "SEQ2", "SEQ4", "SEQ8"), _sequence),
}

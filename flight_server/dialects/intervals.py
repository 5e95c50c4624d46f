"""Interval constants such as `INTERVAL '1 year, 3 days'`, and a DATE moved by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import arithmetic, build
from flight_server.dialects.build import Node, call, cast
from flight_server.dialects.dates import WHOLE_DAYS, unit_of
from flight_server.dialects.kinds import Kind, kind_of, typed
from flight_server.dialects.refuse import unsupported

_PIECE = re.compile(r"\s*([+-]?\d+)\s*([A-Za-z]*)\s*")
_WHOLE = "whole_days"


def _interval(node: Node) -> Node:
    amount, unit = node.this, node.args.get("unit")
    written = build.literal_text(amount)
    if written is None and isinstance(amount, exp.Literal):
        written = amount.name
    if written is None:
        raise unsupported("an INTERVAL that is not a constant", "use DATEADD")
    pieces = [_piece(piece, unit) for piece in written.split(",")]
    made = exp.Interval(this=exp.Literal.string(" ".join(f"{count} {name}" for count, name in pieces)))
    made.meta[_WHOLE] = all(name in WHOLE_DAYS for _, name in pieces)
    return typed(made, Kind.INTERVAL)


def _piece(piece: str, unit: Node | None) -> tuple[int, str]:
    match = _PIECE.fullmatch(piece)
    if not match:
        raise unsupported(f"the interval '{piece.strip()}'")
    name = unit_of(match[2] or (unit.name if unit is not None else "second"))
    count = int(match[1])
    return (count * 3, "month") if name == "quarter" else (count, name)


def _moved(node: Node) -> Node:
    """Keep a DATE a DATE that is moved by whole days; leave other arithmetic to its family."""
    made = arithmetic.arithmetic(node)
    sides = (node.this, node.expression)
    interval = next((side for side in sides if isinstance(side, exp.Interval)), None)
    if interval is None:
        return made
    moment = sides[0] if interval is sides[1] else sides[1]
    kind = kind_of(moment)
    if kind is Kind.DATE and interval.meta[_WHOLE]:
        return cast(made, "DATE", Kind.DATE)
    if kind is Kind.UNKNOWN and interval.meta[_WHOLE]:
        return call("cast_to_type", made, moment)
    return typed(made, Kind.TIMESTAMP if kind is Kind.DATE else kind)


RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.Interval: _interval,
    exp.Add: _moved,
    exp.Sub: _moved,
}

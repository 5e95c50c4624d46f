"""Types and conversions: CAST, `::`, TRY_CAST and the TO_ functions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case, cast
from flight_server.dialects.coerce import as_number, as_text, as_variant
from flight_server.dialects.formats import to_duckdb
from flight_server.dialects.functions import Arguments, FunctionRule, expect
from flight_server.dialects.kinds import JSON, MOMENTS, NUMBERS, Kind, is_json, kind_of, typed
from flight_server.dialects.number_formats import printed_number, read_number
from flight_server.dialects.refuse import unsupported
from flight_server.errors import QueryRefused

_T = exp.DType
_TYPES: Mapping[exp.DType, tuple[str, Kind]] = {
    **dict.fromkeys((_T.INT, _T.BIGINT, _T.SMALLINT, _T.TINYINT), ("BIGINT", Kind.INTEGER)),
    **dict.fromkeys((_T.DOUBLE, _T.FLOAT), ("DOUBLE", Kind.FLOAT)),
    **dict.fromkeys((_T.TEXT, _T.VARCHAR, _T.CHAR, _T.NCHAR, _T.NVARCHAR), ("VARCHAR", Kind.TEXT)),
    **dict.fromkeys((_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.DATETIME), ("TIMESTAMP", Kind.TIMESTAMP)),
    **dict.fromkeys((_T.TIMESTAMPTZ, _T.TIMESTAMPLTZ), ("TIMESTAMPTZ", Kind.TIMESTAMP_TZ)),
    **dict.fromkeys((_T.BINARY, _T.VARBINARY), ("BLOB", Kind.BINARY)),
    _T.BOOLEAN: ("BOOLEAN", Kind.BOOLEAN),
    _T.DATE: ("DATE", Kind.DATE),
    _T.TIME: ("TIME", Kind.TIME),
    _T.VARIANT: ("JSON", Kind.VARIANT),
    _T.OBJECT: ("JSON", Kind.OBJECT),
    _T.ARRAY: ("JSON", Kind.ARRAY),
}
_LITERAL_DATES = ("%d-%b-%Y", "%m/%d/%Y")
_SPACED_ZONE = re.compile(r"(\d) ?([+-]\d\d):?(\d\d)$")


def duckdb_type(wanted: exp.DataType) -> tuple[str, Kind]:
    """Return DuckDB's name and the kind of a Snowflake type.

    Raises:
        QueryRefused: QUERY_ERROR, for a type that has no counterpart.
    """
    if wanted.this in (_T.DECIMAL, _T.BIGDECIMAL):
        sizes = [int(size.name) for size in wanted.expressions]
        precision, scale = (*sizes, 38, 0)[:2] if not sizes else (sizes[0], sizes[1] if len(sizes) > 1 else 0)
        return f"DECIMAL({precision}, {scale})", Kind.DECIMAL if scale else Kind.INTEGER
    if wanted.this not in _TYPES or (wanted.args.get("nested") and wanted.expressions):
        raise unsupported(f"the type {wanted.sql(dialect='snowflake')}")
    return _TYPES[wanted.this]


def _cast(node: Node) -> Node:
    safe = isinstance(node, exp.TryCast)
    return converted(node.this, node.args["to"], safe)


def converted(value: Node, wanted: exp.DataType, safe: bool = False) -> Node:
    """Return *value* as the Snowflake type *wanted*."""
    name, kind = duckdb_type(wanted)
    if kind in JSON:
        return _as_json(value, kind)
    if kind is Kind.TEXT:
        return _as_sized_text(value, wanted, safe)
    if is_json(value):
        value = as_text(value)
    if kind is Kind.BOOLEAN and kind_of(value) is Kind.TEXT:
        return text_to_boolean(value, safe)
    if kind in MOMENTS and not safe:
        value = _known_date(value)
    return cast(_rounded(value, kind), name, kind, safe)


def _rounded(value: Node, kind: Kind) -> Node:
    """Round a FLOAT half away from zero before it becomes a whole number."""
    return (
        call("round", value, kind=Kind.FLOAT)
        if kind is Kind.INTEGER and kind_of(value) is Kind.FLOAT
        else value
    )


def _as_json(value: Node, kind: Kind) -> Node:
    known = kind_of(value)
    if known in JSON:
        return typed(value.copy(), kind)
    if kind is Kind.VARIANT:
        return as_variant(value)
    if known in (Kind.UNKNOWN, Kind.NULL, Kind.NESTED):
        return typed(as_variant(value), kind)
    return build.refused_by_type(f"the conversion of {known} to {kind}", value)


def _as_sized_text(value: Node, wanted: exp.DataType, safe: bool) -> Node:
    found = as_text(value)
    found = cast(found, "VARCHAR", Kind.TEXT) if kind_of(value) in (Kind.UNKNOWN, Kind.NULL) else found
    size = int(wanted.expressions[0].name) if wanted.expressions else None
    known = build.literal_text(found)
    if size is None or size >= 16_777_216 or (known is not None and len(known) <= size):
        return found
    too_long = build.binary(exp.GT, call("length", found), build.integer(size))
    failure = (
        build.null()
        if safe
        else cast(build.failing("String is too long and would be truncated"), "VARCHAR", Kind.TEXT)
    )
    return case([(too_long, failure)], found, Kind.TEXT)


def text_to_boolean(value: Node, safe: bool) -> Node:
    """Return the truth value that Snowflake reads in a text."""
    lowered = call("lower", value, kind=Kind.TEXT)

    def among(*words: str) -> Node:
        return typed(
            exp.In(this=lowered.copy(), expressions=[build.text(word) for word in words]), Kind.BOOLEAN
        )

    otherwise = build.null() if safe else cast(lowered, "BOOLEAN", Kind.BOOLEAN)
    yes, no = among("true", "t", "yes", "y", "on", "1"), among("false", "f", "no", "n", "off", "0")
    return case([(yes, exp.true()), (no, exp.false())], otherwise, Kind.BOOLEAN)


def _known_date(value: Node) -> Node:
    """Return a literal date such as `15-JAN-2024` as ISO 8601, everything else unchanged."""
    known = build.literal_text(value)
    if known is not None and _SPACED_ZONE.search(known):
        return build.text(_SPACED_ZONE.sub(r"\1\2:\3", known))
    for pattern in _LITERAL_DATES if known is not None else ():
        try:
            return build.text(dt.datetime.strptime(known or "", pattern).date().isoformat())  # noqa: DTZ007 - only the date is kept
        except ValueError:
            continue
    return value


def _format(arguments: Arguments, index: int, reading: bool) -> str | None:
    """Return the format argument in DuckDB's form, None where there is none."""
    if len(arguments) <= index:
        return None
    written = build.literal_text(arguments[index])
    if written is None:
        raise unsupported("a date format that is not a constant")
    return to_duckdb(written, reading=reading)


def _to_moment(function: str, kind: Kind, safe: bool) -> FunctionRule:
    """Return the rule of TO_DATE, TO_TIMESTAMP and their kin."""
    name = {Kind.DATE: "DATE", Kind.TIME: "TIME", Kind.TIMESTAMP: "TIMESTAMP"}.get(kind, "TIMESTAMPTZ")

    def rule(arguments: Arguments) -> Node:
        expect(function, arguments, 1, 2)
        value = as_text(arguments[0]) if is_json(arguments[0]) else arguments[0]
        scale = build.literal_integer(arguments[1]) if len(arguments) == 2 else 0
        if kind_of(value) in NUMBERS and scale is not None:
            return cast(_from_epoch(value, scale), name, kind)
        digits = build.literal_text(value)
        if digits is not None and digits.isdigit() and len(arguments) == 1:
            return cast(_from_epoch(build.integer(int(digits)), _scale_of(digits)), name, kind)
        pattern = _format(arguments, 1, reading=True)
        if pattern is not None:
            return cast(
                call("try_strptime" if safe else "strptime", as_text(value), build.text(pattern)), name, kind
            )
        if kind is Kind.DATE and kind_of(value) is Kind.TEXT:
            return _date_of_text(value, safe)
        return cast(value if safe else _known_date(value), name, kind, safe)

    return rule


def _date_of_text(value: Node, safe: bool) -> Node:
    """Read the formats that Snowflake recognises by itself."""
    known = _known_date(value)
    if known is not value:
        return cast(known, "DATE", Kind.DATE, safe)
    plain_date = cast(value, "DATE", Kind.DATE, safe)
    if build.literal_text(value) is not None and not safe:
        return plain_date
    listed = exp.Array(expressions=[build.text(pattern) for pattern in _LITERAL_DATES])
    other = cast(call("try_strptime", value, listed), "DATE", Kind.DATE)
    return call("coalesce", other, plain_date, kind=Kind.DATE)


def _scale_of(digits: str) -> int:
    """Return the scale Snowflake guesses for digits in a text: seconds, milli-, micro- or nanoseconds."""
    number = int(digits)
    limits = ((31_536_000_000, 0), (31_536_000_000_000, 3), (31_536_000_000_000_000, 6))
    return next((scale for limit, scale in limits if number < limit), 9)


def _from_epoch(value: Node, scale: int) -> Node:
    """Return the UTC wall clock of a number of seconds divided by 10 to the power *scale*."""
    micros = build.binary(exp.Mul, value, build.raw(f"{10 ** max(6 - scale, 0)}::BIGINT"))
    if scale > 6:
        micros = build.binary(exp.IntDiv, value, build.integer(10 ** (scale - 6)))
    return call("make_timestamp", cast(micros, "BIGINT", Kind.INTEGER), kind=Kind.TIMESTAMP)


def _to_text(arguments: Arguments) -> Node:
    expect("TO_CHAR", arguments, 1, 2)
    value = arguments[0]
    if len(arguments) == 1:
        found = as_text(value)
        return cast(found, "VARCHAR", Kind.TEXT) if kind_of(value) is Kind.UNKNOWN else found
    if kind_of(value) is Kind.BINARY:
        return build.refused_by_type("TO_CHAR of a binary value with a format", value)
    try:
        return _number_as_text(arguments) if kind_of(value) in NUMBERS else _moment_as_text(arguments)
    except QueryRefused as refusal:
        construct = refusal.message.removeprefix("SQL error: ").removesuffix(" is not supported")
        return build.refused_by_type(construct.replace('"', "'"), value)


def _number_as_text(arguments: Arguments) -> Node:
    text = build.literal_text(arguments[1])
    if text is None:
        raise unsupported("a number format that is not a constant")
    return printed_number(arguments[0], text)


def _moment_as_text(arguments: Arguments) -> Node:
    value = arguments[0]
    moment = (
        cast(as_text(value), "TIMESTAMP", Kind.TIMESTAMP)
        if is_json(value) or kind_of(value) is Kind.TEXT
        else value
    )
    return call("strftime", moment, build.text(_format(arguments, 1, reading=False) or ""), kind=Kind.TEXT)


def _to_number(function: str, safe: bool) -> FunctionRule:
    """Return the rule of TO_NUMBER(value [, precision [, scale]])."""

    def rule(arguments: Arguments) -> Node:
        expect(function, arguments, 1, 4)
        text = build.literal_text(arguments[1]) if len(arguments) > 1 else None
        if text is not None:
            arguments = [arguments[0], *arguments[2:]]
        sizes = [build.literal_integer(size) for size in arguments[1:]]
        if None in sizes:
            raise unsupported(f"{function} with a precision that is not a constant")
        precision, scale = [size for size in sizes if size is not None] + [38, 0][len(sizes) :]
        value = as_text(arguments[0]) if is_json(arguments[0]) else arguments[0]
        if text is not None:
            return read_number(value, text, precision, scale, safe)
        return cast(value, f"DECIMAL({precision}, {scale})", Kind.DECIMAL if scale else Kind.INTEGER, safe)

    return rule


def _to_double(safe: bool) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect("TO_DOUBLE", arguments, 1, 1)
        value = as_text(arguments[0]) if is_json(arguments[0]) else arguments[0]
        return cast(value, "DOUBLE", Kind.FLOAT, safe)

    return rule


def _to_boolean(safe: bool) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect("TO_BOOLEAN", arguments, 1, 1)
        value = as_text(arguments[0]) if is_json(arguments[0]) else arguments[0]
        if kind_of(value) in NUMBERS:
            return cast(as_number(value), "BOOLEAN", Kind.BOOLEAN)
        return text_to_boolean(cast(value, "VARCHAR", Kind.TEXT), safe)

    return rule


def _date_function(arguments: Arguments) -> Node:
    return _to_moment("DATE", Kind.DATE, safe=False)(arguments)


_MOMENTS = {
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP_NTZ": Kind.TIMESTAMP,
    "TIMESTAMP_LTZ": Kind.TIMESTAMP_TZ,
    "TIMESTAMP_TZ": Kind.TIMESTAMP_TZ,
}
_NUMBER_NAMES = ("TO_NUMBER", "TO_DECIMAL", "TO_NUMERIC")

FUNCTIONS: Mapping[str, FunctionRule] = {
    **{f"TO_{name}": _to_moment(f"TO_{name}", kind, safe=False) for name, kind in _MOMENTS.items()},
    **{f"TRY_TO_{name}": _to_moment(f"TRY_TO_{name}", kind, safe=True) for name, kind in _MOMENTS.items()},
    **{name: _to_number(name, safe=False) for name in _NUMBER_NAMES},
    **{f"TRY_{name}": _to_number(f"TRY_{name}", safe=True) for name in _NUMBER_NAMES},
    "DATE": _date_function,
    "TIME": _to_moment("TIME", Kind.TIME, safe=False),
    "TIMESTAMP": _to_moment("TIMESTAMP", Kind.TIMESTAMP, safe=False),
    "TO_BOOLEAN": _to_boolean(safe=False),
    "TO_CHAR": _to_text,
    "TO_DOUBLE": _to_double(safe=False),
    "TO_VARCHAR": _to_text,
    "TRY_TO_BOOLEAN": _to_boolean(safe=True),
    "TRY_TO_DOUBLE": _to_double(safe=True),
}


RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {exp.Cast: _cast, exp.TryCast: _cast}

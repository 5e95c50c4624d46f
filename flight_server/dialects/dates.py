"""Dates and times: parts, arithmetic that keeps a DATE a DATE, and differences that count boundaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.arithmetic import truncated
from flight_server.dialects.build import Node, call, cast
from flight_server.dialects.coerce import as_integer, as_moment, as_text
from flight_server.dialects.functions import Arguments, FunctionRule, coerced, expect
from flight_server.dialects.kinds import Kind, is_json, kind_of, typed
from flight_server.dialects.refuse import unsupported, wrong

_PARTS = {
    "year": "year y yy yyy yyyy yr years yrs",
    "quarter": "quarter q qtr qtrs quarters",
    "month": "month mm mon mons months",
    "week": "week w wk weekofyear woy wy weeks week_iso weekiso weekofyeariso weekofyear_iso",
    "day": "day d dd days dayofmonth",
    "hour": "hour h hh hr hours hrs",
    "minute": "minute m mi min minutes mins",
    "second": "second s sec seconds secs",
    "millisecond": "millisecond ms msec milliseconds",
    "microsecond": "microsecond us usec microseconds",
    "nanosecond": "nanosecond ns nsec nanosec nsecond nanoseconds nanosecs nseconds",
}
_EXTRACTED = {
    "dayofweek": "dayofweek weekday dow dw",
    "isodow": "dayofweekiso weekday_iso dow_iso dw_iso dayofweek_iso",
    "dayofyear": "dayofyear yearday doy dy",
    "isoyear": "yearofweek yearofweekiso",
    "epoch": "epoch_second epoch epoch_seconds",
    "epoch_ms": "epoch_millisecond epoch_milliseconds",
    "epoch_us": "epoch_microsecond epoch_microseconds",
    "epoch_ns": "epoch_nanosecond epoch_nanoseconds",
    "timezone_hour": "timezone_hour tzh",
    "timezone_minute": "timezone_minute tzm",
}
_UNITS = {alias: part for part, aliases in _PARTS.items() for alias in aliases.split()}
_FIELDS = {**_UNITS, **{alias: part for part, aliases in _EXTRACTED.items() for alias in aliases.split()}}
DATE_PARTS = frozenset(_FIELDS)
WHOLE_DAYS = frozenset({"year", "quarter", "month", "week", "day"})
_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")


def part_name(node: Node) -> str:
    """Return the lower-case name of a date part written as a word or as a string."""
    name = build.literal_text(node) or node.name
    return str(name).lower()


def unit_of(name: str) -> str:
    """Return the part that *name*, in any of its spellings, stands for."""
    if name.lower() not in _UNITS:
        raise wrong(f"'{name}' is not a date or time part")
    return _UNITS[name.lower()]


def _unit(node: Node) -> str:
    return unit_of(part_name(node))


def _interval(unit: str, amount: Node) -> Node:
    """Return the interval of *amount* units; the amount is rounded to a whole number."""
    if unit == "nanosecond":
        raise unsupported("arithmetic in nanoseconds")
    count = as_integer(amount)
    if unit == "quarter":
        unit, count = "month", build.binary(exp.Mul, count, build.integer(3))
    return build.binary(exp.Mul, count, build.raw(f"INTERVAL 1 {unit}"), Kind.INTERVAL)


def added(unit: str, amount: Node, moment: Node) -> Node:
    """Return *moment* moved by *amount* units; a DATE moved by whole days stays a DATE."""
    moment = as_moment(moment)
    moved = build.binary(exp.Add, moment, _interval(unit, amount))
    kind = kind_of(moment)
    if kind is Kind.DATE:
        stays = unit in WHOLE_DAYS
        return cast(moved, "DATE", Kind.DATE) if stays else typed(moved, Kind.TIMESTAMP)
    if kind is Kind.UNKNOWN and unit in WHOLE_DAYS:
        return call("cast_to_type", moved, moment)
    return typed(moved, kind)


def _add(arguments: Arguments) -> Node:
    expect("DATEADD", arguments, 3, 3)
    return added(_unit(arguments[0]), arguments[1], arguments[2])


def _add_months(arguments: Arguments) -> Node:
    """Keep the last day of a month the last day, as Snowflake's ADD_MONTHS does."""
    expect("ADD_MONTHS", arguments, 2, 2)
    moment = as_moment(arguments[0])
    moved = added("month", arguments[1], moment)
    day = cast(moment, "DATE", Kind.DATE)
    is_last = build.equals(call("last_day", day), day)
    last: Node = call("last_day", cast(moved, "DATE", Kind.DATE), kind=Kind.DATE)
    if kind_of(moment) is not Kind.DATE:
        time_of_day = build.binary(exp.Sub, moment, call("date_trunc", build.text("day"), moment))
        last = build.binary(exp.Add, last, time_of_day, kind_of(moment))
    return build.case([(is_last, last)], moved, kind_of(moved))


def _difference(arguments: Arguments) -> Node:
    """Count the boundaries of the part that lie between the two moments; weeks begin on Monday."""
    expect("DATEDIFF", arguments, 3, 3)
    unit = _unit(arguments[0])
    return difference(unit, as_moment(arguments[1]), as_moment(arguments[2]))


def difference(unit: str, start: Node, end: Node) -> Node:
    """Return how many boundaries of *unit* lie between two moments."""
    if unit == "week":
        weeks = [call("date_trunc", build.text("week"), moment) for moment in (start, end)]
        days = call("date_diff", build.text("day"), *weeks)
        return build.binary(exp.IntDiv, days, build.integer(7), Kind.INTEGER)
    if unit == "nanosecond":
        stamps = [call("epoch_ns", moment) for moment in (end, start)]
        return build.binary(exp.Sub, stamps[0], stamps[1], Kind.INTEGER)
    return call("date_diff", build.text(unit), start, end, kind=Kind.INTEGER)


def _truncated(arguments: Arguments) -> Node:
    """DATE_TRUNC(part, moment): a DATE stays a DATE."""
    expect("DATE_TRUNC", arguments, 2, 2)
    return cut(_unit(arguments[0]), as_moment(arguments[1]))


def cut(unit: str, moment: Node) -> Node:
    """Return *moment* cut down to *unit*, of the type it had."""
    if unit == "nanosecond":
        return moment
    found = call("date_trunc", build.text(unit), moment)
    kind = kind_of(moment)
    if kind is Kind.DATE:
        return cast(found, "DATE", Kind.DATE)
    return call("cast_to_type", found, moment) if kind is Kind.UNKNOWN else typed(found, kind)


def _trunc(arguments: Arguments) -> Node:
    """TRUNC of a number, or of a date with the part as a string."""
    expect("TRUNC", arguments, 1, 2)
    part = build.literal_text(arguments[1]) if len(arguments) == 2 else None
    if part is not None and part.lower() in _UNITS:
        return cut(_unit(arguments[1]), as_moment(arguments[0]))
    return truncated(arguments)


def extracted(field: str, moment: Node) -> Node:
    """Return one part of a moment."""
    if field not in _FIELDS:
        raise wrong(f"'{field}' is not a date or time part")
    part = _FIELDS[field]
    if part == "nanosecond":
        cut_off = call("date_trunc", build.text("second"), moment)
        return build.binary(exp.Sub, call("epoch_ns", moment), call("epoch_ns", cut_off), Kind.INTEGER)
    if part in ("millisecond", "microsecond"):
        raise unsupported(f"the date part {field}")
    if part.startswith("epoch_"):
        return call(part, moment, kind=Kind.INTEGER)
    found = call("date_part", build.text(part), moment, kind=Kind.INTEGER)
    return cast(call("floor", found), "BIGINT", Kind.INTEGER) if part in ("epoch", "second") else found


def _date_part(arguments: Arguments) -> Node:
    expect("DATE_PART", arguments, 2, 2)
    return extracted(part_name(arguments[0]), as_moment(arguments[1]))


def _extract(node: Node) -> Node:
    return extracted(part_name(node.this), as_moment(node.expression))


def _field(name: str) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect(name, arguments, 1, 1)
        return extracted(name, as_moment(arguments[0]))

    return rule


def _last_day(arguments: Arguments) -> Node:
    expect("LAST_DAY", arguments, 1, 2)
    moment = as_moment(arguments[0])
    unit = _unit(arguments[1]) if len(arguments) == 2 else "month"
    if unit == "month":
        return call("last_day", moment, kind=Kind.DATE)
    if unit not in ("year", "quarter", "week"):
        raise wrong(f"LAST_DAY has no last day of a {unit}")
    start = cast(call("date_trunc", build.text(unit), moment), "DATE", Kind.DATE)
    following = added(unit, build.integer(1), start)
    return cast(build.binary(exp.Sub, following, build.integer(1)), "DATE", Kind.DATE)


def _weekday(forward: bool) -> FunctionRule:
    """Return the rule of NEXT_DAY or PREVIOUS_DAY, which never return the day itself."""

    def rule(arguments: Arguments) -> Node:
        expect("NEXT_DAY", arguments, 2, 2)
        wanted = (build.literal_text(arguments[1]) or "")[:2].lower()
        if wanted not in _DAYS:
            raise unsupported("NEXT_DAY with a day that is not a constant name")
        day = cast(as_moment(arguments[0]), "DATE", Kind.DATE)
        weekday = call("isodow", day)
        number = build.integer(_DAYS.index(wanted) + 1)
        gap = build.binary(exp.Sub, number, weekday) if forward else build.binary(exp.Sub, weekday, number)
        steps = build.binary(
            exp.Add,
            build.binary(exp.Mod, build.binary(exp.Add, gap, build.integer(6)), build.integer(7)),
            build.integer(1),
        )
        moved = build.binary(exp.Add if forward else exp.Sub, day, cast(steps, "INTEGER", Kind.INTEGER))
        return cast(moved, "DATE", Kind.DATE)

    return rule


def _months_between(arguments: Arguments) -> Node:
    """Whole months where the days are equal or both last; else the days count as 31sts of a month."""
    end, start = coerced("MONTHS_BETWEEN", "dd", arguments)
    months = build.binary(
        exp.Sub, call("date_diff", build.text("month"), start, end), build.integer(0), Kind.INTEGER
    )
    days = [call("date_part", build.text("day"), moment) for moment in (end, start)]
    lasts = [
        build.equals(call("last_day", moment), cast(moment, "DATE", Kind.DATE)) for moment in (end, start)
    ]
    whole = build.any_of([build.equals(days[0], days[1]), build.all_of(lasts)])
    rest = build.binary(exp.Div, build.binary(exp.Sub, days[0], days[1]), build.raw("31.0"))
    exact = build.binary(exp.Add, months, rest)
    return cast(build.case([(whole, months)], exact), "DECIMAL(38, 6)", Kind.DECIMAL)


def _name(pattern: str) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        expect("DAYNAME", arguments, 1, 1)
        return call("strftime", as_moment(arguments[0]), build.text(pattern), kind=Kind.TEXT)

    return rule


def _date_from_parts(arguments: Arguments) -> Node:
    """Take months and days outside their ranges as steps from the first, as Snowflake does."""
    year, month, day = coerced("DATE_FROM_PARTS", "iii", arguments)
    start = call("make_date", year, build.integer(1), build.integer(1), kind=Kind.DATE)
    months = added("month", build.binary(exp.Sub, month, build.integer(1), Kind.INTEGER), start)
    return added("day", build.binary(exp.Sub, day, build.integer(1), Kind.INTEGER), months)


def _timestamp_from_parts(arguments: Arguments) -> Node:
    if len(arguments) == 2:
        day, clock = (cast(value, name, kind) for value, name, kind in zip(
            arguments, ("DATE", "TIME"), (Kind.DATE, Kind.TIME), strict=True))  # fmt: skip
        return build.binary(exp.Add, day, clock, Kind.TIMESTAMP)
    expect("TIMESTAMP_FROM_PARTS", arguments, 6, 7)
    moment = cast(_date_from_parts(arguments[:3]), "TIMESTAMP", Kind.TIMESTAMP)
    for unit, amount in zip(("hour", "minute", "second"), arguments[3:6], strict=True):
        moment = added(unit, amount, moment)
    if len(arguments) == 7:
        micros = build.binary(exp.IntDiv, as_integer(arguments[6]), build.integer(1000), Kind.INTEGER)
        moment = added("microsecond", micros, moment)
    return moment


def _time_from_parts(arguments: Arguments) -> Node:
    hour, minute, second = coerced("TIME_FROM_PARTS", "iii", arguments)
    return call("make_time", hour, minute, second, kind=Kind.TIME)


def _convert_timezone(arguments: Arguments) -> Node:
    """Return the wall clock of the target zone; two arguments start from a moment with a zone."""
    expect("CONVERT_TIMEZONE", arguments, 2, 3)
    if len(arguments) == 3:
        source, target = as_text(arguments[0]), as_text(arguments[1])
        local = cast(as_moment(arguments[2]), "TIMESTAMP", Kind.TIMESTAMP)
        moment: Node = call("timezone", source, local, kind=Kind.TIMESTAMP_TZ)
    else:
        target = as_text(arguments[0])
        moment = cast(
            as_text(arguments[1]) if is_json(arguments[1]) else arguments[1], "TIMESTAMPTZ", Kind.TIMESTAMP_TZ
        )
    return call("timezone", target, moment, kind=Kind.TIMESTAMP)


def _time_slice(arguments: Arguments) -> Node:
    """Slices count from 1970-01-01; weeks from the Monday before it."""
    expect("TIME_SLICE", arguments, 3, 4)
    moment, unit = as_moment(arguments[0]), _unit(arguments[2])
    end = len(arguments) == 4 and (build.literal_text(arguments[3]) or "").upper() == "END"
    origin = "TIMESTAMP '1969-12-29 00:00:00'" if unit == "week" else "TIMESTAMP '1970-01-01 00:00:00'"
    width = _interval(unit, arguments[1])
    stamp = cast(moment, "TIMESTAMP", Kind.TIMESTAMP)
    start = call("time_bucket", width, stamp, build.raw(origin), kind=Kind.TIMESTAMP)
    found = build.binary(exp.Add, start, width, Kind.TIMESTAMP) if end else start
    return cast(found, "DATE", Kind.DATE) if kind_of(moment) is Kind.DATE else found


def _now(arguments: Arguments) -> Node:
    expect("CURRENT_TIMESTAMP", arguments, 0, 1)
    return call("now", kind=Kind.TIMESTAMP_TZ)


def _now_utc(arguments: Arguments) -> Node:
    expect("SYSDATE", arguments, 0, 0)
    return call("timezone", build.text("UTC"), call("now"), kind=Kind.TIMESTAMP)


def _today(arguments: Arguments) -> Node:
    expect("CURRENT_DATE", arguments, 0, 0)
    return call("today", kind=Kind.DATE)


def _clock(arguments: Arguments) -> Node:
    expect("CURRENT_TIME", arguments, 0, 1)
    return cast(_now_utc([]), "TIME", Kind.TIME)


_CLOCKS: Mapping[type[exp.Expr], FunctionRule] = {
    exp.CurrentDate: _today,
    exp.CurrentTimestamp: _now,
    exp.CurrentTime: _clock,
    exp.Localtime: _clock,
}


def _clock_word(node: Node) -> Node:
    return _CLOCKS[type(node)]([])


_FIELD_FUNCTIONS = [
    "year",
    "quarter",
    "month",
    "week",
    "weekofyear",
    "weekiso",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofweekiso",
    "dayofyear",
    "hour",
    "minute",
    "second",
    "yearofweek",
    "yearofweekiso",
]
FUNCTIONS: Mapping[str, FunctionRule] = {
    **{name.upper(): _field(name) for name in _FIELD_FUNCTIONS},
    **dict.fromkeys(("DATEADD", "TIMEADD", "TIMESTAMPADD", "DATE_ADD"), _add),
    **dict.fromkeys(("DATEDIFF", "TIMEDIFF", "TIMESTAMPDIFF", "DATE_DIFF"), _difference),
    **dict.fromkeys(("CURRENT_TIMESTAMP", "GETDATE", "LOCALTIMESTAMP", "SYSTIMESTAMP"), _now),
    **dict.fromkeys(("CURRENT_TIME", "LOCALTIME"), _clock),
    **dict.fromkeys(("DATE_FROM_PARTS", "DATEFROMPARTS"), _date_from_parts),
    **dict.fromkeys(
        ("TIMESTAMP_FROM_PARTS", "TIMESTAMPFROMPARTS", "TIMESTAMP_NTZ_FROM_PARTS", "TIMESTAMPNTZFROMPARTS"),
        _timestamp_from_parts,
    ),
    **dict.fromkeys(("TIME_FROM_PARTS", "TIMEFROMPARTS"), _time_from_parts),
    **dict.fromkeys(("TRUNC", "TRUNCATE"), _trunc),
    "ADD_MONTHS": _add_months,
    "CONVERT_TIMEZONE": _convert_timezone,
    "CURRENT_DATE": _today,
    "DATE_PART": _date_part,
    "DATE_TRUNC": _truncated,
    "DAYNAME": _name("%a"),
    "LAST_DAY": _last_day,
    "MONTHNAME": _name("%b"),
    "MONTHS_BETWEEN": _months_between,
    "NEXT_DAY": _weekday(forward=True),
    "PREVIOUS_DAY": _weekday(forward=False),
    "SYSDATE": _now_utc,
    "TIME_SLICE": _time_slice,
}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {
    exp.Extract: _extract,
    **dict.fromkeys(_CLOCKS, _clock_word),
}

"""Snowflake's fixed-position formats of numbers, such as `$999,999.00` or `FM0XXX`: printed, and read.

A format is a row of digit positions with at most one point. `0` keeps a zero that `9` leaves
blank; the last `9` before the point keeps it, too, unless B says otherwise. A number that is
too long for its format becomes a row of `#`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call
from flight_server.dialects.kinds import Kind
from flight_server.dialects.refuse import unsupported

_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"]|"")*)"|(?P<element>FM|MI|TM\w?|EEEEE?|EEE|EE|FX|[90X$SBDGL])|(?P<mark>[.,])'
    r"|(?P<plain>[;:=/() -])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_MOST_DIGITS = 38


@dataclass(slots=True)
class NumberFormat:
    """What a format says.

    Attributes:
        whole: The digit positions before the point, with its commas: `9,990`.
        fraction: Those after it; `point` tells whether there is one.
        sign: How the sign is printed: `` for blank or minus before the number, or `S`, `MI`.
        trailing: Whether the sign comes after the number.
        hexadecimal: `X` or `x`, or nothing.
    """

    whole: str = ""
    fraction: str = ""
    point: bool = False
    sign: str = ""
    trailing: bool = False
    currency: bool = False
    compact: bool = False
    blank_zero: bool = False
    hexadecimal: str = ""
    prefix: str = ""
    suffix: str = ""

    @property
    def digits(self) -> int:
        """How many digit positions are before the point."""
        return len(self.whole.replace(",", ""))

    def add(self, token: re.Match[str], text: str) -> None:
        """Take the next element of the format *text*."""
        written = token["element"] or token["mark"]
        if token["other"] is not None or (written or "").upper() in _REFUSED:
            raise unsupported(f"the number format element {token.group()}")
        if written is None:
            self._literal(token, text)
        elif written in "09Xx":
            self._digit(written, text)
        elif written.upper() in ("S", "MI"):
            if self.sign:
                raise unsupported("a number format with two signs")
            self.sign, self.trailing = written.upper(), bool(self.whole)
        elif written.upper() in _FLAGS:
            setattr(self, _FLAGS[written.upper()], True)
        else:
            self._separator(written.upper(), text)

    def _digit(self, digit: str, text: str) -> None:
        if self.suffix or (self.trailing and self.sign):
            raise unsupported(f"the number format {text}")
        if digit in "Xx":
            self.hexadecimal = digit
        if self.point:
            self.fraction += digit
        else:
            self.whole += digit

    def _separator(self, mark: str, text: str) -> None:
        follows = bool(self.whole) and not self.suffix and not (self.trailing and self.sign)
        if not follows or self.point:
            raise unsupported(f"the number format {text}")
        if mark in ".D":
            self.point = True
        else:
            self.whole += ","

    def _literal(self, token: re.Match[str], text: str) -> None:
        written = token["quoted"].replace('""', '"') if token["quoted"] is not None else token["plain"]
        if self.whole:
            self.suffix += written
        elif self.sign or self.currency:
            raise unsupported(f"the number format {text}")
        else:
            self.prefix += written


_REFUSED = frozenset({"FX", "L", "EE", "EEE", "EEEE", "EEEEE", "TM", "TM9", "TME"})
_FLAGS = {"$": "currency", "B": "blank_zero", "FM": "compact"}


def parsed(text: str) -> NumberFormat:
    """Return what the format *text* says.

    Raises:
        QueryRefused: QUERY_ERROR, naming an element that has no counterpart here.
    """
    made = NumberFormat()
    for token in _TOKEN.finditer(text):
        made.add(token, text)
    plain_hexadecimal = re.fullmatch(r"0?[Xx]*", made.whole) and not (made.point or made.currency)
    digits = made.digits + len(made.fraction)
    if not 0 < digits <= _MOST_DIGITS or (made.hexadecimal and (not plain_hexadecimal or digits > 15)):
        raise unsupported(f"the number format {text}")
    return made


def printed_number(value: Node, text: str) -> Node:
    """Return the number *value* as text in the format *text*; *value* is computed once."""
    form = parsed(text)
    body = _hexadecimal(form) if form.hexadecimal else _fixed(form)
    prefix, suffix = _quoted(form.prefix), _quoted(form.suffix)
    function = exp.Lambda(
        this=build.raw(f"{prefix} || {body} || {suffix}"), expressions=[exp.to_identifier("v")]
    )
    exact = build.cast(value, f"DECIMAL(38, {len(form.fraction)})", Kind.DECIMAL)
    listed = exp.Array(expressions=[exact])
    return call("list_extract", call("list_transform", listed, function), build.integer(1), kind=Kind.TEXT)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fixed(form: NumberFormat) -> str:
    """Return the SQL of the number v, in as many characters as the format has unless it is compact."""
    whole, fraction = _whole(form), _fraction(form)
    room = len(form.whole)
    before, after = _signs(form)
    currency = "'$'" if form.currency else "''"
    number = f"{before} || {currency} || ltrim({whole})"
    if form.sign == "MI" and not form.trailing:  # which stays where it is
        number, fixed = f"{currency} || ltrim({whole})", f"{before} || "
    else:
        room, fixed = room + (not form.trailing), ""
    if not form.compact:
        number = f"lpad({number}, {room + form.currency}, ' ')"
        return f"{fixed}{number} || {fraction} || {after}"
    return f"replace({fixed}{number} || {fraction} || {after}, ' ', '')"


def _signs(form: NumberFormat) -> tuple[str, str]:
    """Return the SQL of what stands before and after the number for its sign."""
    positive = "+" if form.sign == "S" else " "
    sign = f"CASE WHEN v < 0 THEN '-' ELSE '{positive}' END"
    return ("''", sign) if form.trailing else (sign, "''")


def _whole(form: NumberFormat) -> str:
    """Return the SQL of the part before the point, blanks and commas in their places."""
    digits, room = form.whole.replace(",", ""), form.digits
    zeros = room - digits.index("0") if "0" in digits else 0
    least = max(zeros, 0 if form.blank_zero else 1)
    bare = "ltrim(split_part(abs(v)::VARCHAR, '.', 1), '0')"
    filled = f"CASE WHEN length({bare}) < {least} THEN lpad({bare}, {least}, '0') ELSE {bare} END"
    padded = f"lpad({filled}, {room}, ' ')"
    pieces, at = [], 0
    for group in form.whole.split(","):
        if at:
            pieces.append(f"CASE WHEN substr({padded}, {at}, 1) = ' ' THEN ' ' ELSE ',' END")
        pieces.append(f"substr({padded}, {at + 1}, {len(group)})")
        at += len(group)
    overflow = _quoted(re.sub(r"[09]", "#", form.whole))
    return f"(CASE WHEN abs(v) >= {10**room}::HUGEINT THEN {overflow} ELSE {' || '.join(pieces)} END)"


def _fraction(form: NumberFormat) -> str:
    """Return the SQL of the point and what follows; zeros at the end that a 9 stands for are blank."""
    if not form.point:
        return "''"
    room, kept = len(form.fraction), form.fraction.rfind("0") + 1
    digits = "split_part(abs(v)::VARCHAR, '.', 2)"
    loose = f"rpad(rtrim(substr({digits}, {kept + 1}), '0'), {room - kept}, ' ')"
    shown = f"'.' || left({digits}, {kept}) || {loose}"
    return f"(CASE WHEN abs(v) >= {10**form.digits}::HUGEINT THEN '.{'#' * room}' ELSE {shown} END)"


def _hexadecimal(form: NumberFormat) -> str:
    """Return the SQL of v in base 16; without a sign, a negative number is its two's complement."""
    room, most = form.digits, 16**form.digits
    number = "abs(v)" if form.sign else f"CASE WHEN v < 0 THEN v + {most} ELSE v END"
    outside = f"abs(v) >= {most}" if form.sign else f"v >= {most} OR v < {-most // 2}"
    text = f"{'lower' if form.hexadecimal == 'x' else 'upper'}(to_hex(({number})::BIGINT))"
    bare = form.compact and "0" not in form.whole
    filled = text if bare else f"lpad({text}, {room}, '{'0' if '0' in form.whole else ' '}')"
    before, after = _signs(form) if form.sign else ("''", "''")
    return f"{before} || (CASE WHEN {outside} THEN '{'#' * room}' ELSE {filled} END) || {after}"


def read_number(value: Node, text: str, precision: int, scale: int, safe: bool) -> Node:
    """Return the text *value*, written in the format *text*, as a number; what does not match fails."""
    form = parsed(text)
    function = exp.Lambda(
        this=build.raw(_read_hexadecimal(form, safe) if form.hexadecimal else _read_fixed(form, safe)),
        expressions=[exp.to_identifier("v")],
    )
    listed = exp.Array(expressions=[build.cast(value, "VARCHAR", Kind.TEXT)])
    found = call("list_extract", call("list_transform", listed, function), build.integer(1))
    kind = Kind.DECIMAL if scale else Kind.INTEGER
    return build.cast(found, f"DECIMAL({precision}, {scale})", kind, safe)


def _otherwise(safe: bool) -> str:
    return "NULL" if safe else "'The text does not match the number format'::DECIMAL(38, 10)"


def _read_fixed(form: NumberFormat, safe: bool) -> str:
    currency = r"\$?" if form.currency else ""
    fraction = rf"(\.[0-9]{{0,{len(form.fraction)}}})?" if form.point else ""
    sign = r"[+-]?\s*" if not form.trailing else ""
    end = r"\s*[+-]?" if form.trailing else ""
    pattern = rf"\s*{sign}{currency}[0-9]{{0,{form.digits}}}{fraction}{end}\s*"
    bare = "replace(v, ',', '')" if "," in form.whole else "v"
    number = rf"regexp_replace({bare}, '[^0-9.]', '', 'g')"
    digits = f"TRY_CAST({number} AS DECIMAL(38, {len(form.fraction)}))"
    signed = f"CASE WHEN contains(v, '-') THEN -{digits} ELSE {digits} END"
    matches = f"regexp_full_match({bare}, '{pattern}') AND regexp_matches(v, '[0-9]')"
    return f"CASE WHEN v IS NULL THEN NULL WHEN {matches} THEN {signed} ELSE {_otherwise(safe)} END"


def _read_hexadecimal(form: NumberFormat, safe: bool) -> str:
    matches = rf"regexp_full_match(trim(v), '[0-9A-Fa-f]{{1,{form.digits}}}')"
    number = "('0x' || trim(v))::BIGINT"
    return f"CASE WHEN v IS NULL THEN NULL WHEN {matches} THEN {number} ELSE {_otherwise(safe)} END"

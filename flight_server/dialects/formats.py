"""Snowflake's date and time formats, such as `YYYY-MM-DD HH24:MI:SS.FF3`, as DuckDB's `%Y-%m-%d ..`."""

from __future__ import annotations

import re

from flight_server.dialects.refuse import unsupported

_ELEMENTS = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    "FF3": "%g",
    "FF6": "%f",
    "FF9": "%n",
    "FF": "%n",
    "TZHTZM": "%z",
    "TZH:TZM": "%z",
    "TZH": "%z",
}
_ALTERNATIVES = "|".join(sorted((re.escape(name) for name in _ELEMENTS), key=len, reverse=True))
_TOKEN = re.compile(
    rf'"(?P<quoted>[^"]*)"|(?P<element>FF\d|{_ALTERNATIVES}|HH)|(?P<other>.)', re.IGNORECASE | re.DOTALL
)
_READ = {"%g": "%f", "%n": "%f"}


def to_duckdb(text: str, *, reading: bool) -> str:
    """Return DuckDB's form of the format *text*.

    Args:
        reading: Whether a text is parsed with it; fractions of any length are then taken.

    Raises:
        QueryRefused: QUERY_ERROR, for an element that DuckDB cannot say.
    """
    if text.upper() == "AUTO":
        raise unsupported("the date format AUTO", "name the format")
    return "".join(_piece(match, text, reading) for match in _TOKEN.finditer(text))


def _piece(match: re.Match[str], text: str, reading: bool) -> str:
    if match["quoted"] is not None:
        return match["quoted"].replace("%", "%%")
    if match["element"] is None:
        return "%%" if match["other"] == "%" else match["other"]
    name = match["element"].upper()
    if name == "HH":
        name = "HH12" if re.search("[AP]M", text, re.IGNORECASE) else "HH24"
    if name not in _ELEMENTS and not (reading and name.startswith("FF")):
        raise unsupported(f"the date format element {name}")
    if name in ("TZH:TZM", "TZHTZM", "TZH") and not reading:
        raise unsupported(f"the date format element {name}")
    written = _ELEMENTS.get(name, "%f")
    return _READ.get(written, written) if reading else written

"""Rewrites the placeholders of a row filter into named parameters.

`region = '{region}'` and `region = {region}` both become `region = $region`:
the value is bound later and can never become SQL, so a placeholder has to be a
whole value. Inside a longer string it would have to be pasted, and is a fault.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<quoted>'\{(?P<inner>[A-Za-z_][A-Za-z0-9_]*)\}')"
    r"|(?P<string>'(?:[^']|'')*')"
    r'|(?P<identifier>"(?:[^"]|"")*")'
    r"|(?P<bare>(?<!\{)\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}(?!\}))"
    r"|(?P<comment>--|/\*)"
    r"|(?P<escaped>\b[eExXbB](?='))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_STRAY = {
    "{": "a brace that is no placeholder: write {name} with letters, digits and underscores",
    "}": "a brace that is no placeholder: write {name} with letters, digits and underscores",
    "$": "a parameter ($); values come from placeholders such as {department}",
    "?": "a parameter (?); values come from placeholders such as {department}",
    "'": "a string that is not closed",
    '"': "a quoted name that is not closed",
    ";": "a semicolon; a filter is one condition",
}


class BadFilter(ValueError):
    """A filter text that cannot be rewritten; the message says what it contains."""


def rewrite(text: str) -> tuple[str, tuple[str, ...]]:
    """Return *text* with `$name` for each placeholder, and the names, each once, in order.

    Raises:
        BadFilter: The text has stray braces, parameters, comments or unclosed quotes.
    """
    names: dict[str, None] = {}
    parts: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        name = match["inner"] or match["name"]
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth < 0:
            raise BadFilter("a closing parenthesis that nothing opened")
        if name:
            names[name] = None
            parts.append(f"${name}")
        else:
            parts.append(_checked(match))
    return "".join(parts), tuple(names)


def _checked(match: re.Match[str]) -> str:
    token = match[0]
    if match["comment"]:
        raise BadFilter("a comment; comments belong into the YAML")
    if match["escaped"]:
        raise BadFilter(f"a string with the prefix {token}; write it plainly")
    if match["string"] or match["identifier"]:
        return _plain(token)
    if token in _STRAY:
        raise BadFilter(_STRAY[token])
    return token


def _plain(token: str) -> str:
    if "{{" in token or "}}" in token or re.search(r"\{[A-Za-z_][A-Za-z0-9_]*\}", token):
        raise BadFilter("a placeholder inside a longer text; it must be the whole value")
    return token

"""Whether a text has something that only Snowflake has, decided on its tokens.

Only what DuckDB's parser would accept matters here: function names, types,
paths. What its parser refuses is found out by asking it. Strings, comments and
quoted names never count, and neither does a name both engines have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

from flight_server.dialects.dates import DATE_PARTS
from flight_server.dialects.families import FUNCTIONS
from flight_server.dialects.scope import TableColumns

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>e'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<parameter>\$\w+|\?)
    |(?P<mark>::|:=|=>|.)""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d][\w$]*")


def _duckdb_names() -> frozenset[str]:
    text = resources.files("flight_server.syntax").joinpath("functions.txt").read_text(encoding="utf-8")
    return frozenset(line.split(" ", 2)[2] for line in text.splitlines() if not line.startswith("#"))


_IN_DUCKDBS_GRAMMAR = frozenset(
    {
        "char",
        "coalesce",
        "date",
        "grouping",
        "grouping_id",
        "ifnull",
        "like",
        "percentile_cont",
        "percentile_disc",
        "time",
        "timestamp",
    }
)
_REFUSED = frozenset(
    [
        "check_xml",
        "compress",
        "conditional_change_event",
        "current_account",
        "current_region",
        "current_version",
        "decompress_binary",
        "decompress_string",
        "decrypt",
        "encrypt",
        "get_ddl",
        "hash_agg",
        "identifier",
        "last_query_id",
        "minhash",
        "normal",
        "object_construct_keep_null",
        "parse_ip",
        "parse_url",
        "parse_xml",
        "randstr",
        "result_scan",
        "soundex",
        "try_to_binary",
        "to_geography",
        "to_xml",
        "xmlget",
        "zipf",
    ]
)
_TABLE_FUNCTIONS = frozenset({"generator", "split_to_table"})
_OF_SNOWFLAKE = frozenset(map(str.lower, FUNCTIONS)) | _REFUSED | _TABLE_FUNCTIONS
_ONLY_SNOWFLAKES = _OF_SNOWFLAKE - _duckdb_names() - _IN_DUCKDBS_GRAMMAR
_ARITIES: dict[str, Callable[[int], bool]] = {
    "bit_and": lambda count: count == 2,
    "bit_or": lambda count: count == 2,
    "bit_xor": lambda count: count == 2,
    "ceil": lambda count: count == 2,
    "count": lambda count: count >= 2,
    "decode": lambda count: count >= 3,
    "floor": lambda count: count == 2,
    "last_day": lambda count: count == 2,
    "lpad": lambda count: count == 2,
    "random": lambda count: count == 1,
    "regexp_replace": lambda count: count == 2 or count >= 5,
    "replace": lambda count: count == 2,
    "rpad": lambda count: count == 2,
    "to_timestamp": lambda count: count == 2,
}
_WITH_DATE_PART = frozenset({"datediff", "date_diff", "date_part", "date_trunc"})
_TYPES = frozenset(
    {
        "number",
        "object",
        "timestamp_ntz",
        "timestamp_ltz",
        "timestamp_tz",
        "timestampntz",
        "timestampltz",
        "byteint",
        "geography",
    }
)
_NOT_CALLED_AFTER = frozenset({".", "as", "function", "into", "macro", "table", "then", "update", "view"})
_BEFORE_A_NAME = frozenset({"add", "column", "drop", "exists", "rename", "replace", "table", "to", "view"})
_CLAUSES = {
    "select": "select",
    "from": "from",
    "join": "from",
    **dict.fromkeys(
        ("where", "group", "having", "order", "qualify", "limit", "on", "set", "values", "using"), "other"
    ),
}
_ITEM_STARTS = frozenset({"select", "distinct", "all", ","})
_NO_PATH = frozenset(
    {"case", "cast", "not", "date", "time", "timestamp", "interval", "null", "true", "false"}
)
_CANDIDATES = (
    _ONLY_SNOWFLAKES
    | frozenset(_ARITIES)
    | _WITH_DATE_PART
    | _TYPES
    | {"flatten", "trunc", "column1", "column2", "values"}
)


class Token(NamedTuple):
    """A token that is neither space nor comment; `text` is in lower case."""

    kind: str
    text: str
    start: int
    end: int


_NONE = Token("none", "", -1, -1)


def tokens_of(sql: str) -> list[Token]:
    """Return the tokens of *sql* as DuckDB's lexer would cut them."""
    made = []
    for match in _TOKEN.finditer(sql.lower()):
        kind = match.lastgroup or "mark"
        if kind != "skip":
            made.append(Token(kind, match.group(), *match.span()))
    return made


def has_snowflake_marks(sql: str, columns: TableColumns) -> bool:
    """Tell whether *sql* has a construct that DuckDB's parser may accept and that only Snowflake has.

    Args:
        columns: Columns of a table, to tell the path `v:a` from DuckDB's alias `v: a`.
    """
    words = set(_WORD.findall(sql.lower()))
    if ":" not in sql.replace("::", "") and not words & _CANDIDATES:
        return False
    tokens = tokens_of(sql)
    return _has_marks(tokens, columns) or _has_unnamed_values(tokens, words)


@dataclass(slots=True)
class _Place:
    """Where a token stands: innermost bracket, what was called with it, clause, parameters of a lambda."""

    bracket: str = ""
    called: str = ""
    clause: str = "other"
    parameters: bool = False


@dataclass(slots=True)
class _Walk:
    """The open brackets at one token, and the kind of statement."""

    places: list[_Place] = field(default_factory=lambda: [_Place()])
    defines: bool = False

    def step(self, token: Token, before: Token) -> None:
        """Move past *token*."""
        if token.kind == "mark" and token.text in "([{":
            self.places.append(_Place(token.text, before.text if before.kind == "word" else ""))
        elif token.kind == "mark" and token.text in ")]}" and len(self.places) > 1:
            self.places.pop()
        elif token.kind == "word" and token.text in _CLAUSES:
            self.places[-1].clause = _CLAUSES[token.text]
            self.defines = self.defines and token.text != "select"
        elif token.text == "lambda":
            self.places[-1].parameters = True
        elif token.text == ":":
            self.places[-1].parameters = False


def _has_marks(tokens: Sequence[Token], columns: TableColumns) -> bool:
    walk = _Walk(defines=bool(tokens) and tokens[0].text in ("create", "alter"))
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else _NONE
        after = tokens[index + 1] if index + 1 < len(tokens) else _NONE
        if token.kind == "word":
            if (
                after.text == "("
                and before.text not in _NOT_CALLED_AFTER
                and _is_snowflake_call(tokens, index)
            ):
                return True
            if token.text in _TYPES and _is_type(before, walk):
                return True
        elif token.text == ":" and _is_path(tokens, index, walk.places[-1], columns):
            return True
        walk.step(token, before)
    return False


def _is_type(before: Token, walk: _Walk) -> bool:
    """Tell whether a word stands where a type stands."""
    if before.text == "::":
        return True
    if before.text == "as":
        return walk.places[-1].called in ("cast", "try_cast")
    return walk.defines and before.kind in ("word", "quoted") and before.text not in _BEFORE_A_NAME


def _is_snowflake_call(tokens: Sequence[Token], index: int) -> bool:
    """Tell whether the call at *index* can only be Snowflake's."""
    name = tokens[index].text
    if name in _ONLY_SNOWFLAKES:
        return True
    first, second = (tokens[index + ahead] if index + ahead < len(tokens) else _NONE for ahead in (2, 3))
    if name in _WITH_DATE_PART:
        return first.kind == "word" and first.text in DATE_PARTS and second.text == ","
    if name == "flatten":
        return tokens[index - 1].text == "lateral" or (first.text == "input" and second.text == "=>")
    if name == "to_timestamp" and first.kind == "string":
        return True
    if name == "trunc":
        return _last_argument(tokens, index + 1).kind == "string"
    return name in _ARITIES and _ARITIES[name](_count_arguments(tokens, index + 1))


def _count_arguments(tokens: Sequence[Token], opening: int) -> int:
    """Return how many arguments stand in the brackets that open at *opening*."""
    depth = commas = 0
    for token in tokens[opening:]:
        if token.kind != "mark":
            continue
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0:
            break
        commas += depth == 1 and token.text == ","
    empty = opening + 1 < len(tokens) and tokens[opening + 1].text == ")"
    return 0 if empty else commas + 1


def _last_argument(tokens: Sequence[Token], opening: int) -> Token:
    """Return the last token inside the brackets that open at *opening*."""
    depth = 0
    for index, token in enumerate(tokens[opening:], opening):
        if token.kind == "mark":
            depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0:
            return tokens[index - 1]
    return _NONE


def _is_path(tokens: Sequence[Token], index: int, place: _Place, columns: TableColumns) -> bool:
    """Tell whether the colon at *index* starts a path such as `v:a`.

    DuckDB writes an alias the same way at the start of an item, `a: 1`; there a
    colon without spaces, before a name that is not called, is taken for a path
    unless the tables have no such column.
    """
    before, colon = tokens[index - 1] if index else _NONE, tokens[index]
    after = tokens[index + 1] if index + 1 < len(tokens) else _NONE
    if (
        place.parameters
        or place.bracket in ("[", "{")
        or before.end != colon.start
        or after.kind not in ("word", "quoted")
    ):
        return False
    if before.kind not in ("word", "quoted") and before.text not in (")", "]"):
        return False
    if place.clause == "other":
        return True
    start = tokens[index - 2] if index > 1 else _NONE
    if start.text not in _ITEM_STARTS and not (place.clause == "from" and start.text in ("from", "join")):
        return True
    if place.clause == "from":
        return False
    called = index + 2 < len(tokens) and tokens[index + 2].text == "("
    if after.start != colon.end or after.text in _NO_PATH or called:
        return False
    return _may_be_column(before.text.strip('"'), tokens, columns)


def _may_be_column(name: str, tokens: Sequence[Token], columns: TableColumns) -> bool:
    """Tell whether *name* can be a column: of a table the text names, or one that the text itself makes."""
    words = [token.text.strip('"') for token in tokens if token.kind in ("word", "quoted")]
    known = [found for found in (columns((word,)) for word in set(words)) if found is not None]
    return not known or words.count(name) > 1 or any(name in found for found in known)


def _has_unnamed_values(tokens: Sequence[Token], words: set[str]) -> bool:
    """Tell whether `column1` or `$1` names a column of a VALUES, as only Snowflake has it."""
    if "values" not in words:
        return False
    texts = [token.text for token in tokens]
    in_from = any(pair in (("from", "values"), ("(", "values")) for pair in pairwise(texts))
    if not in_from:
        return False
    if any(token.kind == "parameter" and token.text[1:].isdigit() for token in tokens):
        return ("from", "values") in pairwise(texts)
    named = any(_lists_names(tokens, index) for index, text in enumerate(texts) if text == "column1")
    return "column1" in words and not named


def _lists_names(tokens: Sequence[Token], index: int) -> bool:
    """Tell whether the token is the first of a list of names, as in `t(column1, column2)`."""
    if index < 2 or tokens[index - 1].text != "(" or tokens[index - 2].kind not in ("word", "quoted"):
        return False
    return tokens[index - 2].text not in _FUNCTION_NAMES


_FUNCTION_NAMES = frozenset(map(str.lower, FUNCTIONS))

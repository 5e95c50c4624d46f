"""Snowflake text to sqlglot's tree, with every function call left as it was written.

sqlglot normalises functions while it parses, and loses arguments doing so. The
names of calls are therefore given a prefix in the token stream, so that the
parser meets only functions it does not know and keeps all arguments in order.
"""

from __future__ import annotations

import logging
import re
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from flight_server.dialects.bounds import check_text, check_tree
from flight_server.dialects.build import Node
from flight_server.dialects.refuse import unreadable

PREFIX = "sf_"
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # Its warnings quote the caller's text.
_DIALECT = Snowflake()
_KEPT = frozenset(
    {"CAST", "TRY_CAST", "EXTRACT", "TABLE", "IN", "ANY", "ALL", "SOME", "VALUES", "EXISTS", "IDENTIFIER"}
)
_KNOWN = (frozenset(Snowflake.Parser.FUNCTIONS) | frozenset(Snowflake.Parser.FUNCTION_PARSERS)) - _KEPT
_AFTER_OPERAND = frozenset(
    {
        TokenType.ALIAS,
        TokenType.DCOLON,
        TokenType.DOT,
        TokenType.IDENTIFIER,
        TokenType.INTO,
        TokenType.NUMBER,
        TokenType.R_BRACKET,
        TokenType.R_PAREN,
        TokenType.STRING,
        TokenType.TABLE,
        TokenType.UPDATE,
        TokenType.VAR,
        TokenType.VIEW,
    }
)
_NUMBER = re.compile(r"-?\d")
_INFIX = frozenset({"LIKE", "ILIKE", "RLIKE", "REGEXP"})
_STAR_CLAUSES = frozenset({"REPLACE", "RENAME", "EXCLUDE"})
_STAR_STARTS = frozenset({TokenType.SELECT, TokenType.COMMA, TokenType.DOT, TokenType.DISTINCT})
_MERGE_VERBS = frozenset({"INSERT", "UPDATE", "DELETE"})


def read(sql: str) -> Node:
    """Return the tree of one Snowflake statement.

    Raises:
        QueryRefused: QUERY_PARSE_ERROR for what is not Snowflake SQL, or not one statement.
    """
    try:
        tokens = _DIALECT.tokenize(sql)
        check_text(tokens)
        trees = [tree for tree in _DIALECT.parser().parse(_prepared(tokens), sql) if tree is not None]
    except SqlglotError as error:
        raise unreadable(_plain(error)) from None
    except RecursionError:
        raise unreadable("the statement is nested too deeply") from None
    if len(trees) != 1:
        raise unreadable("send exactly one statement in each query")
    check_tree(trees[0])
    return _with_plain_strings(trees[0])


def _with_plain_strings(tree: Node) -> Node:
    """Return *tree* with `$$ .. $$` strings as ordinary ones."""
    for raw in list(tree.find_all(exp.RawString)):
        raw.replace(exp.Literal.string(raw.name))
    return tree


def written_name(node: exp.Anonymous) -> str:
    """Return the upper-case name of a call as the caller wrote it."""
    name = str(node.name).upper()
    return name.removeprefix(PREFIX.upper())


def _plain(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return str(error)
    first = details[0]
    where = f"line {first['line']}, column {first['col']}, near {first['highlight']!r}"
    return f"{first['description']} at {where}".replace(PREFIX, "")


def _prepared(tokens: list[Token]) -> list[Token]:
    return _with_numbered_parameters(_with_prefixed_calls(_without_filling(tokens)))


def _without_filling(tokens: list[Token]) -> list[Token]:
    """Return the tokens without words of no effect: START WITH 1 INCREMENT BY 1, CLONE t COPY GRANTS."""
    if not tokens or tokens[0].token_type not in (TokenType.CREATE, TokenType.ALTER):
        return tokens
    words = [token.text.upper() for token in tokens]
    if words[-2:] == ["COPY", "GRANTS"] and "CLONE" in words:
        tokens, words = tokens[:-2], words[:-2]
    pairs = (("START", "WITH"), ("INCREMENT", "BY"))
    filling = {
        at + 1
        for at, pair in enumerate(pairwise(words))
        if pair in pairs and _NUMBER.match("".join(words[at + 2 : at + 4]))
    }
    return [token for at, token in enumerate(tokens) if at not in filling]


def _with_prefixed_calls(tokens: list[Token]) -> list[Token]:
    return [_renamed(token) if _is_call(tokens, index) else token for index, token in enumerate(tokens)]


def _with_numbered_parameters(tokens: list[Token]) -> list[Token]:
    """Return the tokens with every `?` as `$1`, `$2` .., so that a value may be written twice."""
    kinds = {token.token_type for token in tokens}
    if TokenType.PLACEHOLDER in kinds and TokenType.PARAMETER in kinds:
        raise unreadable("parameters are either ? or $1, $2, not both")
    made: list[Token] = []
    count = 0
    for token in tokens:
        if token.token_type is not TokenType.PLACEHOLDER:
            made.append(token)
            continue
        count += 1
        made += [_like(token, TokenType.PARAMETER, "$"), _like(token, TokenType.NUMBER, str(count))]
    return made


def _like(token: Token, kind: TokenType, text: str) -> Token:
    """Return a token at the place of *token*."""
    return Token(kind, text, token.line, token.col, token.start, token.end, token.comments)


def _renamed(token: Token) -> Token:
    return _like(token, TokenType.VAR, PREFIX + token.text)


def _is_call(tokens: list[Token], index: int) -> bool:
    """Tell whether the token is the name of a known function that is called there."""
    token = tokens[index]
    following = tokens[index + 1].token_type if index + 1 < len(tokens) else None
    if following is not TokenType.L_PAREN or token.token_type in (TokenType.IDENTIFIER, TokenType.STRING):
        return False
    name = token.text.upper()
    if name not in _KNOWN:
        return False
    before = [tokens[index - back].token_type if index >= back else None for back in (1, 2)]
    if before[0] is TokenType.NUMBER and before[1] is TokenType.TOP:
        return True
    if before[0] is TokenType.STAR and name in _STAR_CLAUSES:
        return before[1] not in _STAR_STARTS
    if (before[0] is TokenType.THEN and name in _MERGE_VERBS) or (
        before[0] is TokenType.NOT and name in _INFIX
    ):
        return False
    return before[0] not in _AFTER_OPERAND

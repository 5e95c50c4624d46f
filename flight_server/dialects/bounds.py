"""How deep and how large a statement may be, at every stage.

sqlglot is compiled: its recursion uses the thread's C stack, and the service
lets Python recurse deeper than that stack is. A text must be measured before it
is parsed, and what its rewriting makes of it before it is copied again.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from flight_server.dialects.refuse import unreadable, unsupported

DEEPEST_TEXT = 120
DEEPEST_TREE = 900
LARGEST_EXPRESSION = 20_000
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE, TokenType.ARROW})
_SIZE = "size"


def check_text(tokens: Iterable[Token]) -> None:
    """Refuse a text whose brackets, CASEs and prefix operators would nest too deeply."""
    depth = prefixes = 0
    for token in tokens:
        kind = token.token_type
        prefixes = prefixes + 1 if kind in _PREFIXES else prefixes
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if kind in (TokenType.COMMA, TokenType.SELECT):
            prefixes = 0
        if depth > DEEPEST_TEXT or prefixes > 8 * DEEPEST_TEXT:
            raise unreadable("the statement is nested too deeply")


def check_tree(tree: exp.Expr) -> None:
    """Refuse a tree that is too deep to be walked or printed."""
    level: list[exp.Expr] = [tree]
    for _ in range(DEEPEST_TREE):
        level = [child for node in level for child in node.iter_expressions()]
        if not level:
            return
    raise unsupported("a statement nested this deeply")


def check_growth(made: exp.Expr) -> None:
    """Refuse an expression that became too large by being written several times.

    The size of what is inside was noted when that was made, so that each node is counted once.
    """
    size, stack = 0, [made]
    while stack:
        node = stack.pop()
        known = node.meta.get(_SIZE)
        size += known if isinstance(known, int) else 1
        if known is None:
            stack.extend(node.iter_expressions())
    if size > LARGEST_EXPRESSION:
        raise unsupported("an expression nested this deeply")
    made.meta[_SIZE] = size

"""Where statements end."""

from __future__ import annotations

import pytest

from hatidata_agent.cli.prompt.session import is_command, is_whole
from hatidata_agent.cli.prompt.statements import typed


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("SELECT 1;", ["SELECT 1"], ""),
        ("SELECT 1; SELECT 2", ["SELECT 1"], "SELECT 2"),
        ("SELECT ';'", [], "SELECT ';'"),
        ("SELECT 'it''s;';", ["SELECT 'it''s;'"], ""),
        (r"SELECT E'\';';", [r"SELECT E'\';'"], ""),
        ('SELECT ";";', ['SELECT ";"'], ""),
        ("SELECT $$;$$;", ["SELECT $$;$$"], ""),
        ("SELECT $a$ $$; $a$;", ["SELECT $a$ $$; $a$"], ""),
        ("SELECT $1;", ["SELECT $1"], ""),
        ("SELECT 1 -- no; end", [], "SELECT 1 -- no; end"),
        ("SELECT 1; -- done", ["SELECT 1"], ""),
        ("SELECT /* ; */ 1;", ["SELECT /* ; */ 1"], ""),
        ("SELECT 'open;", [], "SELECT 'open;"),
        ("SELECT 1; SELECT 'open;", ["SELECT 1"], "SELECT 'open;"),
        (";;", [], ""),
        ("", [], ""),
    ],
)
def test_a_semicolon_ends_a_statement_outside_of_texts_and_comments(
    text: str, statements: list[str], rest: str
) -> None:
    found = typed(text)

    assert (list(found.statements), found.rest) == (statements, rest)


@pytest.mark.parametrize("text", [".tables", "\\d orders", "quit", "exit", ".help"])
def test_commands_of_the_prompt_need_no_semicolon(text: str) -> None:
    assert is_command(text)
    assert is_whole(text)


@pytest.mark.parametrize("text", ["SELECT 1", "SELECT '", "exit early", "BEGIN"])
def test_other_text_waits_for_its_semicolon(text: str) -> None:
    assert not is_whole(text)

"""The prompt itself: reads statements, runs them, and outlives whatever becomes of them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from hatidata_agent.cli.prompt.statements import typed
from hatidata_agent.cli.prompt.vocabulary import Column, SqlCompleter, Vocabulary
from hatidata_agent.errors import HatiDataError

if TYPE_CHECKING:
    from hatidata_agent.client import HatiDataAgent

HISTORY = "history"
HELP = """\
A statement ends with `;` and may take several lines. Tab completes, arrows bring back what was typed,
Ctrl-R searches it. Ctrl-C cancels what runs, or clears what is typed; Ctrl-D leaves.

  .tables            the tables you may see (also \\d)
  .columns TABLE     the columns of one (also \\d TABLE)
  .format FORM       how answers are shown: table, csv or json
  .help              this (also \\?)
  .quit              leave (also \\q)"""
_ALIASES = {
    "\\q": ".quit",
    "\\?": ".help",
    "\\h": ".help",
    ".exit": ".quit",
    "exit": ".quit",
    "quit": ".quit",
}
_COMMANDS = (".tables", ".columns", ".format", ".help", ".quit")
_KEY = re.compile(r"hd_(live|test|agent)_\w{8}")
_DEFINES = re.compile(r"\s*(create|drop|alter|use)\b", re.IGNORECASE)

Run = Callable[[str, str], None]
"""Runs a statement and shows its answer in a form."""


class Leave(Exception):
    """Ends the prompt."""


class Prompt:
    """One conversation.

    Args:
        home: Where the history is kept, if the folder exists.
        run: Raises `HatiDataError` for a refusal.
    """

    def __init__(self, agent: HatiDataAgent, home: Path, run: Run, form: str = "table") -> None:
        self._vocabulary = Vocabulary(agent)
        self._run = run
        self._form = form
        self._session: PromptSession[str] = PromptSession(
            history=history_in(home),
            completer=SqlCompleter(self._vocabulary, _COMMANDS),
            complete_while_typing=False,
            lexer=PygmentsLexer(SqlLexer),
            auto_suggest=AutoSuggestFromHistory(),
            multiline=True,
            key_bindings=_bindings(),
            prompt_continuation=lambda width, _line, _wrapped: "...> ".rjust(width),
        )

    def talk(self) -> None:
        """Read and run until the person leaves."""
        self._vocabulary.refresh_soon()
        print(".help for help, Ctrl-D to leave", file=sys.stderr)
        while True:
            try:
                text = self._session.prompt("hati> ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            try:
                self._obey(text)
            except Leave:
                return

    def _obey(self, text: str) -> None:
        """Do what a complete entry says; a failure ends the entry and not the prompt."""
        try:
            if is_command(text):
                self._command(*text.split())
                return
            for statement in (*typed(text).statements, typed(text).rest):
                if statement:
                    self._run(statement, self._form)
                if _DEFINES.match(statement):
                    self._vocabulary.refresh_soon()
        except KeyboardInterrupt:
            print("hati: cancelled", file=sys.stderr)
        except HatiDataError as error:
            print(f"hati: {error.message} [{error.code}]", file=sys.stderr)
        except OSError as error:
            print(f"hati: {error.strerror or error}", file=sys.stderr)

    def _command(self, name: str, *arguments: str) -> None:
        name = _ALIASES.get(name, name)
        if name == "\\d":
            name = ".columns" if arguments else ".tables"
        match name, arguments:
            case ".quit", ():
                raise Leave
            case ".help", ():
                print(HELP)
            case ".tables", ():
                self._vocabulary.refresh()
                _print_columns_of_text(sorted(self._vocabulary.tables) or ["(no tables)"])
            case ".columns", (table,):
                self._vocabulary.refresh()
                self._describe(table.rstrip(";"))
            case ".format", ("table" | "csv" | "json" as form,):
                self._form = form
            case _:
                print(f"hati: {name} is not understood so; .help lists what is", file=sys.stderr)

    def _describe(self, table: str) -> None:
        known = {name.lower(): columns for name, columns in self._vocabulary.tables.items()}
        columns = known.get(table.lower().removeprefix("main."))
        if columns is None:
            print(f"hati: there is no table {table} for you", file=sys.stderr)
            return
        width = max((len(column.name) for column in columns), default=0)
        print("\n".join(f"{column.name:{width}}  {_told(column)}" for column in columns))


def is_command(text: str) -> bool:
    """Tell whether *text* is for the prompt and not for the service."""
    words = text.split()
    return bool(words) and (words[0][0] in ".\\" or (len(words) == 1 and words[0] in _ALIASES))


def is_whole(text: str) -> bool:
    """Tell whether Enter runs *text*; else it begins another line."""
    return not text.strip() or is_command(text) or not typed(text).rest


def history_in(home: Path) -> History:
    """Return the history of *home*, readable by its owner alone; of no folder, one that is forgotten."""
    path = home / HISTORY
    try:
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return _KeylessHistory(str(path))


class _KeylessHistory(FileHistory):
    """Keeps what was typed, unless it holds an API key."""

    def store_string(self, string: str) -> None:
        """Write *string* to the file."""
        if not _KEY.search(string):
            super().store_string(string)


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return bindings


def _told(column: Column) -> str:
    return f"{column.kind}, masked: {column.masked}" if column.masked else column.kind


def _print_columns_of_text(names: list[str]) -> None:
    """Print *names* in as many columns as the terminal has room for."""
    width = max(map(len, names)) + 2
    across = max(1, shutil.get_terminal_size().columns // width)
    down = -(-len(names) // across)
    for row in range(down):
        print("".join(name.ljust(width) for name in names[row::down]).rstrip())

"""`hati query` alone, on a real terminal against a whole service."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.service import Service, hati, plain_environment
from tests.fixtures.terminal import Open, Terminal

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3;"
PROMPT = "hati>"
CTRL_C, CTRL_D, ENTER, TAB, UP = "\x03", "\x04", "\r", "\t", "\x1b[A"

Begin = Callable[..., Terminal]


@pytest.fixture
def prompt(service: Service, open_terminal: Open, tmp_path: Path) -> Begin:
    """Open the prompt; the history is in a home without a service."""

    def begin(key: str = "", *options: str) -> Terminal:
        port = service.endpoints.http.rpartition(":")[2]
        place = ["--home", str(tmp_path), "query", "--host", "127.0.0.1", "--port", port]
        environment = plain_environment() | ({"HATIDATA_API_KEY": key} if key else {})
        command = [sys.executable, "-m", "hatidata_agent", *place, *options]
        terminal = open_terminal(command, environment)
        terminal.wait_for(PROMPT)
        return terminal

    return begin


def test_a_statement_runs_and_the_prompt_comes_back(prompt: Begin) -> None:
    terminal = prompt()
    terminal.type(f"SELECT 40 + 2 AS answer;{ENTER}")
    shown = terminal.wait_for("qry_")
    terminal.wait_for(PROMPT)
    terminal.type(CTRL_D)

    assert "42" in shown
    assert "1 row," in shown
    assert terminal.ended() == 0


def test_a_statement_takes_lines_until_its_semicolon(prompt: Begin) -> None:
    terminal = prompt()
    terminal.type(f"SELECT 'a;b' AS text,{ENTER}")
    terminal.wait_for("...>")
    terminal.type(f"  41 + 1 AS n;{ENTER}")

    shown = terminal.wait_for("qry_")
    assert "a;b" in shown
    assert "42" in shown


def test_ctrl_c_cancels_the_query_and_not_the_prompt(prompt: Begin, service: Service) -> None:
    terminal = prompt()
    terminal.type(f"{ENDLESS}{ENTER}")
    _until(lambda: service.running_queries() == 1)
    terminal.type(CTRL_C)
    terminal.wait_for("hati: cancelled")
    _until(lambda: service.running_queries() == 0)
    terminal.wait_for(PROMPT)
    terminal.type(f"SELECT 'still here' AS a;{ENTER}")

    assert "still here" in terminal.wait_for("qry_")


def test_ctrl_c_clears_what_is_typed(prompt: Begin) -> None:
    terminal = prompt()
    terminal.type(f"SELECT nonsense{CTRL_C}")
    terminal.wait_for(PROMPT)
    terminal.type(f"SELECT 'fresh' AS a;{ENTER}")

    shown = terminal.wait_for("qry_")
    assert "1 row," in shown
    assert "[QUERY" not in shown


def test_a_refusal_is_one_line_and_the_prompt_stays(prompt: Begin, service: Service) -> None:
    terminal = prompt(service.key("--role", "analyst"))
    terminal.type(f"SELECT * FROM salary_data;{ENTER}")
    terminal.wait_for("[POLICY_DENIED]")
    terminal.wait_for(PROMPT)
    terminal.type(f".quit{ENTER}")

    assert terminal.ended() == 0
    assert "Traceback" not in terminal.seen


def test_tables_and_columns_are_those_of_the_key(prompt: Begin, service: Service) -> None:
    terminal = prompt(service.key("--role", "analyst"))
    terminal.type(f"\\d{ENTER}")
    tables = terminal.wait_for("sales") + terminal.wait_for(PROMPT)
    terminal.type(f"\\d customers{ENTER}")

    assert "orders" in tables
    assert "salary_data" not in tables
    assert "VARCHAR, masked: " in terminal.wait_for("signup_date")


def test_tab_completes_tables_and_columns(prompt: Begin) -> None:
    terminal = prompt()
    terminal.type(f".tables{ENTER}")
    terminal.wait_for("salary_data")
    terminal.wait_for(PROMPT)
    terminal.type(f"SELECT count(*) AS n FROM salary_d{TAB}")
    terminal.wait_for("ata")
    terminal.type(f";{ENTER}")

    assert "1 row," in terminal.wait_for("qry_")


def test_what_was_typed_comes_back_in_another_prompt_but_no_key(prompt: Begin, tmp_path: Path) -> None:
    first = prompt()
    first.type(f"SELECT 'remembered' AS a;{ENTER}")
    first.wait_for("qry_")
    first.wait_for(PROMPT)
    first.type(f"SELECT 'hd_live_{'x' * 32}' AS a;{ENTER}")
    first.wait_for("qry_")
    first.wait_for(PROMPT)
    first.type(CTRL_D)
    assert first.ended() == 0

    again = prompt()
    again.type(f"{UP}{ENTER}")

    assert "remembered" in again.wait_for("qry_")
    history = tmp_path / "history"
    assert "hd_live_" not in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_without_a_terminal_it_asks_for_sql(service: Service) -> None:
    done = hati("query", home=service.home, input_text="")

    assert done.returncode == 2
    assert "SQL" in done.stderr


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)

"""What holds for every `hati` command: help, exit codes, one line instead of a traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.service import hati, make_home, plain_environment

COMMANDS = ("init", "serve", "stop", "status", "query", "load", "keys", "completion")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    done = hati(command, "--help", home=tmp_path)

    assert done.returncode == 0
    assert "Usage: hati" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["frobnicate"], 2, "No such command"),
        (["query", "--host", "localhost"], 2, "there is no SQL: give it"),
        (["query", "SELECT 1"], 3, "no service is running"),
        (["query", "SELECT 1", "--host", "127.0.0.1", "--port", "1"], 3, "cannot connect"),
        (["keys", "create", "--role", "admin"], 78, "does not exist"),
        (["keys", "revoke", "hd_"], 2, "first 12 characters"),
        (["serve"], 78, "does not exist"),
        (["load", "missing.csv"], 2, "does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = hati(*arguments, home=tmp_path / "none")

    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_every_fault_of_the_settings_is_told(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hati")
    (home / "config.toml").write_text('http_port = "x"\nnonsense = 1\n')
    done = hati("serve", home=home)

    assert done.returncode == 78
    assert [line[:5] for line in done.stderr.splitlines()] == ["hati:", "hati:"]


def test_a_port_in_use_is_named_with_its_setting(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hati")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = hati("serve", "--http-port", str(port), home=home)

    assert done.returncode == 78
    assert f"port {port} is in use: choose another with --http-port or http_port" in done.stderr


def test_init_creates_a_home_and_says_how_to_go_on(tmp_path: Path) -> None:
    done = hati("init", "--no-start", home=tmp_path / "hati")

    assert (done.returncode, done.stdout) == (0, "HatiData initialized successfully.\n")
    assert "hati serve" in done.stderr


def test_a_second_init_says_that_nothing_was_to_do(tmp_path: Path) -> None:
    hati("init", "--no-start", home=tmp_path / "hati")
    done = hati("init", "--no-start", home=tmp_path / "hati")

    assert (done.returncode, done.stdout) == (0, f"HatiData is already initialized in {tmp_path / 'hati'}.\n")


def test_demo_data_cannot_be_kept_in_memory(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hati")
    (home / "config.toml").write_text('duckdb_path = ":memory:"\n')
    done = hati("init", "--no-start", "--demo", home=home)

    assert (done.returncode, "duckdb_path" in done.stderr) == (78, True)


def test_a_home_that_cannot_be_written_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = hati("init", "--no-start", home=tmp_path / "file" / "hati")

    assert (done.returncode, "file" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_a_stopped_service_is_told_by_status(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hati")
    done = hati("status", "--json", home=home)

    assert (done.returncode, json.loads(done.stdout)["state"]) == (3, "stopped")


def test_stopping_nothing_does_no_harm(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hati")
    (home / "run" / "serve.lock").write_text(str(os.getpid()))
    done = hati("stop", home=home)

    assert (done.returncode, done.stdout) == (0, "HatiData is not running.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(shell: str, tmp_path: Path) -> None:
    done = hati("completion", shell, home=tmp_path)

    assert (done.returncode, "_HATI_COMPLETE" in done.stdout) == (0, True)


def test_completion_offers_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatidata_agent"],
        env=plain_environment()
        | {"_HATI_COMPLETE": "bash_complete", "COMP_WORDS": "hati ke", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "plain,keys\n"

"""The commands to paste: whole, plain, and right for the service's mode."""

from __future__ import annotations

import shlex
import sys

import pytest

from hatidata_agent.service.endpoints import Endpoints
from hatidata_agent.service.welcome import welcome

PLAIN = Endpoints(
    http="http://127.0.0.1:5439",
    mcp="http://127.0.0.1:5440",
    flight="grpc://127.0.0.1:8815",
    health="127.0.0.1:8816",
    metrics="http://127.0.0.1:9090",
)
SECURE = Endpoints(
    http="https://127.0.0.1:5439",
    mcp="https://127.0.0.1:5440",
    flight="grpc+tls://127.0.0.1:8815",
    health="127.0.0.1:8816",
    metrics="http://127.0.0.1:9090",
)


def _commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if "curl" in line.split()[:1] or " -c " in line]


@pytest.mark.parametrize("endpoints", [PLAIN, SECURE])
@pytest.mark.parametrize("dev_mode", [True, False])
def test_every_python_command_is_one_program_that_compiles(endpoints: Endpoints, dev_mode: bool) -> None:
    programs = [
        words[2] for words in _commands(welcome(endpoints, dev_mode=dev_mode, demo=True)) if words[1] == "-c"
    ]

    assert len(programs) == 3
    for program in programs:
        compile(program, "<command>", "exec")


def test_the_commands_name_the_real_ports() -> None:
    text = welcome(PLAIN, dev_mode=True, demo=True)

    assert "http://127.0.0.1:5439/v1/query" in text
    assert text.count("grpc://127.0.0.1:8815") == 3
    assert "Console, for your browser: http://127.0.0.1:5440/\n" in text


def test_a_key_is_asked_for_only_outside_dev_mode() -> None:
    assert "HATIDATA_API_KEY" not in welcome(PLAIN, dev_mode=True, demo=True)
    assert "hati keys create" in welcome(PLAIN, dev_mode=False, demo=True)


def test_without_demo_data_the_commands_need_no_table() -> None:
    assert "sales" not in welcome(PLAIN, dev_mode=True, demo=False)


def test_a_frame_never_gets_between_the_commands() -> None:
    assert welcome(PLAIN, dev_mode=True, demo=True).isascii()
    assert sys.executable.rsplit("/", 1)[-1] in welcome(PLAIN, dev_mode=True, demo=True)

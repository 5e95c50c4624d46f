"""What gets into the operator's log, and what never does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from flight_server.logs import configure_logging, flush_lines, log_query
from tests.flight_server.test_metrics import entry


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_writes_one_json_line_for_a_query_without_its_text() -> None:
    stream = io.StringIO()
    configure_logging("json", "info", stream)

    log_query(structlog.get_logger(), replace(entry(), sql="SELECT 'hunter2'"))
    flush_lines()

    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["event"], record["code"], record["level"]) == ("query", "OK", "info")
    assert "SELECT" not in line


def test_our_own_defects_are_errors() -> None:
    stream = io.StringIO()
    configure_logging("json", "error", stream)

    log_query(structlog.get_logger(), entry())
    log_query(structlog.get_logger(), entry("INTERNAL_ERROR"))
    flush_lines()

    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == ["error"]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_shows_no_local_variable(log_format: str) -> None:
    stream = io.StringIO()
    configure_logging(log_format, "info", stream)  # type: ignore[arg-type]  # one of the two

    def fail(password: str) -> None:
        raise ValueError("no " + str(len(password)))

    try:
        fail("hunter2" * 2)
    except ValueError:
        structlog.get_logger().exception("it failed")

    assert "ValueError" in stream.getvalue()
    assert "hunter2hunter2" not in stream.getvalue()


def test_chooses_json_when_nobody_watches() -> None:
    stream = io.StringIO()
    configure_logging("auto", "info", stream)

    structlog.get_logger().info("started", port=1)

    assert json.loads(stream.getvalue())["port"] == 1


def test_text_is_for_people() -> None:
    stream = io.StringIO()
    configure_logging("text", "info", stream)

    structlog.get_logger().info("started", port=1)

    assert "port=1" in stream.getvalue()


def test_refuses_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="loud"):
        configure_logging("json", "loud")

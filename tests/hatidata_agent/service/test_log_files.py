"""The log of a service in the background stays within a size."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hatidata_agent.service.log_files import KEPT, make_room
from tests.fixtures.service import hati, make_home

PORTS = "".join(f"{name}_port = 0\n" for name in ("http", "mcp", "flight", "health", "metrics"))


def test_older_files_get_the_next_number_and_the_last_is_dropped(tmp_path: Path) -> None:
    log = tmp_path / "serve.log"
    for text in ("first", "second", "third", "fourth", "fifth"):
        log.write_text(text)
        log.replace(make_room(log))

    assert sorted(path.name for path in tmp_path.iterdir()) == [f"serve.log.{n + 1}" for n in range(KEPT)]
    assert [(tmp_path / f"serve.log.{n}").read_text() for n in (1, 2, 3)] == ["fifth", "fourth", "third"]


def test_a_log_that_is_too_long_begins_anew_under_its_writers(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hati")
    (home / "config.toml").write_text(f"dev_mode = true\nlog_max_file_mb = 1\n{PORTS}")
    log = home / "logs" / "serve.log"
    try:
        assert hati("init", home=home).returncode == 0
        with log.open("ab") as also:
            also.write(b"a line of somebody else\n" * 50_000)
        _until(lambda: (home / "logs" / "serve.log.1").exists() and log.stat().st_size < 1 << 20)
        hati("query", "SELECT 4242 AS a", home=home)
        address = hati("status", "--json", home=home).stdout
        _until(lambda: b'"event":"query"' in log.read_bytes())
    finally:
        hati("stop", "--now", home=home)

    assert (home / "logs" / "serve.log.1").stat().st_size > 1 << 20
    assert b"\0" not in log.read_bytes()
    assert '"state": "ready"' in address


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)

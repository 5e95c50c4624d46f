"""Who serves a home, and what a pid file alone is worth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hatidata_agent.service.instance import AlreadyServedError, Instance, serving_pid, wait_until_gone

HOLD = """
import sys, time
from pathlib import Path
from hatidata_agent.service.instance import Instance
with Instance(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_nobody_serves_a_home_that_was_never_served(tmp_path: Path) -> None:
    assert serving_pid(tmp_path) is None


def test_the_holder_is_known_while_it_holds(tmp_path: Path) -> None:
    with Instance(tmp_path):
        during = serving_pid(tmp_path)

    assert (during, serving_pid(tmp_path)) == (os.getpid(), None)


def test_a_home_is_served_once(tmp_path: Path) -> None:
    with Instance(tmp_path), pytest.raises(AlreadyServedError) as raised:
        Instance(tmp_path)

    assert raised.value.pid == os.getpid()


def test_a_pid_that_was_left_behind_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "serve.lock").write_text(str(os.getpid()))

    assert serving_pid(tmp_path) is None


def test_a_killed_holder_serves_no_longer(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        during = serving_pid(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    assert (during, serving_pid(tmp_path)) == (holder.pid, None)


def test_waiting_for_a_holder_that_stays_ends_in_time(tmp_path: Path) -> None:
    with Instance(tmp_path):
        assert not wait_until_gone(tmp_path, 0.1)
    assert wait_until_gone(tmp_path, 0.1)

"""Freed memory goes back to the system."""

from __future__ import annotations

import re
import subprocess
import sys

SCRIPT = """
import time
from pathlib import Path
from http_gateway.idle_memory import IdleMemory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

memory = IdleMemory(pause_seconds=0.05)
chunks = [b"x" * 100_000 for _ in range(2000)]
pins = chunks[::50]
before = resident()
del chunks
memory.note()
end = time.monotonic() + 20
while resident() > before - 150_000_000 and time.monotonic() < end:
    time.sleep(0.05)
memory.close()
print(before - resident())
"""


def test_what_was_freed_between_living_chunks_is_given_back() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert int(re.findall(r"-?\d+", run.stdout)[-1]) > 150_000_000

"""The secret between the two processes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from http_gateway.gateway_token import gateway_token


def test_makes_the_token_once(tmp_path: Path) -> None:
    first = gateway_token(tmp_path / "run" / "gateway.token")

    assert gateway_token(tmp_path / "run" / "gateway.token") == first
    assert len(bytes.fromhex(first)) == 32


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    gateway_token(tmp_path / "gateway.token")

    assert stat.S_IMODE((tmp_path / "gateway.token").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["gateway.token"]


def test_reads_the_token_that_the_flight_server_made(tmp_path: Path) -> None:
    (tmp_path / "gateway.token").write_text("ab" * 32 + "\n")

    assert gateway_token(tmp_path / "gateway.token") == "ab" * 32


def test_all_who_start_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: gateway_token(tmp_path / "gateway.token"), range(32)))

    assert len(tokens) == 1

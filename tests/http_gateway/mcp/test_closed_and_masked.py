"""The tools of somebody who may see a part: closed tables do not exist, masked columns rank masked."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from flight_server.stores.keys import KeyStore
from tests.fixtures.gateway import Pair, make_pair, start_pair, wait_until
from tests.http_gateway.mcp.test_over_http import called, refused, told

MASKS = """
- table: mcp_people
  column: name
  function: full
  exempt_roles: [admin]
- table: _hatidata_agent_memory
  column: content
  function: full
  exempt_roles: [admin]
"""
ACCESS = """
permit (principal in Role::"admin", action, resource);
permit (principal in Role::"analyst", action == Action::"select", resource)
unless { resource == Table::"main.mcp_closed" };
"""


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, str]]:
    """Two processes with a closed and a masked table, and the key of an analyst."""
    home = tmp_path_factory.mktemp("governed") / "hati"
    pair = make_pair(home)
    with closing(KeyStore.open(home / "keys.db")) as store:
        key = store.create(roles=["analyst"], agent_id="analyst")
    try:
        start_pair(pair)
        for sql in (
            "CREATE TABLE mcp_people AS SELECT 'Ada Lovelace' AS name",
            "CREATE TABLE mcp_closed AS SELECT 1 AS secret",
            "SELECT store_memory('the password is tulip')",
        ):
            told(pair, "run_sql", sql=sql)
        pair.flight.stop()
        (home / "policies" / "access.cedar").write_text(ACCESS)
        (home / "policies" / "masks.yaml").write_text(MASKS)
        pair.flight.start()
        pair.wait_ready()
        yield pair, key
    finally:
        pair.close()


def test_a_closed_table_does_not_exist(governed: tuple[Pair, str], tmp_path: Path) -> None:
    pair, key = governed

    names = [table["table_name"] for table in told(pair, "list_tables", key)["tables"]]
    assert "mcp_people" in names
    assert "mcp_closed" not in names
    closed, missing = (refused(pair, "describe_table", key, table_name=n) for n in ("mcp_closed", "mcp_none"))
    assert closed["message"].replace("closed", "none") == missing["message"]
    assert refused(pair, "read_query", key, sql="SELECT * FROM mcp_closed")["error"] == "POLICY_DENIED"


def test_a_description_says_what_is_masked(governed: tuple[Pair, str]) -> None:
    pair, key = governed

    columns = told(pair, "describe_table", key, table_name="mcp_people")["columns"]

    assert columns == [{"name": "name", "type": "VARCHAR", "nullable": True, "masked": "full"}]


def test_a_masked_column_ranks_masked(governed: tuple[Pair, str]) -> None:
    pair, key = governed
    sql = (
        "SELECT name, semantic_rank(name, '***') AS near, semantic_match(name, 'Ada Lovelace') AS hit "
        "FROM mcp_people"
    )

    rows = told(pair, "read_query", key, sql=sql)["rows"]

    assert rows == [{"name": "***", "near": 1, "hit": False}]


def test_a_masked_memory_is_not_found_by_what_it_says(governed: tuple[Pair, str]) -> None:
    pair, key = governed
    sql = (
        "SELECT content, semantic_match(content, 'the password is tulip', 0.5) AS hit "
        "FROM _hatidata_agent_memory"
    )

    assert told(pair, "read_query", key, sql=sql)["rows"] == [{"content": "***", "hit": False}]
    assert told(pair, "read_query", sql=sql)["rows"] == [{"content": "the password is tulip", "hit": True}]


def test_who_may_only_read_stores_nothing(governed: tuple[Pair, str]) -> None:
    pair, key = governed

    assert refused(pair, "store_memory", key, content="a")["error"] == "POLICY_DENIED"
    assert refused(pair, "set_agent_state", key, key="k", value=1)["error"] == "POLICY_DENIED"


def test_the_protocol_is_told_to_the_policies(governed: tuple[Pair, str]) -> None:
    pair, key = governed
    called(pair, "read_query", key, sql="SELECT 1 AS told_to_policies")

    audit = "".join(file.read_text() for file in (pair.home / "audit").glob("*.jsonl"))
    assert '"mcp"' in audit


def _reloaded(pair: Pair, masks: str) -> None:
    """Have the Flight server read other masks."""
    loaded = pair.home / "run" / "policies.json"
    before = loaded.read_text()
    (pair.home / "policies" / "masks.yaml").write_text(masks)
    assert pair.flight.running is not None
    pair.flight.running.send_signal(signal.SIGHUP)
    wait_until(lambda: loaded.read_text() != before, pair.flight.last_output)


def test_a_policy_that_changes_reaches_results_that_are_kept(governed: tuple[Pair, str]) -> None:
    pair, key = governed
    sql = "SELECT name, repeat('x', 100) || range AS padding FROM mcp_people, range(20000)"
    url = told(pair, "read_query", key, sql=sql)["result_handle"]["url"]
    headers = {"Authorization": f"Bearer {key}"}

    assert requests.get(url, headers=headers, timeout=30).status_code == 200
    _reloaded(pair, MASKS.replace("full", "hash"))
    try:
        changed = requests.get(url, headers=headers, timeout=30)
    finally:
        _reloaded(pair, MASKS)
    assert (changed.status_code, changed.json()["error"]) == (403, "POLICY_DENIED")
    assert "ask again" in changed.json()["message"]
    assert requests.get(url, headers=headers, timeout=30).status_code == 200


def test_a_revoked_key_fetches_no_kept_result(governed: tuple[Pair, str]) -> None:
    pair, _ = governed
    with closing(KeyStore.open(pair.home / "keys.db")) as store:
        key = store.create(roles=["analyst"], agent_id="leaver")
        url = told(pair, "read_query", key, sql="SELECT range, repeat('x', 100) FROM range(20000)")
        headers = {"Authorization": f"Bearer {key}"}
        assert requests.get(url["result_handle"]["url"], headers=headers, timeout=30).status_code == 200
        store.revoke(key[:12])

    def is_refused() -> bool:
        return requests.get(url["result_handle"]["url"], headers=headers, timeout=30).status_code == 401

    wait_until(is_refused, pair.flight.last_output, seconds=5)
    assert is_refused()

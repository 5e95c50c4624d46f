"""What callers with few rights read, on both ports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.gateway import Pair, make_pair, start_pair
from tests.fixtures.service import hati

Headers = dict[str, str]
Restricted = tuple[Pair, Headers, Headers]
LIMITS = "analyst:\n  requests_per_minute: 1\n  burst: 1\n"


def with_key_of(pair: Pair, role: str) -> Headers:
    key = hati("keys", "create", "--role", role, "--agent", f"{role}-1", home=pair.home).stdout.strip()
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restricted]:
    """A pair, the header of an analyst who has asked too often, and of an auditor, who may read no table."""
    pair = make_pair(tmp_path_factory.mktemp("restricted") / "hati")
    (pair.home / "policies" / "limits.yaml").write_text(LIMITS)
    analyst, auditor = with_key_of(pair, "analyst"), with_key_of(pair, "auditor")
    try:
        start_pair(pair).post("select 1", headers=analyst)
        pair.post("create table closed (a integer)")
        yield pair, analyst, auditor
    finally:
        pair.close()


@pytest.mark.parametrize("profile", ["http", "mcp"])
def test_a_limit_says_when_to_come_back(restricted: Restricted, profile: str) -> None:
    pair, analyst, _ = restricted
    response = pair.post("select 1", "arrow", profile=profile, headers=analyst)

    assert response.status_code == 429
    assert "RATE_LIMITED" in response.json().values()
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert int(response.headers["X-RateLimit-Limit"]) >= 1
    assert int(response.headers["X-RateLimit-Reset"]) > 1_700_000_000


def test_only_the_native_profile_names_agent_and_table(restricted: Restricted) -> None:
    pair, _, auditor = restricted
    main = pair.post("select * from closed", headers=auditor).json()
    native = pair.post("select * from closed", profile="mcp", headers=auditor).json()

    assert (main["error"], main["code"]) == ("Permission denied", "POLICY_DENIED")
    assert native["error"] == "POLICY_DENIED"
    assert native["message"] == "Agent 'auditor-1' is not permitted to access table 'closed'"


def test_another_agents_name_is_refused(restricted: Restricted) -> None:
    pair, _, auditor = restricted
    response = pair.post("select 1", headers=auditor | {"X-Agent-Id": "somebody-else"})

    assert (response.status_code, response.json()["code"]) == (403, "POLICY_DENIED")

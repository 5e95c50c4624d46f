"""Sessions: found again by their own client, and bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from flight_server.engines.duckdb_engine import DuckDBEngine, DuckDBOptions
from flight_server.errors import QueryRefused
from flight_server.model import Caller, Credential, Kind
from flight_server.protocols.flight.sessions import Anchor, FlightSession, Prepared, Sessions, owner_of

PEER = Anchor("owner", ("peer:1",))


@pytest.fixture
def engine(tmp_path: object) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(DuckDBOptions(path=":memory:"))
    yield engine
    engine.close()


@pytest.fixture
def make_sessions(engine: DuckDBEngine) -> Iterator[Callable[..., Sessions]]:
    made: list[Sessions] = []

    def make(idle_s: float = 60.0, per_owner: int = 64) -> Sessions:
        made.append(Sessions(engine.open_session, idle_s, per_owner))
        return made[-1]

    yield make
    for sessions in made:
        sessions.close()


def keep_something(session: FlightSession) -> bytes:
    handle = f"{id(session)}".encode()
    session.keep(Prepared(handle, "SELECT 1", b"", Kind.READ, 0))
    return handle


def test_a_session_that_holds_nothing_is_forgotten_with_its_last_call(
    make_sessions: Callable[..., Sessions],
) -> None:
    sessions = make_sessions()
    one = sessions.lease(PEER)
    again = sessions.lease(PEER)
    sessions.give_back(one)

    assert again is one
    assert len(sessions) == 1
    sessions.give_back(again)
    assert len(sessions) == 0


def test_a_session_that_holds_something_is_found_again(make_sessions: Callable[..., Sessions]) -> None:
    sessions = make_sessions()
    one = sessions.lease(PEER)
    keep_something(one)
    sessions.give_back(one)

    assert sessions.lease(PEER) is one
    assert sessions.lease(Anchor("somebody else", ("peer:1",))) is not one


def test_a_cookie_leads_to_the_session_from_any_connection(make_sessions: Callable[..., Sessions]) -> None:
    sessions = make_sessions()
    one = sessions.lease(PEER)
    keep_something(one)
    sessions.name(one, "crumb")

    assert sessions.lease(Anchor("owner", ("cookie:crumb", "peer:2"))) is one
    assert sessions.lease(Anchor("thief", ("cookie:crumb", "peer:2"))) is not one


def test_the_session_unused_for_longest_has_to_go(make_sessions: Callable[..., Sessions]) -> None:
    sessions = make_sessions(per_owner=2)
    held = []
    for number in range(3):
        session = sessions.lease(Anchor("owner", (f"peer:{number}",)))
        keep_something(session)
        sessions.give_back(session)
        held.append(session)

    assert [session.closed for session in held] == [True, False, False]


def test_a_session_in_use_outlives_its_idle_time(make_sessions: Callable[..., Sessions]) -> None:
    sessions = make_sessions(idle_s=0.1)
    busy, idle = sessions.lease(PEER), sessions.lease(Anchor("owner", ("peer:2",)))
    keep_something(busy)
    keep_something(idle)
    sessions.give_back(idle)
    time.sleep(0.5)

    assert (busy.closed, idle.closed) == (False, True)


def test_a_statement_is_found_from_a_new_connection_of_its_owner(
    make_sessions: Callable[..., Sessions],
) -> None:
    sessions = make_sessions()
    handle = keep_something(sessions.lease(PEER))
    later, other = sessions.lease(Anchor("owner", ("peer:2",))), sessions.lease(Anchor("other", ("peer:3",)))

    assert sessions.of_statement(later, handle)[1].handle == handle
    with pytest.raises(QueryRefused, match="closed or has expired"):
        sessions.of_statement(other, handle)


def test_the_second_transaction_of_a_session_runs_in_one_of_its_own(
    make_sessions: Callable[..., Sessions],
) -> None:
    sessions = make_sessions()
    session = sessions.lease(PEER)
    first, inner = sessions.begin(session)
    second, apart = sessions.begin(session)

    assert inner is session
    assert apart is not session
    assert sessions.of_transaction("owner", first) is session
    assert sessions.of_transaction("owner", second) is apart
    with pytest.raises(QueryRefused, match="has ended or has expired"):
        sessions.of_transaction("other", second)
    sessions.end(second)
    assert apart.closed
    with pytest.raises(QueryRefused, match="has ended or has expired"):
        sessions.of_transaction("owner", second)


def test_the_owner_is_the_credential_and_the_agent_and_tells_neither() -> None:
    def caller(secret: str, agent: str | None) -> Caller:
        return Caller(Credential("key", secret), agent, "flight", "127.0.0.1")

    owners = {
        owner_of(caller("a", None)),
        owner_of(caller("a", "x")),
        owner_of(caller("b", None)),
        owner_of(Caller(None, None, "flight", "127.0.0.1")),
    }

    assert len(owners) == 4
    assert owner_of(caller("secret", None)) == owner_of(caller("secret", None))
    assert all("secret" not in owner for owner in owners)

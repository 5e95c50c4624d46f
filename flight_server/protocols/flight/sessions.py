"""The sessions of Flight clients, and everything that a client may leave behind.

A session is found again by a cookie, the suffix of a Handshake token, or the
TCP connection, always together with the credential: nobody gets into a session
of another key. One that holds nothing is forgotten when its last call ends.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from flight_server.engines.engine import Session
from flight_server.model import Caller, Kind
from flight_server.protocols.flight.messages import invalid

MOST_PREPARED = 1000
SWEEP_S = 5.0
DEFAULT_SCHEMA = "main"


@dataclass(slots=True)
class Prepared:
    """A prepared statement; its text is checked anew whenever it runs.

    Attributes:
        parameters: How many values a row of parameters has.
        rows: What was bound, one row for each run.
    """

    handle: bytes
    sql: str
    transaction: bytes
    kind: Kind
    parameters: int
    rows: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a session is found again by.

    Attributes:
        owner: Digest of the credential and of the agent it acts for.
        names: A cookie, a token's suffix or a connection, the strongest first.
    """

    owner: str
    names: tuple[str, ...] = field(default=())


def owner_of(caller: Caller) -> str:
    """Return a digest of who calls, which says nothing about the credential."""
    credential = caller.credential
    told = (credential.kind, credential.secret) if credential else ("", "")
    text = "\0".join((*told, caller.agent_override or ""))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class FlightSession:
    """What one client keeps on the server."""

    def __init__(self, anchor: Anchor, engine: Session) -> None:
        self.anchor = anchor
        self.engine = engine
        self.session_id = f"ses_{secrets.token_hex(6)}"
        self.cookie = ""
        self.transaction = b""
        self.inner: set[FlightSession] = set()
        self.options: dict[str, int] = {}
        self.prepared: OrderedDict[bytes, Prepared] = OrderedDict()
        self.users = 0
        self.last_used = time.monotonic()
        self.closed = False
        self._lock = threading.Lock()
        self._expected = threading.Condition(self._lock)
        self._reads = 0

    @property
    def holds_something(self) -> bool:
        """Whether the client would miss anything if the session were gone."""
        engine = self.engine
        return bool(
            engine.in_transaction
            or engine.temporary
            or engine.default_schema != DEFAULT_SCHEMA
            or self.options
            or self.prepared
            or self.transaction
            or any(not one.closed for one in self.inner)
        )

    def keep(self, statement: Prepared) -> None:
        """Remember a prepared statement; the oldest of too many is forgotten."""
        with self._lock:
            self.prepared[statement.handle] = statement
            while len(self.prepared) > MOST_PREPARED:
                self.prepared.popitem(last=False)

    def bind(self, statement: Prepared, rows: pa.Table | None, most_bytes: int) -> bool:
        """Bind *rows* to a statement; False if the session would then keep more than *most_bytes*."""
        with self._lock:
            others = [one.rows for one in self.prepared.values() if one is not statement]
            kept = sum(table.nbytes for table in (*others, rows) if table is not None)
            if kept <= most_bytes:
                statement.rows = rows
            return bool(kept <= most_bytes)

    def expect_read(self) -> None:
        """Note that a ticket for a query of the open transaction was given out."""
        with self._lock:
            self._reads += 1

    def read_started(self) -> None:
        """Note that such a ticket has come."""
        with self._lock:
            self._reads = max(0, self._reads - 1)
            self._expected.notify_all()

    def let_reads_start(self, seconds: float) -> None:
        """Wait until the tickets given out have come, but not long.

        Clients send the fetch of one statement and the next statement at the same time; in
        a transaction the first must not see what the second changes.
        """
        with self._lock:
            self._expected.wait_for(lambda: self._reads == 0, seconds)
            self._reads = 0

    def close(self) -> None:
        """Roll back and give the connection back."""
        self.closed = True
        self.engine.close()


class Sessions:
    """All sessions of the server.

    Args:
        open_session: Opens a session of the engine.
        idle_s: After so long without a call a session is closed.
        per_owner: How many a principal may keep; the one unused for longest has to go.
    """

    def __init__(self, open_session: Callable[[], Session], idle_s: float, per_owner: int) -> None:
        self._open_session = open_session
        self._idle_s = idle_s
        self._per_owner = per_owner
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], FlightSession] = {}
        self._transactions: dict[bytes, FlightSession] = {}
        self._stop = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="sessions", daemon=True)
        self._sweeper.start()

    def __len__(self) -> int:
        with self._lock:
            return len(set(self._sessions.values()))

    def stateless(self) -> FlightSession:
        """Return a session for one call, which nobody finds again; `give_back` must follow."""
        session = FlightSession(Anchor(""), self._open_session())
        session.users = 1
        return session

    def lease(self, anchor: Anchor) -> FlightSession:
        """Return the session of *anchor*, an existing one or a new one; `give_back` must follow."""
        with self._lock:
            session = self._find(anchor)
            if session is None:
                session = FlightSession(anchor, self._open_session())
                self._sessions[anchor.owner, anchor.names[0]] = session
            session.users += 1
            session.last_used = time.monotonic()
            return session

    def give_back(self, session: FlightSession) -> None:
        """End one call of *session*; forget it if it holds nothing."""
        gone: list[FlightSession] = []
        with self._lock:
            session.users -= 1
            session.last_used = time.monotonic()
            if session.users == 0 and not (session.anchor.names and session.holds_something):
                gone.append(self._forget(session))
            elif session.holds_something:
                gone += self._surplus(session)
        for one in gone:
            one.close()

    def name(self, session: FlightSession, cookie: str) -> None:
        """Have *session* found by *cookie*, too."""
        with self._lock:
            session.cookie = cookie
            self._sessions[session.anchor.owner, f"cookie:{cookie}"] = session

    def begin(self, session: FlightSession) -> tuple[bytes, FlightSession]:
        """Return a new transaction's id and the session that it is to run in.

        The first transaction is the session's own, so that statements without an id join it.
        """
        token = secrets.token_bytes(16)
        with self._lock:
            inner = session
            if session.transaction or session.engine.in_transaction:
                anchor = Anchor(session.anchor.owner, (f"transaction:{token.hex()}",))
                inner = FlightSession(anchor, self._open_session())
                self._sessions[anchor.owner, anchor.names[0]] = inner
                session.inner = {one for one in session.inner if not one.closed} | {inner}
            inner.transaction = token
            self._transactions[token] = inner
        return token, inner

    def end(self, token: bytes) -> None:
        """Forget a transaction that has ended."""
        with self._lock:
            session = self._transactions.pop(token, None)
            if session is None:
                return
            session.transaction = b""
            inner = bool(session.anchor.names) and session.anchor.names[0].startswith("transaction:")
            if inner:
                self._forget(session)
        if inner:
            session.close()

    def of_transaction(self, owner: str, token: bytes) -> FlightSession:
        """Return the session in which a transaction runs; `give_back` must follow.

        Raises:
            QueryRefused: INVALID_REQUEST: it has ended, has expired or never was.
        """
        with self._lock:
            session = self._transactions.get(token)
            if session is None or session.anchor.owner != owner:
                raise invalid("the transaction has ended or has expired")
            session.users += 1
            session.last_used = time.monotonic()
        return session

    def of_statement(self, session: FlightSession, handle: bytes) -> tuple[FlightSession, Prepared]:
        """Return a prepared statement and its session, which is *session* unless the client reconnected.

        Raises:
            QueryRefused: INVALID_REQUEST: it was closed, has expired or never was.
        """
        statement = session.prepared.get(handle)
        if statement is not None:
            return session, statement
        with self._lock:
            others = [one for (owner, _), one in self._sessions.items() if owner == session.anchor.owner]
        for other in others:
            statement = other.prepared.get(handle)
            if statement is not None:
                return other, statement
        raise invalid("the prepared statement was closed or has expired")

    def drop(self, session: FlightSession) -> None:
        """Close *session*, and the transactions begun in it, as its client asked."""
        with self._lock:
            ended = [self._forget(one) for one in (session, *session.inner)]
        for one in ended:
            one.close()

    def close(self) -> None:
        """Close every session."""
        self._stop.set()
        self._sweeper.join()
        with self._lock:
            sessions = set(self._sessions.values())
            self._sessions.clear()
            self._transactions.clear()
        for session in sessions:
            session.close()

    def _find(self, anchor: Anchor) -> FlightSession | None:
        for name in anchor.names:
            session = self._sessions.get((anchor.owner, name))
            if session is not None and not session.closed:
                return session
        return None

    def _forget(self, session: FlightSession) -> FlightSession:
        """Take *session* out of every index; the caller has the lock."""
        owner = session.anchor.owner
        for name in (*session.anchor.names, f"cookie:{session.cookie}"):
            if self._sessions.get((owner, name)) is session:
                del self._sessions[owner, name]
        if session.transaction:
            self._transactions.pop(session.transaction, None)
        return session

    def _surplus(self, newest: FlightSession) -> list[FlightSession]:
        """Take out what the owner of *newest* has too many of; the caller has the lock."""
        owner = newest.anchor.owner
        held = {id(one): one for (who, _), one in self._sessions.items() if who == owner}
        excess = len(held) - self._per_owner
        if excess <= 0:
            return []
        idle = sorted((one for one in held.values() if not one.users and one is not newest), key=_age)
        return [self._forget(one) for one in idle[:excess]]

    def _sweep(self) -> None:
        while not self._stop.wait(min(SWEEP_S, self._idle_s / 4)):
            before = time.monotonic() - self._idle_s
            with self._lock:
                idle = {one for one in self._sessions.values() if not one.users and one.last_used < before}
                for session in idle:
                    self._forget(session)
            for session in idle:
                session.close()


def _age(session: FlightSession) -> float:
    return session.last_used

"""Runs cases on both worlds and gathers what is wrong with the answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb

from tests.security.asking import PATHS, Answer, Asker, Question, Service, ask_case, rows_of
from tests.security.cases import Case, Step
from tests.security.oracles import complaints, differences, same_rows
from tests.security.worlds import RESULT_CACHE_SECS, World, orders_statement, sealed_copy

WORLDS: tuple[World, ...] = ("fixture", "other")
MOST_RETRIES = 6
TYPED_PATHS = ("flight", "flightsql", "http")
_HIDDEN_ROWS = (
    "customer_id IS NULL OR customer_id NOT IN (SELECT customer_id FROM customers WHERE region = 'EU')"
)
_HIDDEN_PART = 6
STATE = f"""
SELECT (SELECT bit_xor(hash(order_id, customer_id, total, status, created_at))
        FROM orders WHERE {_HIDDEN_ROWS}),
       (SELECT count(*) FROM orders WHERE {_HIDDEN_ROWS}),
       (SELECT bit_xor(hash(customer_id, name, email, ssn, region, revenue, signup_date)) FROM customers),
       (SELECT count(*) FROM customers),
       (SELECT count(*) FROM salary_data),
       (SELECT count(*) FROM finance.ledger),
       (SELECT count(*) FROM orders),
       (SELECT bit_xor(hash(order_id, customer_id, total, status, created_at)) FROM orders)
"""


class Judge:
    """Asks both worlds, keeps connections open between cases, and mends what a case changed."""

    def __init__(self, services: Mapping[World, Service], tmp: Path) -> None:
        self.tmp = tmp
        self.services = services
        self._askers: dict[tuple[World, str, str], Asker] = {}
        self._copy = sealed_copy()
        self._pool = ThreadPoolExecutor(len(WORLDS))
        self._state = {world: self._admin(world, STATE).rows[0] for world in services}
        self._files = set(tmp.iterdir())
        for world in services:
            self.asker(world, "analyst", "mcp")
        self._mended = False

    def close(self) -> None:
        """Leave both services."""
        for asker in self._askers.values():
            asker.close()
        self._copy.close()
        self._pool.shutdown()

    def asker(self, world: World, role: str, path: str) -> Asker:
        """The open connection of *role* to *world* by *path*."""
        key = (world, role, path)
        if key not in self._askers:
            self._askers[key] = PATHS[path](self.services[world], role)
        return self._askers[key]

    def verdict(self, case: Case, path: str) -> list[str]:
        """Everything that is wrong with what both worlds answer to *case* by *path*."""
        worlds = WORLDS[:1] if case.role == "admin" else WORLDS
        started = time.monotonic()
        answers = self._ask_all(worlds, case, path)
        took = time.monotonic() - started
        found = list(self._wrong(case, path, answers))
        if case.max_seconds is not None and took > case.max_seconds:
            found.append(f"took {took:.1f} s")
        if case.writes:
            found += [said for world in worlds for said in self._aftermath(world, case)]
        found += [f"left a file: {file.name}" for file in self._new_files()]
        return [f"{case.id} by {path} as {case.role}: {said} | {case.sql}" for said in found]

    def _ask_all(self, worlds: tuple[World, ...], case: Case, path: str) -> dict[World, Answer]:
        """Ask every world at the same time; a connection still sees one question after the other."""
        asked = {world: self._pool.submit(self._ask, world, case, path) for world in worlds}
        return {world: answer.result() for world, answer in asked.items()}

    def _ask(self, world: World, case: Case, path: str) -> Answer:
        if not case.setup:
            return ask_case(self.asker(world, case.role, path), case)
        with closing(PATHS[path](self.services[world], case.role)) as own_session:
            return ask_case(own_session, case)

    def _wrong(self, case: Case, path: str, answers: Mapping[World, Answer]) -> Iterator[str]:
        for world, answer in answers.items():
            yield from (f"{said} (world {world})" for said in complaints(case, answer))
        if len(answers) > 1:
            yield from self._lasting_differences(case, path, answers)
        if path in TYPED_PATHS and case.role != "admin" and not case.writes and not case.free:
            yield from self._beyond_the_copy(case, answers["fixture"])

    def _lasting_differences(self, case: Case, path: str, answers: Mapping[World, Answer]) -> list[str]:
        """The differences that show each time the engine computes the answer.

        Two threads may put rows, or the values of a list, into another order once, so a question
        is asked again when its answer is no longer remembered. Once a table has been emptied and
        filled again, the engine stores it differently in both worlds, and only an ORDER BY still orders.
        """
        ordered = not case.free and (not self._mended or "ORDER BY" in case.sql.upper())
        found = list(differences(answers["fixture"], answers["other"], ordered=ordered))
        for _ in range(0 if case.writes else MOST_RETRIES):
            if found:
                time.sleep(RESULT_CACHE_SECS + 0.1)
                again = self._ask_all(WORLDS, case, path)
                found = list(differences(again["fixture"], again["other"], ordered=ordered))
        return found

    def _beyond_the_copy(self, case: Case, answer: Answer) -> Iterator[str]:
        if answer.error is not None or case.dialect == "snowflake":
            return
        try:
            relation = self._copy.sql(case.sql, params=list(case.params) or None)
            rows = rows_of(relation.to_arrow_table()) if relation else ()
        except duckdb.Error:
            return
        if not same_rows(rows, answer.rows, ordered=False):
            yield f"is not what the sealed copy gives: {answer.rows[:3]} instead of {rows[:3]}"

    def _aftermath(self, world: World, case: Case) -> Iterator[str]:
        state = self._admin(world, STATE)
        now = state.rows[0] if state.rows else ()
        if now[:_HIDDEN_PART] != self._state[world][:_HIDDEN_PART]:
            yield f"changed hidden rows of world {world}: {state.error or now}"
        for step in case.post:
            yield from self._after(world, step)
        if now != self._state[world]:
            self._mend(world)

    def _after(self, world: World, step: Step) -> Iterator[str]:
        if step.role == "admin" and world != "fixture":
            return
        answer = self.asker(world, step.role, "flight").ask(Question(step.sql))
        if answer.error or not same_rows(step.rows or (), answer.rows, ordered=False):
            yield f"afterwards {step.sql} gives {answer.error or answer.rows} (world {world})"

    def _mend(self, world: World) -> None:
        self._mended = True
        for statement in ("DELETE FROM orders", orders_statement(world)):
            mended = self._admin(world, statement)
            assert mended.error is None, mended.error

    def _admin(self, world: World, sql: str) -> Answer:
        return self.asker(world, "admin", "flight").ask(Question(sql))

    def _new_files(self) -> set[Path]:
        new = set(self.tmp.iterdir()) - self._files
        self._files |= new
        return new

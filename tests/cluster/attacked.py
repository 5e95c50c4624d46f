"""Two worlds on remote engines, which differ only in what an analyst must not see, and attacks on them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import duckdb

from bench.cluster_postgres import Postgres
from bench.cluster_sail import sail
from flight_server.stores.keys import KeyStore
from tests.security.asking import Answer, FlightAsker, Question, Service, ask_case
from tests.security.cases import Case, cases
from tests.security.oracles import complaints, differences
from tests.security.worlds import ACCESS, FIXTURES, MASKS, ROLES, ROW_FILTERS, World
from tests.serving import served

ENGINES = ("cluster", "pg")
WORLDS: tuple[World, ...] = ("fixture", "other")
TABLES = ("customers", "orders", "salary_data")
STEP = 1 if os.environ.get("SECURITY_SUITE") == "full" else 9
"""Every so many-th of the attacks is tried, or each with SECURITY_SUITE=full."""
_NAMED = re.compile(r"\b(?:hatidata\.)?(?:main\.)?(customers|orders|salary_data)\b", re.IGNORECASE)
_CONFIG = """\
dev_mode = false

[engines.cluster]
driver = "flightsql"
uri = "{sail}"
dialect = "spark"

[engines.pg]
driver = "postgresql"
uri = "{postgres}"
dialect = "postgres"
"""


class Attacked:
    """The services of both worlds, and what came of the attacks.

    Attributes:
        outcomes: By engine: how many were answered, were refused, or have no faithful form.
    """

    def __init__(self, services: Mapping[World, Service], tmp: Path) -> None:
        self.tmp = tmp
        self.outcomes: dict[str, Counter[str]] = {engine: Counter() for engine in ENGINES}
        self._askers = {(w, role): FlightAsker(s, role) for w, s in services.items() for role in ROLES}

    def cases(self, pattern: str) -> list[Case]:
        """Return the attacks of a file that a single query of a restricted role makes."""
        return self._single(pattern)[::STEP]

    def samples(self) -> list[Case]:
        """Return the published samples that a single query of a restricted role makes."""
        return self._single("samples.jsonl")

    def _single(self, pattern: str) -> list[Case]:
        return [case for case in cases(self.tmp, pattern) if case.role != "admin" and not case.setup]

    def verdict(self, case: Case, engine: str) -> list[str]:
        """Return everything that is wrong with what both worlds answer to *case* over *engine*."""
        sql = _NAMED.sub(rf"{engine}.main.\1", case.sql)
        moved = Case(**{**{name: getattr(case, name) for name in Case.__dataclass_fields__}, "sql": sql})
        answers = {world: ask_case(self._askers[world, case.role], moved) for world in WORLDS}
        self.outcomes[engine][_kind(answers["fixture"])] += 1
        found = [said for answer in answers.values() for said in complaints(moved, answer)]
        found += [
            "the engine was away, or its answer not foreseen"
            for answer in answers.values()
            if _kind(answer) == "away"
        ]
        found += differences(answers["fixture"], answers["other"], ordered=False)
        return [f"{case.id} over {engine} as {case.role}: {said} | {sql}" for said in found]

    def visible(self, engine: str) -> int:
        """Return how many customers an analyst sees; whoever is refused everything learns nothing, too."""
        question = Question(f"SELECT count(*) AS n FROM {engine}.main.customers")
        answer = self._askers["fixture", "analyst"].ask(question)
        return int(answer.rows[0][0]) if answer.rows else 0

    def close(self) -> None:
        """Leave both services."""
        for asker in self._askers.values():
            asker.close()


def _kind(answer: Answer) -> str:
    if answer.error is None:
        return "answered"
    if "SERVICE_UNAVAILABLE" in answer.error or "INTERNAL_ERROR" in answer.error:
        return "away"
    return "no faithful form" if "no faithful form" in answer.error else "refused"


@contextmanager
def attacked(folder: Path, postgres: Postgres) -> Iterator[Attacked]:
    """Serve both worlds over Sail and PostgreSQL."""
    with ExitStack() as stack:
        services = {world: _service(world, folder / world, postgres, stack) for world in WORLDS}
        yield stack.enter_context(closing(Attacked(services, folder)))


def _service(world: World, folder: Path, postgres: Postgres, stack: ExitStack) -> Service:
    folder.mkdir()
    with duckdb.connect() as raw:
        raw.execute(FIXTURES[world].read_text())
        for table in TABLES:
            raw.execute(f"COPY {table} TO '{folder / table}.parquet'")
        postgres.ask(f"CREATE DATABASE attacked_{world}")
        database = f"attacked_{world}"
        postgres.fill(raw, TABLES, database)
    running = stack.enter_context(sail(folder, {table: folder / f"{table}.parquet" for table in TABLES}))
    home = folder / "home"
    _write_policies(home / "policies")
    uri = postgres.uri.removesuffix("/postgres") + f"/{database}"
    (home / "config.toml").write_text(_CONFIG.format(sail=running.uri, postgres=uri))
    with closing(KeyStore.open(home / "keys.db")) as store:
        keys = {role: store.create(roles=[role], agent_id=role) for role in ROLES}
    return Service(stack.enter_context(served(home, {"CLUSTER_PG_PASSWORD": postgres.password})), keys)


def _write_policies(folder: Path) -> None:
    folder.mkdir(parents=True)
    files = {"access.cedar": ACCESS, "row_filters.yaml": ROW_FILTERS, "masks.yaml": MASKS}
    for name, text in files.items():
        moved = [text.replace("main.", f"{engine}.main.") for engine in ENGINES]
        (folder / name).write_text("\n".join(moved))
    (folder / "limits.yaml").write_text("[]\n")

"""A service over remote engines, as its callers see it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.flight as flight

from flight_server.syntax.facts import gather
from flight_server.syntax.parser import Parser

ENGINES = """\
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
CATALOGS = ("main", "cluster.main", "pg.main")
_ACCESS = """\
permit(principal in Role::"admin", action, resource);
permit(principal in Role::"analyst", action == Action::"select", resource);
"""
_FILTERS = """\
- table: {schema}.customer
  filter: c_nationkey <> 3
  exempt_roles: [admin]
- table: {schema}.orders
  filter: o_orderstatus <> 'P'
  exempt_roles: [admin]
- table: {schema}.lineitem
  filter: l_orderkey IN (SELECT o_orderkey FROM {schema}.orders WHERE o_orderpriority <> '3-MEDIUM')
  exempt_roles: [admin]
- table: {schema}.supplier
  filter: s_nationkey < 24
  exempt_roles: [admin]
"""
_MASKS = """\
- {{table: {schema}.customer, column: c_phone, function: partial, exempt_roles: [admin]}}
- {{table: {schema}.customer, column: c_name, function: hash, exempt_roles: [admin]}}
- {{table: {schema}.customer, column: c_address, function: full, exempt_roles: [admin]}}
- {{table: {schema}.supplier, column: s_acctbal, function: "null", exempt_roles: [admin]}}
- {{table: {schema}.lineitem, column: l_comment, function: hash, exempt_roles: [admin]}}
- {{table: {schema}.part, column: p_mfgr, function: full, exempt_roles: [admin]}}
- {{table: {schema}.part, column: p_comment, function: hash, key: secret-of-the-test, exempt_roles: [admin]}}
"""


def write_policies(home: Path) -> None:
    """Give the tables of every catalog the same filters and masks."""
    folder = home / "policies"
    folder.mkdir(parents=True)
    (folder / "access.cedar").write_text(_ACCESS)
    (folder / "row_filters.yaml").write_text("".join(_FILTERS.format(schema=one) for one in CATALOGS))
    (folder / "masks.yaml").write_text("".join(_MASKS.format(schema=one) for one in CATALOGS))
    (folder / "limits.yaml").write_text("[]\n")


@dataclass(frozen=True, slots=True)
class Governed:
    """A running service and the keys of its roles."""

    home: Path
    endpoints: Mapping[str, str]
    keys: Mapping[str, str]

    def ask(
        self, role: str, sql: str, parameters: Sequence[object] = (), timeout_ms: int = 30_000
    ) -> pa.Table:
        """Return the whole answer, over Flight.

        Raises:
            flight.FlightError: The service refuses.
        """
        return self.answer(role, sql, parameters, timeout_ms)[0]

    def answer(
        self, role: str, sql: str, parameters: Sequence[object] = (), timeout_ms: int = 30_000
    ) -> tuple[pa.Table, dict[str, Any]]:
        """Return the whole answer and its receipt."""
        ticket = {"sql": sql, "parameters": list(parameters), "timeout_ms": timeout_ms}
        headers = [(b"authorization", f"Bearer {self.keys[role]}".encode())]
        with flight.connect(self.endpoints["flight"]) as client:
            reader = client.do_get(
                flight.Ticket(json.dumps(ticket)), flight.FlightCallOptions(headers=headers, timeout=90)
            )
            chunks = list(reader)
            table = pa.Table.from_batches([chunk.data for chunk in chunks], reader.schema)
            return table, json.loads(bytes(chunks[-1].app_metadata))

    def records(self) -> list[dict[str, Any]]:
        """Return the records of the audit log."""
        files = sorted((self.home / "audit").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def located(sql: str, catalog: str, names: Iterable[str], parser: Parser) -> str:
    """Return *sql* with the tables *names* looked for in *catalog*, such as `cluster.main`."""
    tree = json.loads(parser.parse_read(sql))
    wanted = set(names)
    for node in gather(tree).tables:
        path = node["qualified_name"]["path"]
        if path[-1].lower() in wanted:
            node["alias"] = node["alias"] or path[-1]
            node["qualified_name"]["path"] = [*catalog.split("."), path[-1]]
    return parser.print_read(tree)


def same(left: pa.Table, right: pa.Table) -> bool:
    """Tell whether both hold the same rows, in any order; floats may differ in the last digits."""
    return left.schema.equals(right.schema) and _rows(left) == _rows(right)


def _rows(table: pa.Table) -> list[str]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return sorted(repr([f"{v:.7g}" if isinstance(v, float) else v for v in row]) for row in rows)

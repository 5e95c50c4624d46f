"""The two data sets, the policies over them, and the sealed copy that every answer is compared with.

The sealed copy is plain DuckDB that holds only the visible rows with masked values: whatever
a restricted role learns from the service, it could have learned from this copy.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import duckdb

from tests.security.cases import DATA

World = Literal["fixture", "other"]
FIXTURES: dict[World, Path] = {"fixture": DATA / "fixture.sql", "other": DATA / "fixture_other.sql"}
ROLES = ("admin", "analyst", "writer")

ACCESS = """\
permit(principal in Role::"admin", action, resource);
permit(principal, action == Action::"select", resource)
when {
  (principal in Role::"analyst" || principal in Role::"writer") &&
  (resource == Table::"main.customers" || resource == Table::"main.orders")
};
permit(
  principal in Role::"writer",
  action in [Action::"insert", Action::"update", Action::"delete"],
  resource == Table::"main.orders"
);
"""
ROW_FILTERS = """\
- table: main.customers
  filter: region = 'EU'
  exempt_roles: [admin]
- table: main.orders
  filter: customer_id IN (SELECT customer_id FROM main.customers WHERE region = 'EU')
  exempt_roles: [admin]
"""
MASKS = """\
- {table: main.customers, column: ssn, function: full, exempt_roles: [admin]}
- {table: main.customers, column: email, function: partial, exempt_roles: [admin]}
- {table: main.customers, column: name, function: hash, exempt_roles: [admin]}
- {table: main.customers, column: revenue, function: "null", exempt_roles: [admin]}
"""
POLICIES = {
    "access.cedar": ACCESS,
    "row_filters.yaml": ROW_FILTERS,
    "masks.yaml": MASKS,
    "limits.yaml": "[]\n",
}

RESULT_CACHE_SECS = 1
"""How long an answer is kept: short, so that a question that is asked again is answered anew."""
_CONFIG = (
    "dev_mode = false\nduckdb_memory_limit_mb = 2000\nduckdb_threads = 2\n"
    f"cache_l1_ttl_seconds = {RESULT_CACHE_SECS}\ncache_l2_max_size_mb = 0\n"
)


def write_home(home: Path, world: World) -> None:
    """Fill *home* with the warehouse, the policies and the settings of *world*; no service runs yet."""
    (home / "policies").mkdir(parents=True)
    for name, text in POLICIES.items():
        (home / "policies" / name).write_text(text)
    (home / "config.toml").write_text(_CONFIG)
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        warehouse.execute(FIXTURES[world].read_text())


def orders_statement(world: World) -> str:
    """The INSERT that fills the orders table of *world*, to mend it after an attack that wrote."""
    script = FIXTURES[world].read_text()
    start = script.index("INSERT INTO orders")
    return script[start : script.index(";", start)]


def plain_world(world: World) -> duckdb.DuckDBPyConnection:
    """The raw data with no protection at all: what an attack is worth without the service."""
    connection = duckdb.connect()
    connection.execute(FIXTURES[world].read_text())
    return connection


def sealed_copy() -> duckdb.DuckDBPyConnection:
    """A database that holds exactly what analyst may see: visible rows, masked values."""
    copy = duckdb.connect()
    with plain_world("fixture") as raw:
        customers = raw.sql("SELECT * FROM customers WHERE region = 'EU' ORDER BY customer_id").fetchall()
        orders = raw.sql("SELECT o.* FROM orders o WHERE customer_id % 4 = 1 ORDER BY order_id").fetchall()
    copy.execute(
        "CREATE TABLE customers (customer_id INTEGER, name VARCHAR, email VARCHAR, ssn VARCHAR,"
        " region VARCHAR, revenue DOUBLE, signup_date DATE);"
        "CREATE TABLE orders (order_id BIGINT, customer_id INTEGER, total DECIMAL(18,2),"
        " status VARCHAR, created_at TIMESTAMP)"
    )
    copy.executemany(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", [_masked(row) for row in customers]
    )
    copy.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", orders)
    return copy


def _masked(row: tuple[object, ...]) -> tuple[object, ...]:
    customer_id, name, email, _ssn, region, _revenue, signup_date = row
    return (customer_id, hashed(str(name)), partial(str(email)), "***", region, None, signup_date)


def hashed(value: str) -> str:
    """The `hash` mask, in plain Python."""
    return hashlib.sha256(value.encode()).hexdigest()


def partial(value: str) -> str:
    """The `partial` mask with four visible characters, in plain Python."""
    return "***" + value[-4:] if len(value) > 4 else "***"

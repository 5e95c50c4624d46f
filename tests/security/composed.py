"""Queries that are put together by chance: clauses, functions and sources in combinations nobody thought of.

Every query is valid on the sealed copy more often than not, and says all that it needs to give the
same rows each time: an order inside of aggregates, no LIMIT over rows without an order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

COLUMNS: Mapping[str, Sequence[str]] = {
    "customers": ("customer_id", "name", "email", "ssn", "region", "revenue", "signup_date"),
    "orders": ("order_id", "customer_id", "total", "status", "created_at"),
}
KEYS = {"customers": "customer_id", "orders": "order_id"}
_TEXTS = frozenset({"name", "email", "ssn", "region", "status"})
_TIMES = frozenset({"signup_date", "created_at"})
_OF_TEXT = (
    "upper({c})", "length({c})", "{c} || 'x'", "substr({c}, 2, 3)", "replace({c}, '*', '-')", "md5({c})",
    "coalesce({c}, 'n')", "CASE WHEN {c} LIKE '%e%' THEN 1 ELSE 2 END", "string_split({c}, '.')", "{c}[1]",
    "regexp_extract({c}, '[a-z]+')", "nullif({c}, '***')", "TRY_CAST({c} AS INTEGER)", "[{c}]", "ascii({c})",
    "{{'k': {c}}}", "({c} = '***')", "{c} IN ('EU', 'open')", "{c}",
)  # fmt: skip
_OF_NUMBER = (
    "{c} + 1", "{c} % 7", "-{c}", "round({c}, 1)", "{c}::VARCHAR", "{c} > 100", "coalesce({c}, 0)", "{c}",
    "{c} IS NULL", "greatest({c}, 5)", "{c} // 3", "CAST({c} AS DOUBLE)", "{c} BETWEEN 1 AND 500", "[{c}, 1]",
)  # fmt: skip
_OF_TIME = (
    "year({c})", "date_trunc('month', {c})", "{c}::DATE", "{c}::VARCHAR", "strftime({c}, '%Y-%m')", "{c}",
)  # fmt: skip
_AGGREGATES = (
    "count({c})", "count(DISTINCT {c})", "min({c})", "max({c})", "count(*)", "any_value({c}) IS NULL",
    "string_agg({c}::VARCHAR, ',' ORDER BY {k})[:40]", "list({c} ORDER BY {k})[:3]", "arg_max({c}, {k})",
    "count(*) FILTER ({c} IS NOT NULL)", "approx_count_distinct({c}) > 0", "bool_or({c} IS NULL)",
)  # fmt: skip
_WINDOWS = (
    "row_number() OVER (PARTITION BY {c} ORDER BY {k})", "rank() OVER (ORDER BY {c}, {k})",
    "lag({c}) OVER (ORDER BY {k})", "count(*) OVER (PARTITION BY {c})", "ntile(3) OVER (ORDER BY {k})",
    "max({c}) OVER (ORDER BY {k} ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)",
)  # fmt: skip
_JOINS = ("JOIN", "LEFT JOIN", "SEMI JOIN", "ANTI JOIN", "FULL JOIN", "RIGHT JOIN")
_PAIRS = (("region", "status"), ("customer_id", "customer_id"), ("email", "status"), ("ssn", "status"))


def composed(seed: int) -> Iterator[str]:
    """Yield queries without end, the same for the same *seed*."""
    by_chance = Random(seed)
    while True:
        yield _query(by_chance)


def _query(by_chance: Random) -> str:
    source, alias, table = _source(by_chance)
    where = f" WHERE {_condition(by_chance, alias, table)}" if by_chance.random() < 0.6 else ""
    form = by_chance.choice((_plain, _plain, _grouped, _grouped, _whole, _windowed, _united))
    return form(by_chance, f"FROM {source}{where}", alias, table)


def _source(by_chance: Random) -> tuple[str, str, str]:
    """Return the text of a FROM clause, and the alias and the table of one of its sources."""
    table, other = by_chance.choice(tuple(COLUMNS)), by_chance.choice(tuple(COLUMNS))
    key = KEYS[table]
    match by_chance.randrange(6):
        case 0:
            join = by_chance.choice(_JOINS)
            on = by_chance.choice(("ON x.customer_id = y.customer_id", "USING (customer_id)"))
            return f"{table} AS x {join} {other} AS y {on}", "x", table
        case 1:
            return f"(SELECT * FROM {table} WHERE {_condition(by_chance, table, table)}) AS s", "s", table
        case 2:
            first = f"SELECT * FROM {table} ORDER BY {key} LIMIT {by_chance.randint(1, 60)}"
            return f"({first}) AS s", "s", table
        case 3:
            return f"{table} AS a", "a", table
        case _:
            return table, table, table


def _value(by_chance: Random, alias: str, table: str) -> str:
    column = by_chance.choice(COLUMNS[table])
    forms = _OF_TEXT if column in _TEXTS else _OF_TIME if column in _TIMES else _OF_NUMBER
    return by_chance.choice(forms).format(c=f"{alias}.{column}")


def _aggregate(by_chance: Random, alias: str, table: str) -> str:
    column = by_chance.choice(COLUMNS[table])
    return by_chance.choice(_AGGREGATES).format(c=f"{alias}.{column}", k=f"{alias}.{KEYS[table]}")


def _condition(by_chance: Random, alias: str, table: str) -> str:
    text = "region" if table == "customers" else "status"
    among = by_chance.choice(tuple(COLUMNS))
    forms = (
        f"{_value(by_chance, alias, table)} IS NOT NULL",
        f"{alias}.{text} LIKE '%{by_chance.choice('EpoN')}%'",
        f"{alias}.customer_id {by_chance.choice(('<', '>=', '=', '<>'))} {by_chance.randint(1, 200)}",
        f"{alias}.customer_id IN (SELECT customer_id FROM {among} WHERE customer_id % 3 = 1)",
        f"EXISTS (FROM orders z WHERE z.customer_id = {alias}.customer_id AND z.total > 900)",
    )
    return by_chance.choice(forms)


def _plain(by_chance: Random, rest: str, alias: str, table: str) -> str:
    values = [_value(by_chance, alias, table) for _ in range(by_chance.randint(1, 4))]
    star = by_chance.choice((f"{alias}.*", alias, f"COLUMNS({alias}.*)"))
    items = star if by_chance.random() < 0.2 else ", ".join(values)
    distinct = by_chance.choice(("", "", "DISTINCT "))
    return f"SELECT {distinct}{items} {rest}{by_chance.choice(('', ' ORDER BY ALL', ' ORDER BY 1'))}"


def _grouped(by_chance: Random, rest: str, alias: str, table: str) -> str:
    keys = ", ".join(_value(by_chance, alias, table) for _ in range(by_chance.randint(1, 2)))
    aggregates = ", ".join(_aggregate(by_chance, alias, table) for _ in range(by_chance.randint(1, 3)))
    last = by_chance.choice(("", " ORDER BY ALL", f" HAVING count(*) > {by_chance.randint(0, 12)}"))
    return f"SELECT {keys}, {aggregates} {rest} GROUP BY {by_chance.choice(('ALL', keys))}{last}"


def _whole(by_chance: Random, rest: str, alias: str, table: str) -> str:
    aggregates = ", ".join(_aggregate(by_chance, alias, table) for _ in range(by_chance.randint(1, 4)))
    return f"SELECT {aggregates} {rest}"


def _windowed(by_chance: Random, rest: str, alias: str, table: str) -> str:
    column, key = by_chance.choice(COLUMNS[table]), f"{alias}.{KEYS[table]}"
    window = by_chance.choice(_WINDOWS).format(c=f"{alias}.{column}", k=key)
    last = by_chance.choice(("", f" QUALIFY row_number() OVER (ORDER BY {key}) < 20"))
    return f"SELECT {key} AS k, {window} AS v {rest}{last}"


def _united(by_chance: Random, rest: str, alias: str, table: str) -> str:
    one, other = by_chance.choice(_PAIRS)
    operator = by_chance.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
    condition = _condition(by_chance, "orders", "orders")
    return f"SELECT {one} FROM customers {operator} SELECT {other} FROM orders WHERE {condition}"

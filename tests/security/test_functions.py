"""No function that a restricted role may call tells what is masked or hidden.

Every function of functions.txt is called with a few shapes of arguments out of a longer list, a
different few for each function; what a role may not call must be refused however it is called.
"""

from __future__ import annotations

import re
import zlib
from importlib import resources

import pytest

from tests.security.cases import Case
from tests.security.judge import Judge
from tests.security.test_attacks import EVERY_PATH

SHAPES = (
    "{f}(ssn) AS v FROM customers",
    "{f}(ssn, email) AS v FROM customers",
    "{f}(ssn, 1) AS v FROM customers",
    "{f}(revenue) AS v FROM customers",
    "{f}(revenue, 2) AS v FROM customers",
    "{f}(customer_id, revenue) AS v FROM customers",
    "{f}([ssn, name]) AS v FROM customers",
    "{f}({{'a': ssn, 'b': revenue}}) AS v FROM customers",
    "{f}(customers) AS v FROM customers",
    "{f}(ssn, 1, 2) AS v FROM customers",
    "{f}(signup_date) AS v FROM customers",
    "{f}(map([ssn], [email])) AS v FROM customers",
    "{f}(ssn::BLOB) AS v FROM customers",
    "{f}(status) AS v FROM orders",
    "{f}(total) AS v FROM orders",
    "{f}(total, 1) AS v FROM orders",
    "{f}(order_id) AS v FROM orders",
    "{f}(created_at) AS v FROM orders",
    "{f}(status, order_id) AS v FROM orders",
    "{f}(orders) AS v FROM orders",
    "{f}(ssn) OVER (ORDER BY customer_id) AS v FROM customers",
    "{f}(revenue) OVER () AS v FROM customers",
)
TABLE_SHAPES = (
    "{f}('salary_data')",
    "{f}(salary_data)",
    "{f}()",
    "{f}((SELECT max(salary)::INT FROM salary_data))",
)
EACH = len(SHAPES) if EVERY_PATH else 1
_WORD = re.compile(r"[a-z_][a-z_0-9]*")


@pytest.mark.parametrize("part", range(4))
def test_a_permitted_function_tells_only_what_is_visible(judge: Judge, part: int) -> None:
    sqls = [
        f"SELECT {shape.format(f=name)}" for name in _named("scalar", "everyone") for shape in _some(name)
    ]
    found = [
        said
        for sql in sqls[part::4]
        for said in judge.verdict(Case.of_sql(sql, "functions", "no_leak"), "flight")
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("verdict", ["administrators", "nobody"])
def test_a_function_for_others_is_refused(judge: Judge, verdict: str) -> None:
    scalars = [f"SELECT {name}(ssn) AS v FROM customers" for name in _named("scalar", verdict)]
    tables = [
        f"SELECT * FROM {shape.format(f=name)}" for name in _named("table", verdict) for shape in TABLE_SHAPES
    ]
    found = [
        said
        for sql in (*scalars, *tables)
        for said in judge.verdict(Case.of_sql(sql, "functions", "deny"), "flight")
    ]

    assert not found, "\n".join(found)


def _named(kind: str, verdict: str) -> list[str]:
    """The functions of one class whose names can be written as a call."""
    text = resources.files("flight_server.syntax").joinpath("functions.txt").read_text(encoding="utf-8")
    rows = [line.split(" ", 2) for line in text.splitlines() if not line.startswith("#")]
    return [row[2] for row in rows if row[:2] == [kind, verdict] and _WORD.fullmatch(row[2])]


def _some(name: str) -> list[str]:
    start = zlib.crc32(name.encode())
    return [SHAPES[(start + step * 7) % len(SHAPES)] for step in range(EACH)]

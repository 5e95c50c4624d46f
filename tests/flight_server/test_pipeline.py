"""The pipeline: every step can refuse, and whatever happens is settled, recorded once and given back."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pyarrow as pa
import pytest

from flight_server.engines.engine import Load
from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Kind, Scalar
from tests.fixtures.warehouse_desk import Desk

Make = Callable[..., Desk]
ENDLESS = "SELECT sum(hash(a.i + b.i)) FROM customers, range(1000000000) a(i), range(1000000) b(i)"

REFUSALS: list[tuple[str, str, tuple[Scalar, ...], str, ErrorCode]] = [
    ("too long", "SELECT '" + "x" * 10_001 + "'", (), "admin", ErrorCode.INVALID_REQUEST),
    ("empty", " \n", (), "admin", ErrorCode.INVALID_REQUEST),
    ("a NUL", "SELECT '\0'", (), "admin", ErrorCode.INVALID_REQUEST),
    ("half a character", "SELECT '\ud800'", (), "admin", ErrorCode.INVALID_REQUEST),
    ("half a character in a value", "SELECT $1", ("\ud800",), "admin", ErrorCode.INVALID_REQUEST),
    ("a number of 129 bits", "SELECT $1", (2**127,), "admin", ErrorCode.INVALID_REQUEST),
    ("no SQL", "SELEC 1", (), "admin", ErrorCode.QUERY_PARSE_ERROR),
    ("several", "SELECT 1; SELECT 2", (), "admin", ErrorCode.INVALID_REQUEST),
    ("named parameters", "SELECT $name", (1,), "admin", ErrorCode.INVALID_REQUEST),
    ("too few values", "SELECT $1, $2", (1,), "admin", ErrorCode.INVALID_REQUEST),
    ("too many values", "SELECT $1", (1, 2), "admin", ErrorCode.INVALID_REQUEST),
    ("values for none", "SELECT 1", (1,), "admin", ErrorCode.INVALID_REQUEST),
    ("a closed table", "FROM salary_data", (), "analyst", ErrorCode.POLICY_DENIED),
    ("a missing table", "FROM nowhere", (), "analyst", ErrorCode.POLICY_DENIED),
    ("no right to write", "DELETE FROM orders", (), "analyst", ErrorCode.POLICY_DENIED),
    ("a function for nobody", "SELECT stats(total) FROM orders", (), "analyst", ErrorCode.POLICY_DENIED),
    ("a statement for nobody", "ATTACH ':memory:' AS m", (), "admin", ErrorCode.POLICY_DENIED),
    ("an unknown column", "SELECT nonsense FROM orders", (), "admin", ErrorCode.QUERY_ERROR),
    ("a failed cast", "SELECT code::INTEGER FROM customers", (), "admin", ErrorCode.QUERY_ERROR),
    ("a hidden row", "INSERT INTO orders(customer_id) VALUES (1)", (), "writer", ErrorCode.POLICY_DENIED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "values", "role", "code"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_a_refusal_at_any_step_is_recorded_once_and_leaves_nothing_held(
    desk: Desk, sql: str, values: tuple[Scalar, ...], role: str, code: ErrorCode
) -> None:
    with pytest.raises(QueryRefused) as refused:
        desk.ask(sql, *values, role=role)

    assert refused.value.code is code
    assert refused.value.query_id.startswith("qry_")
    assert [(record["outcome"], record["query_id"]) for record in desk.records()] == [
        (code, refused.value.query_id)
    ]
    assert desk.is_idle()


def test_a_key_that_nobody_has_is_refused_and_recorded_without_its_secret(desk: Desk) -> None:
    secret = "hd_live_" + "x" * 32
    with pytest.raises(QueryRefused) as refused:
        desk.ask("SELECT 1", key=secret)

    assert refused.value.code is ErrorCode.UNAUTHORIZED
    assert desk.outcomes() == ["UNAUTHORIZED"]
    assert secret not in str(desk.records())
    assert desk.is_idle()


@pytest.mark.parametrize("timeout_ms", [0, -1, 60_001, 10**12])
def test_a_timeout_out_of_range_is_refused(desk: Desk, timeout_ms: int) -> None:
    with pytest.raises(QueryRefused, match="timeout_ms must be between 1 and 60000"):
        desk.ask("SELECT 1", timeout_ms=timeout_ms)

    assert desk.is_idle()


def test_an_answer_is_recorded_charged_and_receipted(desk: Desk) -> None:
    session = desk.warehouse.engine.open_session()
    answer = desk.pipeline.run(desk.query("SELECT ssn, code FROM customers", role="analyst"), session)
    table = pa.Table.from_batches(list(answer.batches()), answer.schema)
    record = desk.records()[-1]

    assert answer.receipt is not None
    assert (answer.receipt.rows, answer.receipt.masked_columns) == (20, ("ssn",))
    assert answer.receipt.row_filters == ("main.customers",)
    assert answer.receipt.rows_affected is None
    assert table.num_rows == 20
    assert (record["outcome"], record["rows"], record["credits"]) == (
        "OK",
        20,
        answer.receipt.credits_consumed,
    )
    assert record["masked_columns"] == ["ssn"]
    assert set(record["steps_ms"]) >= {
        "admit",
        "authenticate",
        "parse",
        "authorise",
        "reserve",
        "execute",
        "stream",
    }
    assert desk.is_idle()


def test_the_second_of_equal_queries_is_compiled_already(desk: Desk) -> None:
    hits = []
    for sql in ("SELECT 17 FROM customers", "SELECT 17 FROM customers", "SELECT 18 FROM customers"):
        session = desk.warehouse.engine.open_session()
        answer = desk.pipeline.run(desk.query(sql, role="analyst"), session)
        list(answer.batches())
        assert answer.receipt is not None
        hits.append(answer.receipt.transpile_cache_hit)

    assert hits == [False, True, False]


def test_a_change_says_how_many_rows(own_desk: Make) -> None:
    desk = own_desk()
    session = desk.warehouse.engine.open_session()
    answer = desk.pipeline.run(desk.query("DELETE FROM orders", role="writer"), session)
    rows = [batch.to_pydict() for batch in answer.batches()]

    assert answer.receipt is not None
    assert rows == [{"Count": [answer.receipt.rows_affected]}] == [{"Count": [100]}]


def test_the_names_of_closed_and_missing_tables_are_refused_in_the_same_words(desk: Desk) -> None:
    said = []
    for name in ("salary_data", "nowhere_data"):
        with pytest.raises(QueryRefused) as refused:
            desk.ask(f"FROM {name}", role="analyst")
        said.append(refused.value.message.replace(name, "T"))

    assert said[0] == said[1] == "Agent 'analyst' is not permitted to access table 'T'"


def test_a_description_runs_nothing_costs_nothing_and_leaves_no_record(own_desk: Make) -> None:
    desk = own_desk()
    session = desk.warehouse.engine.open_session()
    described = desk.pipeline.describe(
        desk.query("SELECT ssn, $1::DATE AS d FROM customers", role="analyst"), session
    )
    written = desk.pipeline.describe(desk.query("DELETE FROM orders", role="writer"), session)

    assert [(field.name, str(field.type)) for field in described.schema] == [
        ("ssn", "string"),
        ("d", "date32[day]"),
    ]
    assert (described.parameters, described.kind) == (1, Kind.READ)
    assert (written.schema.names, written.kind) == (["Count"], Kind.WRITE)
    assert desk.warehouse.rows("SELECT count(*) FROM orders") == [(200,)]
    assert desk.records() == []
    assert desk.is_idle()


def test_a_description_is_refused_like_the_query_itself(desk: Desk) -> None:
    session = desk.warehouse.engine.open_session()
    with pytest.raises(QueryRefused) as refused:
        desk.pipeline.describe(desk.query("FROM salary_data", role="analyst"), session)

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert desk.outcomes() == ["POLICY_DENIED"]
    assert desk.is_idle()


def test_a_query_that_takes_too_long_is_stopped_in_time(desk: Desk) -> None:
    begun = time.monotonic()
    with pytest.raises(QueryRefused) as refused:
        desk.ask(ENDLESS, timeout_ms=300)

    assert refused.value.code is ErrorCode.QUERY_TIMEOUT
    assert 0.3 <= time.monotonic() - begun < 0.9
    assert desk.outcomes() == ["QUERY_TIMEOUT"]
    assert desk.is_idle()


def test_a_role_may_have_a_shorter_timeout(desk: Desk) -> None:
    text = (desk.folder / "limits.yaml").read_text()
    (desk.folder / "limits.yaml").write_text(text.replace("max_timeout_ms: 5000", "max_timeout_ms: 200"))
    services = desk.pipeline._services
    begun = time.monotonic()

    assert services.policies.reload()
    with pytest.raises(QueryRefused) as refused:
        desk.ask(
            ENDLESS.replace("1000000000", "99999").replace("1000000)", "99999)"),
            role="analyst",
            timeout_ms=9000,
        )
    assert refused.value.code is ErrorCode.QUERY_TIMEOUT
    assert time.monotonic() - begun < 1.5


def test_a_caller_that_left_stops_its_query(desk: Desk) -> None:
    leaves = time.monotonic() + 0.2
    session = desk.warehouse.engine.open_session()

    def run() -> None:
        list(desk.pipeline.run(desk.query(ENDLESS), session, lambda: time.monotonic() > leaves).batches())

    with pytest.raises(QueryRefused) as refused:
        run()

    assert refused.value.code is ErrorCode.QUERY_CANCELLED
    assert time.monotonic() - leaves < 0.6
    assert desk.outcomes() == ["QUERY_CANCELLED"]
    assert desk.is_idle()


def test_who_waits_for_a_slot_is_answered_in_turn_and_who_finds_no_place_is_refused(own_desk: Make) -> None:
    desk = own_desk(slots=1, queue=1)
    session = desk.warehouse.engine.open_session()
    holder = desk.pipeline.run(desk.query("FROM range(10000000)"), session)
    waited: list[pa.Table] = []
    waiting = threading.Thread(target=lambda: waited.append(desk.ask("SELECT 1")))
    waiting.start()
    while not desk.admission.queued:
        time.sleep(0.005)

    with pytest.raises(QueryRefused) as refused:
        desk.ask("SELECT 2")
    holder.close()
    waiting.join(5)

    assert refused.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert [table.num_rows for table in waited] == [1]
    assert sorted(desk.outcomes()) == ["OK", "QUERY_CANCELLED", "SERVICE_UNAVAILABLE"]
    assert desk.is_idle()


def test_one_key_may_run_only_so_many_at_once(desk: Desk) -> None:
    open_answers = [
        desk.pipeline.run(
            desk.query(f"SELECT {n} FROM customers", role="analyst"), desk.warehouse.engine.open_session()
        )
        for n in range(2)
    ]
    with pytest.raises(QueryRefused) as refused:
        desk.ask("SELECT 3 FROM customers", role="analyst")
    for answer in open_answers:
        answer.close()

    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert desk.ask("SELECT 3 FROM customers", role="analyst").num_rows == 20
    assert desk.is_idle()


def test_a_defect_of_ours_is_an_internal_error_that_tells_nothing(desk: Desk) -> None:
    class Broken:
        default_schema = "main"
        temporary: frozenset[object] = frozenset()
        own_tables: tuple[object, ...] = ()
        in_transaction = False

        def execute(self, *_arguments: object) -> object:
            raise KeyError("secret detail")

    with pytest.raises(QueryRefused) as refused:
        desk.pipeline.run(desk.query("FROM customers"), Broken())  # type: ignore[arg-type]  # a defect to be

    assert refused.value.code is ErrorCode.INTERNAL_ERROR
    assert "secret" not in refused.value.message
    assert desk.outcomes() == ["INTERNAL_ERROR"]
    assert "secret detail" in desk.records()[0]["error_detail"]
    assert desk.is_idle()


def test_nothing_runs_that_could_not_be_recorded(own_desk: Make) -> None:
    desk = own_desk()
    desk.audit.close()
    with pytest.raises(QueryRefused) as refused:
        desk.ask("DELETE FROM orders")

    assert refused.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert desk.warehouse.rows("SELECT count(*) FROM orders") == [(200,)]
    assert desk.is_idle()


def test_reading_callers_change_nothing(own_desk: Make) -> None:
    desk = own_desk()
    desk.ask("CREATE SEQUENCE numbers")
    for sql in ("DELETE FROM orders", "CREATE TABLE t (i INTEGER)", "BEGIN", "SELECT nextval('numbers')"):
        with pytest.raises(QueryRefused) as refused:
            desk.ask(sql, read_only=True)
        assert refused.value.code is ErrorCode.POLICY_DENIED

    assert desk.ask("SELECT count(*) FROM orders", read_only=True).to_pylist() == [{"count_star()": 200}]


ROWS = pa.table({"order_id": [1, 2], "customer_id": pa.array([2, 4], pa.int32())})


def load(desk: Desk, rows: pa.Table, table: str, creates: str, role: str) -> int | None:
    query = desk.query(f"INSERT INTO {table} VALUES (1)", role=role)
    target = Load("main", table, creates)  # type: ignore[arg-type]  # one of the four words
    with closing(desk.warehouse.engine.open_session()) as session:
        return desk.pipeline.load(query, target, rows.to_reader(), session).rows_affected


def test_a_stream_of_rows_is_written_as_a_whole(own_desk: Make) -> None:
    desk = own_desk()

    assert load(desk, ROWS, "orders", "no", "writer") == 2
    assert load(desk, ROWS, "fresh", "new", "admin") == 2
    assert load(desk, ROWS, "fresh", "anew", "admin") == 2
    assert desk.warehouse.rows("SELECT count(*) FROM fresh") == [(2,)]
    assert desk.outcomes() == ["OK"] * 3
    assert desk.is_idle()


@pytest.mark.parametrize(
    ("table", "creates", "role"),
    [
        ("orders", "no", "analyst"),
        ("orders", "anew", "writer"),
        ("fresh", "new", "writer"),
        ("salary_data", "no", "writer"),
    ],
)
def test_a_stream_of_rows_needs_the_rights_of_its_statement(
    own_desk: Make, table: str, creates: str, role: str
) -> None:
    desk = own_desk()
    with pytest.raises(QueryRefused) as refused:
        load(desk, ROWS, table, creates, role)

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert desk.warehouse.rows("SELECT count(*) FROM orders") == [(200,)]
    assert desk.is_idle()


def test_a_stream_with_one_forbidden_row_leaves_nothing(own_desk: Make) -> None:
    desk = own_desk()
    rows = ROWS.set_column(1, "customer_id", pa.array([2, 1], pa.int32()))
    with pytest.raises(QueryRefused) as refused:
        load(desk, rows, "orders", "no", "writer")

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert desk.warehouse.rows("SELECT count(*) FROM orders") == [(200,)]


def test_a_write_runs_once_for_every_row_of_values(own_desk: Make) -> None:
    desk = own_desk()
    query = desk.query("UPDATE orders SET status = $2 WHERE order_id = $1", role="writer")
    values = pa.table({"a": [1001, 1003], "b": ["x", "y"]})
    with closing(desk.warehouse.engine.open_session()) as session:
        receipt = desk.pipeline.change_many(
            dataclasses.replace(query, parameters=(None, None)), values, session
        )

    assert receipt.rows_affected == 2
    assert desk.warehouse.rows("SELECT status FROM orders WHERE order_id IN (1001, 1003) ORDER BY 1") == [
        ("x",),
        ("y",),
    ]
    assert desk.is_idle()

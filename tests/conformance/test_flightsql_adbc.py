"""ADBC's Flight SQL driver, as Python programs use it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import adbc_driver_flightsql.dbapi
import adbc_driver_manager
import pyarrow as pa
import pytest

from tests.fixtures.flight import FlightService


@pytest.fixture
def cursor(flight: FlightService) -> Iterator[Any]:
    """A cursor of the admin, each statement on its own."""
    with flight.connect() as connection, connection.cursor() as cursor:
        yield cursor


def test_a_query_answers_rows_and_their_names(cursor: Any) -> None:
    cursor.execute("SELECT id, name FROM customers WHERE id < 2 ORDER BY id")

    assert cursor.fetchall() == [(0, "customer 0"), (1, "customer 1")]
    assert [column[0] for column in cursor.description] == ["id", "name"]


def test_an_empty_result_keeps_its_schema(cursor: Any) -> None:
    cursor.execute("SELECT 1::BIGINT AS a, 'x' AS b WHERE false")

    assert cursor.fetch_arrow_table().schema.names == ["a", "b"]


def test_parameters_of_every_kind_arrive(cursor: Any) -> None:
    moment = dt.datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001  # a TIMESTAMP has no zone
    values = (1, 1.5, "text", True, None, b"\x00\xff", dt.date(2024, 2, 29), moment)

    cursor.execute("SELECT ?, ?, ?, ?, ?, ?, ?, ?", values)

    assert cursor.fetchone() == values


def test_a_decimal_parameter_keeps_its_digits(cursor: Any) -> None:
    cursor.execute("SELECT ? + 0.01", (Decimal("12345678901234.56"),))

    assert cursor.fetchone() == (Decimal("12345678901234.57"),)


def test_several_rows_of_parameters_give_one_result_after_another(cursor: Any) -> None:
    statement = cursor.adbc_statement
    statement.set_sql_query("SELECT ? AS a, ? AS b")
    statement.prepare()
    statement.bind(pa.record_batch({"0": [1, 2], "1": ["x", None]}))
    stream, rows = statement.execute_query()

    assert rows == -1
    reader = pa.RecordBatchReader._import_from_c(stream.address)
    assert reader.read_all().to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


def test_statements_say_how_many_rows_they_changed(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE counted (a INTEGER)")
    cursor.execute("INSERT INTO counted VALUES (1), (2), (3)")
    inserted = cursor.rowcount
    cursor.execute("UPDATE counted SET a = a + 1 WHERE a > 1")
    updated = cursor.rowcount
    cursor.execute("DELETE FROM counted")

    assert (inserted, updated, cursor.rowcount) == (3, 2, 3)


def test_execute_update_needs_no_prepared_statement(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE updated (a INTEGER)")
    cursor.adbc_statement.set_sql_query("INSERT INTO updated VALUES (1), (2)")

    assert cursor.adbc_statement.execute_update() == 2


def test_a_memory_that_is_stored_tells_its_id(cursor: Any) -> None:
    cursor.execute("SELECT store_memory('by a driver', 'adbc')")
    ((stored,),) = cursor.fetchall()
    names = [column[0] for column in cursor.description]
    cursor.execute(
        "SELECT CAST(memory_id AS VARCHAR) FROM _hatidata_agent_memory WHERE content = 'by a driver'"
    )

    assert names == ["memory_id"]
    assert cursor.fetchall() == [(stored,)]


def test_returning_gives_rows_and_runs_once(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE adbc_returning (a INTEGER)")
    cursor.execute("INSERT INTO adbc_returning SELECT range FROM range(3) RETURNING a * 2 AS twice")
    rows, names = cursor.fetchall(), [column[0] for column in cursor.description]
    cursor.execute("SELECT count(*) FROM adbc_returning")

    assert (sorted(rows), names) == ([(0,), (2,), (4,)], ["twice"])
    assert cursor.fetchall() == [(3,)]


def test_executemany_inserts_every_row(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE many (a INTEGER, b VARCHAR)")
    cursor.executemany("INSERT INTO many VALUES (?, upper(?))", [(i, f"v{i}") for i in range(10_000)])

    assert cursor.rowcount == 10_000
    cursor.execute("SELECT count(*), sum(a), max(b) FROM many")
    assert cursor.fetchone() == (10_000, 49_995_000, "V9999")


def test_executemany_updates_for_every_row(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE several AS SELECT i AS a, 0 AS b FROM range(100) t(i)")
    cursor.executemany("UPDATE several SET b = ? WHERE a = ?", [(i, i) for i in range(50)])

    assert cursor.rowcount == 50
    cursor.execute("SELECT sum(b) FROM several")
    assert cursor.fetchone() == (sum(range(50)),)


def test_a_row_that_fails_undoes_those_before_it(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE checked (a INTEGER CHECK (a < 5))")
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="QUERY_ERROR"):
        cursor.executemany("INSERT INTO checked VALUES (?)", [(i,) for i in range(10)])

    cursor.execute("SELECT count(*) FROM checked")
    assert cursor.fetchone() == (0,)


def test_a_roll_back_undoes_and_a_commit_keeps(flight: FlightService) -> None:
    with flight.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE kept (a INTEGER)")
        connection.commit()
        cursor.execute("INSERT INTO kept VALUES (1)")
        connection.rollback()
        cursor.execute("INSERT INTO kept VALUES (2)")
        connection.commit()
        cursor.execute("SELECT a FROM kept")

        assert cursor.fetchall() == [(2,)]


def test_nobody_else_sees_an_open_transaction(flight: FlightService) -> None:
    with (
        flight.connect() as other,
        flight.connect(autocommit=False) as connection,
        other.cursor() as looking,
        connection.cursor() as cursor,
    ):
        looking.execute("CREATE OR REPLACE TABLE unseen (a INTEGER)")
        cursor.execute("INSERT INTO unseen VALUES (1)")
        looking.execute("SELECT count(*) FROM unseen")

        assert looking.fetchone() == (0,)


def test_a_result_survives_the_next_statement_of_its_transaction(flight: FlightService) -> None:
    with flight.connect(autocommit=False) as connection:
        with connection.cursor() as reading, connection.cursor() as writing:
            writing.execute("CREATE OR REPLACE TABLE growing AS SELECT i FROM range(200000) t(i)")
            reading.execute("SELECT i FROM growing")
            first = reading.fetchone()
            writing.execute("INSERT INTO growing VALUES (-1)")
            rest = reading.fetchall()

        assert first == (0,)
        assert len(rest) == 199_999


def test_temporary_tables_belong_to_their_connection(flight: FlightService) -> None:
    with flight.connect() as one, flight.connect() as two, one.cursor() as mine, two.cursor() as theirs:
        mine.execute("CREATE TEMP TABLE private_rows AS SELECT 1 AS a")
        mine.execute("SELECT a FROM private_rows")

        assert mine.fetchall() == [(1,)]
        with pytest.raises(adbc_driver_manager.ProgrammingError):
            theirs.execute("SELECT a FROM private_rows")


def test_transactions_work_as_sql_text(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE in_text (a INTEGER)")
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO in_text VALUES (1)")
    cursor.execute("ROLLBACK")
    cursor.execute("SELECT count(*) FROM in_text")

    assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("mode", "again", "rows"),
    [("create", "append", 6), ("replace", "replace", 3), ("create_append",) * 2 + (6,)],
)
def test_ingest_makes_and_fills_a_table(cursor: Any, mode: str, again: str, rows: int) -> None:
    table = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    cursor.execute("DROP TABLE IF EXISTS ingested")

    assert cursor.adbc_ingest("ingested", table, mode=mode) == 3
    assert cursor.adbc_ingest("ingested", table, mode=again) == 3
    cursor.execute("SELECT count(*), count(b) FROM ingested")
    assert cursor.fetchone() == (rows, rows * 2 // 3)


def test_ingest_refuses_a_table_that_is_there_or_is_not(cursor: Any) -> None:
    cursor.execute("DROP TABLE IF EXISTS absent")
    table = pa.table({"a": [1]})

    with pytest.raises(adbc_driver_manager.Error):
        cursor.adbc_ingest("absent", table, mode="append")
    with pytest.raises(adbc_driver_manager.Error):
        cursor.adbc_ingest("customers", table, mode="create")


def test_ingest_goes_to_a_schema_or_to_a_temporary_table(cursor: Any) -> None:
    table = pa.table({"a": [1, 2]})
    cursor.adbc_ingest("landed", table, mode="replace", db_schema_name="finance")
    cursor.adbc_ingest("landed_too", table, mode="create", temporary=True)
    cursor.execute("SELECT (SELECT count(*) FROM finance.landed), (SELECT count(*) FROM landed_too)")

    assert cursor.fetchone() == (2, 2)


def test_ingest_joins_the_open_transaction(flight: FlightService) -> None:
    with flight.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("undone", pa.table({"a": [1]}), mode="create")
        connection.rollback()

        with pytest.raises(adbc_driver_manager.ProgrammingError):
            cursor.execute("SELECT * FROM undone")


def test_objects_are_listed_with_their_columns(flight: FlightService) -> None:
    with flight.connect() as connection:
        listed = (
            connection.adbc_get_objects(depth="all", table_name_filter="customers").read_all().to_pylist()
        )

    schemas = {one["db_schema_name"]: one for one in listed[0]["catalog_db_schemas"]}
    table = schemas["main"]["db_schema_tables"][0]
    assert listed[0]["catalog_name"] == "hatidata"
    assert (table["table_name"], table["table_type"]) == ("customers", "TABLE")
    assert [column["column_name"] for column in table["table_columns"]] == ["id", "name", "email", "region"]


def test_a_table_has_a_schema(flight: FlightService) -> None:
    with flight.connect() as connection:
        schema = connection.adbc_get_table_schema("orders", db_schema_filter="main")

    assert schema.field("total").type == pa.decimal128(12, 2)
    assert schema.field("total").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"DECIMAL(12,2)"


def test_the_analyst_sees_no_more_than_the_policy_leaves(flight: FlightService) -> None:
    with flight.connect(flight.analyst) as connection, connection.cursor() as cursor:
        listed = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        schema = connection.adbc_get_table_schema("customers")
        cursor.execute("SELECT count(*), min(email), min(region) FROM customers WHERE id < 10")

        assert cursor.fetchone() == (5, "***", "EU")
    tables = [t["table_name"] for s in listed[0]["catalog_db_schemas"] for t in s["db_schema_tables"]]
    assert tables == ["customers", "orders"]
    assert schema.field("email").metadata[b"hatidata.masked"] == b"full"


def test_the_analyst_appends_only_what_it_could_see(flight: FlightService) -> None:
    def row(number: int, region: str) -> pa.Table:
        columns = {"id": [number], "name": ["new"], "region": [region]}
        return pa.table(columns)

    with flight.connect(flight.analyst) as connection, connection.cursor() as cursor:
        assert cursor.adbc_ingest("customers", row(1000, "EU"), mode="append") == 1
        with pytest.raises(adbc_driver_manager.Error, match="POLICY_DENIED"):
            cursor.adbc_ingest("customers", row(1001, "US"), mode="append")
        with pytest.raises(adbc_driver_manager.Error, match="POLICY_DENIED"):
            cursor.adbc_ingest("orders", pa.table({"id": [1]}), mode="append")
        with pytest.raises(adbc_driver_manager.Error, match="POLICY_DENIED"):
            cursor.adbc_ingest("mine", pa.table({"id": [1]}), mode="create")
        with pytest.raises(adbc_driver_manager.Error, match="POLICY_DENIED"):
            cursor.adbc_ingest("salaries", pa.table({"employee": [1]}), mode="append")
        with pytest.raises(adbc_driver_manager.Error, match="POLICY_DENIED"):
            cursor.executemany("INSERT INTO customers (id, name, region) VALUES (?, 'n', ?)", [(2000, "US")])


def test_the_current_schema_can_be_changed(flight: FlightService) -> None:
    with flight.connect() as connection, connection.cursor() as cursor:
        connection.adbc_current_db_schema = "finance"
        cursor.execute("SELECT entry FROM ledger")

        assert cursor.fetchall() == [(1,)]
        assert (connection.adbc_current_catalog, connection.adbc_current_db_schema) == ("hatidata", "finance")
        with pytest.raises(adbc_driver_manager.Error):
            connection.adbc_current_db_schema = "nowhere"


def test_a_name_and_the_key_as_password_open_a_session(flight: FlightService) -> None:
    credentials = {"username": "anybody", "password": flight.admin}
    with adbc_connect(flight, credentials) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE shaken AS SELECT 7 AS a")
        cursor.execute("SELECT a FROM shaken")

        assert cursor.fetchall() == [(7,)]


def test_a_wrong_password_is_refused_at_once(flight: FlightService) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="Invalid API key"):
        adbc_connect(flight, {"username": "anybody", "password": "hd_live_" + "x" * 32})


def test_a_statement_without_a_credential_is_refused(flight: FlightService) -> None:
    refused = pytest.raises(adbc_driver_manager.ProgrammingError, match="UNAUTHORIZED")
    with adbc_connect(flight, {}) as connection, connection.cursor() as cursor, refused:
        cursor.execute("SELECT 1")


def test_partitions_are_disjoint_and_whole(flight: FlightService) -> None:
    rows = 0
    with flight.connect(endpoints=3) as connection, connection.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions("SELECT i FROM range(300000) t(i)")
        for partition in partitions:
            with flight.connect() as other, other.cursor() as reading:
                reading.adbc_read_partition(partition)
                rows += reading.fetch_arrow_table().num_rows

    assert (len(partitions), schema.names, rows) == (3, ["i"], 300_000)


def test_the_schema_of_a_query_is_known_without_running_it(cursor: Any) -> None:
    schema = cursor.adbc_execute_schema("SELECT 1::SMALLINT AS a, 'x' AS b")

    assert schema == pa.schema([("a", pa.int16()), ("b", pa.utf8())])


def test_parameter_types_are_guessed(cursor: Any) -> None:
    insert = cursor.adbc_prepare("INSERT INTO orders VALUES (?, ?, ?)")
    compare = cursor.adbc_prepare("SELECT 1 FROM orders WHERE total > ? AND id IN (?, 3) LIMIT ?")
    free = cursor.adbc_prepare("SELECT ?, ?::DATE")

    assert insert.types == [pa.int32(), pa.int32(), pa.decimal128(12, 2)]
    assert compare.types == [pa.decimal128(12, 2), pa.int32(), pa.int64()]
    assert free.types == [pa.utf8(), pa.date32()]


def test_errors_are_short_coded_and_without_a_traceback(cursor: Any) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError) as told:
        cursor.execute("SELECT nowhere FROM customers")

    text = str(told.value)
    assert "[QUERY_ERROR]" in text
    assert "Traceback" not in text
    assert ".py" not in text


def test_the_server_says_what_it_is(flight: FlightService) -> None:
    with flight.connect() as connection:
        told = connection.adbc_get_info()
        types = connection.adbc_get_table_types()

    assert told["vendor_name"] == "HatiData"
    assert told["vendor_version"].startswith("duckdb v2.")
    assert types == ["TABLE", "VIEW"]


def adbc_connect(flight: FlightService, options: dict[str, str]) -> Any:
    """Return an ADBC connection with nothing but *options*."""
    return adbc_driver_flightsql.dbapi.connect(flight.uri, db_kwargs=options, autocommit=True)

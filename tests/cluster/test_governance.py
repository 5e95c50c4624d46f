"""Receipts, audit, metadata, masks and limits hold for remote tables as for local ones."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.flight as flight
import pytest
import requests
from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_flightsql import dbapi as flightsql

from tests.cluster.governed import Governed

REMOTE = (("cluster", "cluster"), ("pg", "pg"))
CUSTOMERS = (
    "SELECT c_custkey, c_phone, c_name FROM {catalog}.main.customer WHERE c_custkey < 20 ORDER BY c_custkey"
)


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_the_receipt_and_the_audit_log_tell_of_the_engine(
    governed: Governed, catalog: str, engine: str
) -> None:
    table, receipt = governed.answer("analyst", CUSTOMERS.format(catalog=catalog))
    record = next(r for r in governed.records() if r.get("query_id") == receipt["query_id"])

    assert receipt["rows"] == table.num_rows > 0
    assert receipt["masked_columns"] == ["c_phone", "c_name"]
    assert receipt["row_filters"] == [f"{catalog}.main.customer"]
    assert receipt["result_cache_hit"] is False
    assert (record["engine"], record["outcome"], record["tables"]) == (
        engine,
        "OK",
        [f"{catalog}.main.customer"],
    )


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_a_masked_column_is_masked_in_the_output_and_in_expressions(
    governed: Governed, catalog: str, engine: str
) -> None:
    shown = governed.ask("analyst", CUSTOMERS.format(catalog=catalog))
    used = governed.ask(
        "analyst", f"SELECT min(c_phone) AS a, max(length(c_name)) AS b FROM {catalog}.main.customer"
    )
    raw = governed.ask("admin", CUSTOMERS.format(catalog=catalog))

    assert all(text.startswith("***") for text in shown.column("c_phone").to_pylist())
    assert shown.schema.field("c_name").metadata[b"hatidata.masked"] == b"hash"
    assert used.to_pylist()[0]["a"].startswith("***")
    assert used.to_pylist()[0]["b"] == 64
    assert not any(text.startswith("***") for text in raw.column("c_phone").to_pylist())


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_a_keyed_hash_masks_the_output_and_is_refused_inside_of_expressions(
    governed: Governed, catalog: str, engine: str
) -> None:
    here = governed.ask("analyst", "SELECT p_comment FROM main.part WHERE p_partkey = 5")
    there = governed.ask("analyst", f"SELECT p_comment FROM {catalog}.main.part WHERE p_partkey = 5")

    assert here.equals(there)
    with pytest.raises(pa.ArrowInvalid, match="keyed hash"):
        governed.ask("analyst", f"SELECT max(p_comment) FROM {catalog}.main.part")


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_a_query_over_both_engines_joins_filtered_rows(governed: Governed, catalog: str, engine: str) -> None:
    sql = (
        "SELECT n.n_name, count(*) AS n, min(c.c_phone) AS p FROM {there}.customer AS c "
        "JOIN main.nation AS n ON c.c_nationkey = n.n_nationkey WHERE c.c_custkey < 500 "
        "GROUP BY n.n_name ORDER BY n.n_name"
    )

    here = governed.ask("analyst", sql.format(there="main"))
    there, receipt = governed.answer("analyst", sql.format(there=f"{catalog}.main"))
    record = next(r for r in governed.records() if r.get("query_id") == receipt["query_id"])

    assert here.equals(there)
    assert here.num_rows == 24
    assert record["engine"] == "duckdb"


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_parameters_are_bound_as_values(governed: Governed, catalog: str, engine: str) -> None:
    sql = f"SELECT c_name FROM {catalog}.main.customer WHERE c_name = $1 OR c_custkey = $2 ORDER BY 1"

    found = governed.ask("admin", sql, ["x' OR '1'='1", 7])
    odd = governed.ask("admin", f"SELECT $1 AS v FROM {catalog}.main.region LIMIT 1", ["it's \\ 'odd' \n é"])

    assert found.column(0).to_pylist() == ["Customer#000000007"]
    assert odd.column(0).to_pylist() == ["it's \\ 'odd' \n é"]


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {c}.main.region VALUES (9, 'x', 'y')",
        "UPDATE {c}.main.region SET r_name = 'x'",
        "DELETE FROM {c}.main.region",
        "CREATE TABLE copied AS SELECT * FROM {c}.main.region",
        "EXPLAIN SELECT * FROM {c}.main.region",
    ],
)
def test_whatever_is_no_query_is_refused_and_changes_nothing(
    governed: Governed, catalog: str, engine: str, sql: str
) -> None:
    with pytest.raises(pa.ArrowInvalid, match="can be read by queries"):
        governed.ask("admin", sql.format(c=catalog))

    assert governed.ask("admin", f"SELECT count(*) AS n FROM {catalog}.main.region").to_pylist() == [{"n": 5}]


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_closed_missing_and_misspelt_tables_are_refused_alike(
    governed: Governed, catalog: str, engine: str
) -> None:
    with pytest.raises(
        flight.FlightUnauthorizedError, match=f"not permitted to access table '{catalog}.main.nope'"
    ):
        governed.ask("analyst", f"SELECT * FROM {catalog}.main.nope")
    with pytest.raises(pa.ArrowInvalid, match="does not exist"):
        governed.ask("admin", f"SELECT * FROM {catalog}.main.nope")


@pytest.mark.parametrize(("catalog", "engine"), REMOTE)
def test_flight_sql_and_http_answer_over_remote_tables(governed: Governed, catalog: str, engine: str) -> None:
    sql = f"SELECT r_regionkey, r_name FROM {catalog}.main.region ORDER BY r_regionkey"
    header = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {governed.keys['analyst']}"}
    with (
        flightsql.connect(governed.endpoints["flight"], db_kwargs=header, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
        by_adbc = cursor.fetch_arrow_table()
        found = connection.adbc_get_objects(depth="tables", catalog_filter=catalog).read_all().to_pylist()
    answer = requests.post(
        f"{governed.endpoints['http']}/v1/query",
        json={"sql": sql},
        headers={"Authorization": f"Bearer {governed.keys['analyst']}"},
        timeout=30,
    )

    names = [t["table_name"] for schema in found[0]["catalog_db_schemas"] for t in schema["db_schema_tables"]]
    assert by_adbc.column("r_name").to_pylist()[0] == "AFRICA"
    assert answer.json()["rows"] == by_adbc.to_pylist()
    assert (found[0]["catalog_name"], len(names)) == (catalog, 8)


def test_the_password_of_an_engine_stands_in_no_file_of_the_home(governed: Governed) -> None:
    secret = next(
        part.split("=", 1)[1]
        for part in (governed.home / "secret.txt").read_text().splitlines()
        if part.startswith("password=")
    )
    files = [file for file in governed.home.rglob("*") if file.is_file() and file.name != "secret.txt"]

    assert len(secret) == 24
    assert not [file for file in files if secret.encode() in file.read_bytes()]

"""The query endpoints against a real Flight server, on both ports."""

from __future__ import annotations

import gzip
import io
import json
import re
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
import zstandard

from http_gateway.accept import ARROW
from tests.fixtures.gateway import NUMBERS, Pair, wait_until

CAP = 40_000_000
PORTS = pytest.mark.parametrize("profile", ["http", "mcp"])


def raw(pair: Pair, sql: str, form: str, headers: dict[str, str]) -> tuple[requests.Response, bytes]:
    """Return the answer with its body as it was on the wire."""
    url = f"{pair.uri()}/v1/query/{form}".rstrip("/")
    sent = {"Content-Type": "application/json", **headers}
    response = requests.post(url, data=json.dumps({"sql": sql}), headers=sent, stream=True, timeout=60)
    return response, response.raw.read(decode_content=False)


def table_of(response: requests.Response) -> pa.Table:
    with pa.ipc.open_stream(response.content) as reader:
        return reader.read_all()


@PORTS
def test_an_arrow_answer_has_every_header(gateway: Pair, profile: str) -> None:
    response = gateway.post(NUMBERS.format(rows=1000), "arrow", profile=profile)
    headers = response.headers
    query_id = headers["X-Query-Id"]

    assert response.status_code == 200
    assert headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    assert (headers["X-Row-Count"], headers["X-Column-Count"], headers["x-rows-affected"]) == (
        "1000",
        "3",
        "1000",
    )
    assert re.fullmatch(r"qry_[0-9a-f]{24}", query_id)
    assert float(headers["X-Credits-Consumed"]) > 0
    assert int(headers["X-Duration-Ms"]) == int(headers["x-execution-time-ms"]) >= 0
    assert {headers[f"X-{name}Cache-Hit"] for name in ("", "Transpile-", "Result-")} <= {"true", "false"}
    assert headers["Content-Disposition"] == f'attachment; filename="{query_id}.arrows"'
    assert headers["Vary"] == "Accept, Accept-Encoding"


@PORTS
@pytest.mark.parametrize("rows", [0, 1, 200_000])
def test_lengths_are_exact(gateway: Pair, profile: str, rows: int) -> None:
    headers = {"Accept-Encoding": "identity"}
    response = gateway.post(NUMBERS.format(rows=rows), "arrow", profile=profile, headers=headers)

    assert int(response.headers["Content-Length"]) == len(response.content)
    assert table_of(response).num_rows == rows == int(response.headers["X-Row-Count"])


def test_the_cache_header_means_what_the_port_says(gateway: Pair) -> None:
    gateway.post("select 1 as repeated", "arrow")
    main = gateway.post("select 1 as repeated", "arrow").headers
    native = gateway.post("select 1 as repeated", "arrow", profile="mcp").headers

    assert main["X-Cache-Hit"] == main["X-Transpile-Cache-Hit"] == "true"
    assert native["X-Cache-Hit"] == native["X-Result-Cache-Hit"]


@PORTS
def test_json_answers_have_every_field(gateway: Pair, profile: str) -> None:
    response = gateway.post("select 1::bigint as a, 'x' as b, null::double as c", profile=profile)
    body = response.json()

    assert body["columns"] == [
        {"name": "a", "type": "int64"},
        {"name": "b", "type": "string"},
        {"name": "c", "type": "double"},
    ]
    assert body["rows"] == [{"a": 1, "b": "x", "c": None}]
    assert body["row_count"] == 1
    assert body["query_id"] == response.headers["X-Query-Id"]
    assert body["execution_time_ms"] == int(response.headers["X-Duration-Ms"])
    assert body["credits_consumed"] == float(response.headers["X-Credits-Consumed"])


def test_json_holds_all_rows_of_many_batches(gateway: Pair) -> None:
    rows = gateway.post(NUMBERS.format(rows=100_000)).json()["rows"]

    assert len(rows) == 100_000
    assert rows[-1] == {"i": 99_999, "half": "149998.5", "label": "row 99999"}


def test_parquet_is_not_bound_by_the_cap(gateway: Pair) -> None:
    sql = "select i, hash(i) as h, hash(i + 1) as g from range(3000000) t(i)"
    response = gateway.post(sql, "parquet")
    table = pq.read_table(io.BytesIO(response.content))

    assert response.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.headers["X-Column-Count"] == "3"
    assert table.num_rows == 3_000_000
    assert table.nbytes > CAP


@PORTS
@pytest.mark.parametrize("form", ["arrow", ""])
def test_a_result_above_the_cap_says_what_to_do(gateway: Pair, profile: str, form: str) -> None:
    response = gateway.post("select i from range(100000000) t(i)", form, profile=profile)
    body = response.json()
    text = body["message"] if profile == "mcp" else body["error"]

    assert response.status_code == 413
    assert "RESULT_TOO_LARGE" in body.values()
    assert str(CAP) in text
    assert "LIMIT" in text
    assert "parquet" in text
    wait_until(lambda: gateway.running_queries() == 0, gateway.flight.last_output, seconds=5)


def test_the_text_of_a_json_answer_is_bound_by_the_cap_too(gateway: Pair) -> None:
    response = gateway.post('select i, i as "a long name of a column" from range(1000000) t(i)')

    assert (response.status_code, response.json()["code"]) == (413, "RESULT_TOO_LARGE")


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("text ä", "varchar", "text ä"),
        (7, "integer", 7),
        (2**40, "bigint", 2**40),
        (1.5, "double", 1.5),
        (True, "boolean", True),
        (None, "integer", None),
        ("2026-02-18T10:30:00", "timestamp", "2026-02-18T10:30:00.000000"),
    ],
)
@PORTS
def test_parameters_of_every_type_are_bound(
    gateway: Pair, profile: str, value: Any, kind: str, read: Any
) -> None:
    response = gateway.post(f"select $1::{kind} as v", parameters=[value], profile=profile)

    assert response.json()["rows"] == [{"v": read}]


def test_a_timestamp_parameter_compares_with_a_column(gateway: Pair) -> None:
    sql = "select count(*) as n from (select timestamp '2026-01-02' as t) where t >= ?"

    assert gateway.post(sql, parameters=["2026-01-01T00:00:00"]).json()["rows"] == [{"n": 1}]


@PORTS
def test_changes_tell_how_many_rows_they_changed(gateway: Pair, profile: str) -> None:
    name = f"changed_{profile}"
    created = gateway.post(f"create table {name} (a integer)", "arrow", profile=profile)
    inserted = gateway.post(f"insert into {name} values (1), (2), (3)", "arrow", profile=profile)

    assert (created.headers["X-Row-Count"], created.headers["x-rows-affected"]) == ("0", "0")
    assert (inserted.headers["X-Row-Count"], inserted.headers["x-rows-affected"]) == ("1", "3")
    assert table_of(inserted).to_pydict() == {"Count": [3]}


@pytest.mark.parametrize("form", ["arrow", ""])
def test_gzip_and_zstd_are_applied_with_an_exact_length(gateway: Pair, form: str) -> None:
    sql = NUMBERS.format(rows=5000)
    plain, plain_body = raw(gateway, sql, form, {"Accept-Encoding": "identity"})
    zipped, zipped_body = raw(gateway, sql, form, {"Accept-Encoding": "gzip"})
    framed, framed_body = raw(gateway, sql, form, {"Accept-Encoding": "zstd, gzip;q=0.5"})

    assert "Content-Encoding" not in plain.headers
    assert (zipped.headers["Content-Encoding"], framed.headers["Content-Encoding"]) == ("gzip", "zstd")
    for response, body in ((plain, plain_body), (zipped, zipped_body), (framed, framed_body)):
        assert int(response.headers["Content-Length"]) == len(body)
    opened = (
        gzip.decompress(zipped_body),
        zstandard.ZstdDecompressor().decompressobj().decompress(framed_body),
    )
    lengths = {len(text) for text in (plain_body, *opened)}
    assert max(lengths) - min(lengths) < 10  # the receipt's digits differ


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_ipc_codecs_replace_the_content_coding(gateway: Pair, codec: str) -> None:
    accept = {"Accept": f'{ARROW}; codecs="{codec}"', "Accept-Encoding": "gzip"}
    response, body = raw(gateway, NUMBERS.format(rows=50_000), "arrow", accept)

    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Type"] == f'{ARROW}; codecs="{codec}"'
    assert pa.ipc.open_stream(body).read_all().num_rows == 50_000


@PORTS
@pytest.mark.parametrize(
    "headers", [{"Accept": "text/html"}, {"Accept-Encoding": "identity;q=0"}, {"Accept-Encoding": "*;q=0"}]
)
def test_what_cannot_be_sent_is_not_acceptable(gateway: Pair, profile: str, headers: dict[str, str]) -> None:
    response = gateway.post("select 1", "arrow", profile=profile, headers=headers)

    assert response.status_code == 406
    assert "NOT_ACCEPTABLE" in response.json().values()


@PORTS
@pytest.mark.parametrize("form", ["arrow", "", "parquet"])
@pytest.mark.parametrize(
    ("sql", "status", "code", "start"),
    [
        ("selct 1", 400, "QUERY_PARSE_ERROR", "SQL parse error: "),
        ("select no_such_column from range(1)", 400, "QUERY_ERROR", "SQL error: "),
        ("select 'x'::integer", 400, "QUERY_ERROR", "SQL error: "),
        ("select $1", 400, "INVALID_REQUEST", "Invalid request: "),
        ("select 1; select 2", 400, "INVALID_REQUEST", "Invalid request: "),
    ],
)
def test_a_wrong_query_is_told_as_the_port_tells_it(
    gateway: Pair, profile: str, form: str, sql: str, status: int, code: str, start: str
) -> None:
    response = gateway.post(sql, form, profile=profile)
    body = response.json()

    assert response.status_code == status
    assert body["query_id"] == response.headers["X-Query-Id"]
    assert body["error" if profile == "mcp" else "code"] == code
    assert profile == "mcp" or body["error"].startswith(start)
    assert "Python exception" not in response.text


@PORTS
def test_the_deadline_ends_a_query(gateway: Pair, profile: str) -> None:
    sql = "select sum(hash(a.i + b.i)) from range(1000000000) a(i), range(1000000) b(i)"
    response = gateway.post(sql, "arrow", profile=profile, timeout_ms=300)

    assert response.status_code == 408
    assert "QUERY_TIMEOUT" in response.json().values()
    assert response.elapsed.total_seconds() < 1.5


@PORTS
def test_a_wrong_key_is_refused_even_in_dev_mode(gateway: Pair, profile: str) -> None:
    for headers in (
        {"Authorization": "Bearer hd_live_" + "x" * 32},
        {"Authorization": "ApiKey hd_live_" + "x" * 32},
        {"X-API-Key": "hd_live_" + "x" * 32},
        {"Authorization": "Basic aGF0aTpoYXRp"},
    ):
        response = gateway.post("select 1", "arrow", profile=profile, headers=headers)
        assert response.status_code == 401
        assert "UNAUTHORIZED" in response.json().values()
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_repeated_columns_all_arrive(gateway: Pair) -> None:
    sql = "select 1 as a, 2 as a"

    assert table_of(gateway.post(sql, "arrow")).num_columns == 2
    assert gateway.post(sql).json()["rows"] == [{"a": 1, "a_1": 2}]

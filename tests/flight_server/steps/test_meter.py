"""The end of a query, however it ended: what is charged and what is recorded."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import (
    BoundFilter,
    Caller,
    Credential,
    Grant,
    Limits,
    Mask,
    MaskFunction,
    Principal,
    Query,
    TableGrant,
    TableName,
)
from flight_server.steps.estimate import CostFacts
from flight_server.steps.meter import Happened, Settlement, build_entry, build_receipt, credits_of
from flight_server.steps.reserve import reserve
from flight_server.stores.audit import AuditLog
from flight_server.stores.audit_entry import AuditEntry
from flight_server.stores.audit_files import log_files
from flight_server.stores.usage import UsageStore

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "audit-log.schema.json").read_text())
SECRET = "hd_live_aaaabbbbccccddddeeeeffffgggghhhh"
ORDERS = TableName("main", "orders")
PRINCIPAL = Principal(SECRET[:12], frozenset({"analyst"}), "bot", "custom", {}, "live")
GRANT = Grant(
    principal=PRINCIPAL,
    tables={
        ORDERS: TableGrant(
            ORDERS,
            (BoundFilter("region = $region", (("region", "EU"),), "row_filters.yaml:3"),),
            (("email", Mask(MaskFunction.PARTIAL)),),
        )
    },
    sees_everything=False,
    administers=False,
    limits=Limits(),
    reasons=("policy0",),
    policy_version="v1",
)


def query(sql: str = "SELECT email FROM orders WHERE id = 7", secret: str | None = SECRET) -> Query:
    credential = None if secret is None else Credential("key", secret)
    caller = Caller(credential, None, "http", "192.0.2.1")
    return Query("qry_" + "0" * 24, sql, ("hunter2",), None, "auto", caller, time.monotonic() - 0.25)


def answered() -> Happened:
    return Happened(
        query=query(),
        finished=time.monotonic(),
        session_id="s1",
        principal=PRINCIPAL,
        grant=GRANT,
        cost=CostFacts(1, 0, selects_star=False),
        kind="select",
        tables=("main.orders",),
        row_filters=("main.orders",),
        masked_columns=("email",),
        engine="duckdb",
        engine_sql="SELECT ..",
        executed=True,
        rows=20_000,
        bytes=1000,
        steps_ms={"parse": 0.12345, "execute": 3.0},
    )


def failed(code: ErrorCode, *, executed: bool = True, detail: str = "why") -> Happened:
    return replace(answered(), refusal=QueryRefused(code, detail=detail), executed=executed)


@pytest.fixture
def usage(tmp_path: Path) -> Iterator[UsageStore]:
    store = UsageStore.open(tmp_path / "usage.db")
    yield store
    store.close()


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[AuditLog]:
    log = AuditLog.open(tmp_path / "audit", reserve_bytes=4096)
    yield log
    log.close()


def recorded(tmp_path: Path) -> list[dict[str, Any]]:
    lines = [line for path in log_files(tmp_path / "audit") for line in path.read_bytes().splitlines()]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("happened", "credits"),
    [
        (answered(), 2.0),
        (replace(answered(), result_cache_hit=True), 0.1),
        (replace(answered(), rows=1, rows_affected=30_000), 3.0),
        (replace(answered(), cost=None), 0.0),
        (failed(ErrorCode.POLICY_DENIED, executed=False), 0.0),
        (failed(ErrorCode.QUERY_CANCELLED), 2.0),
        (failed(ErrorCode.QUERY_TIMEOUT), 2.0),
        (failed(ErrorCode.INTERNAL_ERROR), 0.0),
        (failed(ErrorCode.SERVICE_UNAVAILABLE), 0.0),
    ],
)
def test_charges_for_what_the_engine_did_and_not_for_our_faults(happened: Happened, credits: float) -> None:
    assert credits_of(happened) == credits


def test_the_receipt_says_what_happened() -> None:
    receipt = build_receipt(answered(), 2.0)

    assert (receipt.rows, receipt.bytes, receipt.credits_consumed) == (20_000, 1000, 2.0)
    assert (receipt.masked_columns, receipt.row_filters) == (("email",), ("main.orders",))
    assert 250 <= receipt.duration_ms < 5000


def test_the_record_says_who_saw_what_under_which_rules() -> None:
    entry = build_entry(answered(), 2.0)

    assert (entry.key_prefix, entry.roles, entry.agent_id) == (SECRET[:12], ("analyst",), "bot")
    assert entry.row_filters == ("main.orders @ row_filters.yaml:3",)
    assert entry.masks == ("main.orders.email:partial",)
    assert (entry.decision, entry.reasons, entry.outcome) == ("allow", ("policy0",), "OK")
    assert entry.sql_redacted == "SELECT email FROM orders WHERE id = [REDACTED]"


def test_the_record_of_a_refused_key_shows_its_prefix_and_why() -> None:
    fault = QueryRefused(ErrorCode.UNAUTHORIZED, detail="expired key")
    entry = build_entry(Happened(query=query(), finished=time.monotonic(), refusal=fault), 0.0)

    assert (entry.decision, entry.outcome) == ("deny", "UNAUTHORIZED")
    assert (entry.key_prefix, entry.error_detail) == (SECRET[:12], "expired key")


def test_a_password_in_the_place_of_a_key_is_not_recorded() -> None:
    entry = build_entry(Happened(query=query(secret="correct horse battery"), finished=0.0), 0.0)

    assert entry.key_prefix == ""
    assert "correct" not in repr(entry)


def test_no_record_holds_a_credential_or_a_parameter(
    usage: UsageStore, audit: AuditLog, tmp_path: Path
) -> None:
    Settlement(usage, audit).settle(answered())

    written = log_files(tmp_path / "audit")[0].read_text()

    assert SECRET not in written
    assert "hunter2" not in written


@pytest.mark.parametrize(
    "happened",
    [
        answered(),
        failed(ErrorCode.QUERY_CANCELLED),
        Happened(query=query("nonsense \ud800 \x00", None), finished=time.monotonic()),
    ],
)
def test_records_match_their_schema(
    usage: UsageStore, audit: AuditLog, tmp_path: Path, happened: Happened
) -> None:
    settlement = Settlement(usage, audit)
    settlement.announce(happened)
    settlement.settle(happened)

    records = recorded(tmp_path)
    assert [record["phase"] for record in records] == ["streaming", "complete"]
    for record in records:
        jsonschema.validate(record, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_recoveries_match_their_schema(usage: UsageStore, audit: AuditLog, tmp_path: Path) -> None:
    audit.close()
    with log_files(tmp_path / "audit")[0].open("ab") as file:
        file.write(b"torn")
    AuditLog.open(tmp_path / "audit").close()

    (record,) = recorded(tmp_path)
    assert record["event"] == "recovery"
    jsonschema.validate(record, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_the_schema_knows_every_code_and_every_member() -> None:
    members = SCHEMA["$defs"]["query"]["properties"]

    assert set(members["outcome"]["enum"]) == {"OK", *map(str, ErrorCode)}
    assert set(members) == {*AuditEntry.__slots__, "event", "seq", "prev_hash", "entry_hash"}


def test_settles_once_whoever_comes_first(usage: UsageStore, audit: AuditLog, tmp_path: Path) -> None:
    reservation = reserve(PRINCIPAL, 5.0, Limits(), usage)
    settlement = Settlement(usage, audit)
    happened = replace(answered(), reservation=reservation)
    threads = [threading.Thread(target=settlement.settle, args=(happened,)) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = settlement.settle(failed(ErrorCode.INTERNAL_ERROR))

    assert again.entry.outcome == "OK"
    assert len(recorded(tmp_path)) == 1
    assert usage.spent_this_month(PRINCIPAL.key_prefix) == 2.0
    usage.hold(PRINCIPAL.key_prefix, 8.0, 10.0)


def test_a_refusal_is_counted_and_recorded(usage: UsageStore, audit: AuditLog, tmp_path: Path) -> None:
    Settlement(usage, audit).settle(failed(ErrorCode.POLICY_DENIED, executed=False))

    line = usage.report(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))[0]
    assert (line.queries, line.refused, line.credits) == (1, 1, 0.0)
    assert recorded(tmp_path)[0]["outcome"] == "POLICY_DENIED"


def test_without_a_record_there_is_no_answer_but_the_charge_stands(
    usage: UsageStore, audit: AuditLog
) -> None:
    audit.close()
    reservation = reserve(PRINCIPAL, 5.0, Limits(), usage)

    with pytest.raises(QueryRefused, match="SERVICE_UNAVAILABLE"):
        Settlement(usage, audit).settle(replace(answered(), reservation=reservation))

    assert usage.spent_this_month(PRINCIPAL.key_prefix) == 2.0

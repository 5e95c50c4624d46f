"""What a scrape shows, over real HTTP."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from flight_server.metrics import Metrics, serve_metrics
from flight_server.stores.audit_entry import AuditEntry


def entry(outcome: str = "OK") -> AuditEntry:
    return AuditEntry(
        query_id="qry_1",
        timestamp="2026-11-20T12:00:00.000Z",
        protocol="http",
        source_ip="127.0.0.1",
        sql="SELECT 1",
        sql_redacted="SELECT [REDACTED]",
        decision="allow",
        outcome=outcome,
        engine="duckdb",
        rows=10,
        bytes=100,
        credits=1.5,
        duration_ms=3.0,
        steps_ms={"parse": 0.3, "execute": 2.0},
        transpile_cache_hit=True,
    )


def scrape(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    server = serve_metrics(metrics, "127.0.0.1", 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        server.close()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counts_queries_by_code_and_protocol() -> None:
    metrics = Metrics()
    metrics.record(entry(), {})
    metrics.record(entry(), {})
    metrics.record(entry("POLICY_DENIED"), {})

    shown = scrape(metrics)

    assert shown["hatidata_queries_total", frozenset({("code", "OK"), ("protocol", "http")})] == 2
    assert shown["hatidata_queries_total", frozenset({("code", "POLICY_DENIED"), ("protocol", "http")})] == 1
    assert shown["hatidata_rows_total", frozenset()] == 30
    assert shown["hatidata_result_bytes_total", frozenset()] == 300
    assert shown["hatidata_credits_total", frozenset()] == 4.5
    assert shown["hatidata_cache_lookups_total", frozenset({("cache", "compile"), ("result", "hit")})] == 3


def test_buckets_the_time_of_each_step() -> None:
    metrics = Metrics()
    metrics.record(entry(), {})

    shown = scrape(metrics)

    def bucket(bound: str) -> float:
        return shown["hatidata_step_seconds_bucket", frozenset({("step", "parse"), ("le", bound)})]

    assert (bucket("0.00025"), bucket("0.0005"), bucket("+Inf")) == (0, 1, 1)
    assert shown["hatidata_step_seconds_sum", frozenset({("step", "execute")})] == 0.002
    assert shown["hatidata_query_seconds_count", frozenset()] == 1


def test_times_what_no_record_can_hold() -> None:
    metrics = Metrics()
    metrics.record(entry(), {"meter": 2.0, "audit": 3.0})
    metrics.record(entry(), {"meter": 2.0, "audit": 5.0})

    shown = scrape(metrics)

    assert shown["hatidata_step_seconds_sum", frozenset({("step", "audit")})] == 0.008
    assert shown["hatidata_step_seconds_count", frozenset({("step", "meter")})] == 2


def test_reads_gauges_at_the_time_of_the_scrape() -> None:
    metrics = Metrics()
    depth = [0.0]
    metrics.gauge("queue_depth", "Calls that wait for a slot", lambda: depth[0])
    depth[0] = 7.0

    assert scrape(metrics)["hatidata_queue_depth", frozenset()] == 7.0


def test_shows_the_memory_of_the_process() -> None:
    assert scrape(Metrics())["process_resident_memory_bytes", frozenset()] > 1_000_000

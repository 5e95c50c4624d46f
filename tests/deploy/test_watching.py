"""Dashboard and alerts ask for metrics that the service really has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.fixtures.whole_service import WholeService

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "hatidata.json"
METRIC = re.compile(r"\b(?:hatidata|process)_\w+")
SELECTED = re.compile(r"((?:hatidata|process)_\w+)\{([^}]*)\}")
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? \S+$", re.MULTILINE)
OF_PROMETHEUS = {"job", "instance"}


def expressions() -> Iterator[str]:
    """Every expression of the rules and of the dashboard."""
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def recorded() -> set[str]:
    """The names that the rules themselves make."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


@pytest.fixture(scope="module")
def samples(whole_service: WholeService) -> dict[str, set[str]]:
    """The labels of every metric of a service that has answered and refused."""
    for sql in ("SELECT count(*) FROM items", "SELECT count(*) FROM items", "SELECT * FROM nowhere"):
        requests.post(
            f"{whole_service.http}/v1/query",
            json={"sql": sql},
            headers={"Authorization": whole_service.bearer},
            timeout=30,
        )
    text = requests.get(whole_service.metrics, timeout=10).text
    return {name: set(re.findall(r'(\w+)="', labels or "")) for name, labels in SAMPLE.findall(text)}


def test_every_metric_asked_for_exists(samples: dict[str, set[str]]) -> None:
    asked = {name for text in expressions() for name in METRIC.findall(re.sub(r"\w+:[\w:]+", "", text))}

    assert asked - samples.keys() == set()
    assert len(asked) >= 15


def test_every_label_asked_for_exists(samples: dict[str, set[str]]) -> None:
    unknown = {
        (name, label)
        for text in expressions()
        for name, selector in SELECTED.findall(text)
        for label in re.findall(r"(\w+)\s*[=!]", selector)
        if label not in samples[name] | OF_PROMETHEUS
    }

    assert unknown == set()


def test_every_step_of_a_query_has_a_time(samples: dict[str, set[str]], whole_service: WholeService) -> None:
    text = requests.get(whole_service.metrics, timeout=10).text
    timed = set(re.findall(r'^hatidata_step_seconds_count\{step="(\w+)"\}', text, re.MULTILINE))

    before_rows = {
        "admit",
        "authenticate",
        "parse",
        "authorise",
        "estimate",
        "reserve",
        "restrict_rows",
        "transpile",
    }
    assert before_rows | {"snapshot", "execute", "stream", "meter", "audit"} <= timed


def test_rules_that_build_on_rules_name_ones_that_are_there() -> None:
    used = {name for text in expressions() for name in re.findall(r"\bhatidata:[\w:]+", text)}

    assert used - recorded() == set()


def test_every_alert_says_where_it_is_explained() -> None:
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    anchors = {heading.strip("# ").lower() for heading in re.findall(r"^##+ .*$", page, re.MULTILINE)}
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    runbooks = [rule["annotations"]["runbook"] for rule in rules if "alert" in rule]

    assert {link.partition("#")[2] for link in runbooks} - anchors == set()


def test_the_dashboards_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}

        assert cells & taken == set()
        taken |= cells

"""The example of a dashboard over Prometheus names metrics and labels that /metrics has, and counters as counters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from pytomo_scrapy.analysis.figures import GAUGES
from tests.conftest import missing

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "grafana"
BOARD: dict[str, Any] = json.loads((FOLDER / "pytomo-metrics.json").read_text(encoding="utf-8"))
_SELECTED = re.compile(r"(pytomo_\w+)(?:\{([^}]*)\})?(\[[^\]]+\])?")
_NAMES = re.compile(r"\bpytomo_\w+")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def questions() -> Iterator[tuple[str, str]]:
    """Give every question of the dashboard and of the alerts with its name."""
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"].removeprefix("label_values(").removesuffix(", vantage)")
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]


@pytest.fixture
def exported(client: TestClient) -> dict[str, tuple[str, set[str]]]:
    """The type and the labels of each sample of /metrics; of a gauge also where the newest rows have no value."""
    found = {f"pytomo_{name}": ("gauge", {"vantage", "provider", "service"}) for name in GAUGES}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found[sample.name] = family.type, set(sample.labels)
    return found


def test_every_metric_of_the_dashboard_is_exported_with_its_labels(
    exported: dict[str, tuple[str, set[str]]],
) -> None:
    for title, question in questions():
        selected = _SELECTED.findall(question)
        assert selected, title
        labels = set.intersection(*(exported[name][1] for name, _, _ in selected))
        for name, conditions, _ in selected:
            asked = {part.strip().partition("=")[0].rstrip("!") for part in conditions.split(",") if "=" in part}
            assert asked <= exported[name][1], (title, name)
        for group in _GROUPED.findall(question):
            known = labels | {"le"} | set.union(*(exported[name][1] for name, _, _ in selected))
            assert {part.strip() for part in group.split(",")} <= known, title


def test_every_question_is_one_that_prometheus_takes() -> None:
    try:
        import promql_parser
    except ModuleNotFoundError:
        missing("promql-parser is not installed")
    with pytest.raises(ValueError):  # a rate of a value of the moment, which is a fault of types
        promql_parser.parse("rate(pytomo_stalls_total)")
    named = {"$vantage": ".*", "$__range": "7d"} | {f"${name}": value for name, value in chosen_values()}
    for title, question in questions():
        for name, value in named.items():
            question = question.replace(name, value)
        assert "$" not in question, title
        read = str(promql_parser.parse(question).prettify())
        assert set(_NAMES.findall(read)) == set(_NAMES.findall(question)), title


def chosen_values() -> Iterator[tuple[str, str]]:
    """Give the value of each choice of the dashboard that is a length of time, as Grafana puts it in at first."""
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "custom":
            yield variable["name"], variable["current"]["value"]


def test_rates_are_taken_of_counters_and_histograms_only(exported: dict[str, tuple[str, set[str]]]) -> None:
    for title, question in questions():
        for name, _, window in _SELECTED.findall(question):
            grows = exported[name][0] in {"counter", "histogram"}
            is_listed = question == name  # the values of a label
            assert grows is bool(window) or is_listed, (title, name)


def test_bound_that_the_dashboard_names_is_one_of_the_histogram(client: TestClient) -> None:
    bounds = {
        float(sample.labels["le"])
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "pytomo_startup_seconds_bucket"
    }
    named = {float(bound) for _, question in questions() for bound in re.findall(r'le=~"([\d.]+)\|', question)}
    assert named and named <= bounds


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_everything_that_is_counted_is_on_the_dashboard(exported: dict[str, tuple[str, set[str]]]) -> None:
    asked = {name for _, question in questions() for name, _, _ in _SELECTED.findall(question)}
    counters = {name for name, (kind, _) in exported.items() if kind == "counter" and name.startswith("pytomo_")}
    assert counters and counters <= asked
    assert "pytomo_startup_seconds_bucket" in asked

"""The dashboard and the alert rules: written out whole, naming only metrics and labels that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli.output import Exit
from relayclear.usecases.metrics import METRICS, Shape
from tests.cli.conftest import Cli, agrees

UNIT_TESTS = Path(__file__).with_name("rules_test.yml")
PROMTOOL = shutil.which("promtool")
OF_A_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def named(text: str) -> set[str]:
    """The metrics that a text names."""
    found = set()
    for word in re.findall(r"\brelayclear_\w+", text):
        whole = OF_A_HISTOGRAM.sub("", word)
        found.add(whole if whole in METRICS and METRICS[whole].shape is Shape.HISTOGRAM else word)
    return found


def selected(text: str) -> set[tuple[str, str]]:
    """Each metric with each label that it is chosen by."""
    chosen = re.findall(r"(relayclear_\w+)\{([^{}]*)\}", text)
    return {(name, label) for name, inner in chosen for label in re.findall(r"(\w+)\s*[=!]~?", inner)}


@pytest.fixture
def rules(cli: Cli) -> str:
    return cli.alone("metrics", "rules").text


@pytest.fixture
def panels(cli: Cli) -> list[Any]:
    return [panel for panel in cli.alone("metrics", "dashboard").document["panels"] if panel["type"] != "row"]


def test_every_metric_of_the_rules_exists_with_its_labels(rules: str) -> None:
    expressions = rules.replace("$labels", "")
    assert named(expressions)
    assert named(expressions) <= METRICS.keys()
    assert selected(expressions)
    assert {pair for pair in selected(expressions) if pair[1] not in METRICS[pair[0]].labels} == set()
    told = set(re.findall(r"\$labels\.(\w+)", rules))
    assert told <= {label for metric in METRICS.values() for label in metric.labels}


def test_a_metric_that_does_not_exist_would_be_noticed(rules: str) -> None:
    assert not named(rules + "\nrelayclear_made_up_total") <= METRICS.keys()
    assert named("rate(relayclear_payment_to_cleared_seconds_bucket[5m])") == {"relayclear_payment_to_cleared_seconds"}
    assert selected('relayclear_chain_up{chain="a",port=~"b"}') == {
        ("relayclear_chain_up", "chain"),
        ("relayclear_chain_up", "port"),
    }


def test_the_rules_watch_what_must_not_go_unnoticed(rules: str) -> None:
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    assert {
        "RelayclearHighFailureRate",
        "RelayclearOperationStuck",
        "RelayclearBooksDontBalance",
        "RelayclearHermesAway",
        "RelayclearNodeAway",
        "RelayclearGasLow",
        "RelayclearBreakerOpen",
    } <= alerts
    assert len(re.findall(r"labels: \{severity: (?:critical|warning|info)\}", rules)) == len(alerts)


def test_every_metric_of_the_dashboard_exists_with_its_labels(panels: list[Any]) -> None:
    for panel in panels:
        for target in panel["targets"]:
            names = named(target["expr"])
            assert names
            assert names <= METRICS.keys()
            assert {pair for pair in selected(target["expr"]) if pair[1] not in METRICS[pair[0]].labels} == set()
            labels = {label for name in names for label in METRICS[name].labels}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_the_panels_have_names_of_their_own_and_do_not_lie_over_each_other(panels: list[Any]) -> None:
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    fields = [panel["gridPos"] for panel in panels]
    for one, other in pairwise(sorted(fields, key=lambda field: (field["y"], field["x"]))):
        assert other["y"] >= one["y"] + one["h"] or other["x"] >= one["x"] + one["w"]
    assert all(field["x"] + field["w"] <= 24 for field in fields)


def test_most_of_what_is_told_is_shown(panels: list[Any]) -> None:
    shown = {name for panel in panels for target in panel["targets"] for name in named(target["expr"])}
    assert METRICS.keys() - shown <= {
        "relayclear_build_info",
        "relayclear_heartbeat_timestamp_seconds",
        "relayclear_task_failing",
        "relayclear_pending_packets",
        "relayclear_scans_total",
        "relayclear_scan_timestamp_seconds",
        "relayclear_chain_good_timestamp_seconds",
        "relayclear_chain_height",
        "relayclear_cursor_height",
        "relayclear_cursor_up",
        "relayclear_cleared_packets_ours",
    }


@pytest.mark.parametrize("name", ["dashboard", "rules"])
def test_a_file_is_written_once_and_never_over_another(cli: Cli, tmp_path: Path, name: str) -> None:
    file = tmp_path / "out"
    said = cli.alone("metrics", name, "--out", str(file), "--json")
    assert (said.code, said.document) == (Exit.DONE, {"schema_version": 1, "file": str(file), "text": None})
    assert file.read_bytes() == cli.alone("metrics", name).out
    assert cli.alone("metrics", name, "--json").document["text"] == file.read_text()
    again = cli.alone("metrics", name, "--out", str(file))
    assert (again.code, "is there already" in again.err) == (Exit.USAGE, True)
    nowhere = cli.alone("metrics", name, "--out", str(tmp_path / "no" / "where"))
    assert (nowhere.code, "can't be written" in nowhere.err) == (Exit.USAGE, True)
    assert cli.alone("metrics", name, "--out", str(tmp_path / "two")).text.startswith(f"{tmp_path / 'two'}: ")


def test_the_list_keeps_its_bytes(cli: Cli) -> None:
    assert agrees("metrics-list.json", cli.alone("metrics", "list", "--json").out)
    assert agrees("metrics-list-80.txt", cli("metrics", "list", width=80).out)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_own_tool_takes_the_rules_and_each_fires_when_it_should(rules: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "rules_test.yml").write_bytes(UNIT_TESTS.read_bytes())
    for verb in (("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")):
        said = subprocess.run(
            [str(PROMTOOL), *verb], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_own_tool_takes_every_expression_of_the_dashboard(panels: list[Any], tmp_path: Path) -> None:
    rows = [
        {"record": f"shown:{number}", "expr": target["expr"].replace("$chain", ".*")}
        for number, target in enumerate(target for panel in panels for target in panel["targets"])
    ]
    # JSON is YAML.
    (tmp_path / "shown.yml").write_text(json.dumps({"groups": [{"name": "shown", "rules": rows}]}))
    command = [str(PROMTOOL), "check", "rules", "shown.yml"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr

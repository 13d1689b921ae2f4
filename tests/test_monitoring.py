"""Prometheus accepts the configuration, and each alert fires only when it should."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.programs import need
from tools.generate import choices, facts, render

FOLDER = "deploy/monitoring/"
# Healthy series: one sample a minute for half an hour, from timestamp 0.
EVENTS = 'flower_events_total{type="task-%s",task="send",worker="one"}'
STARTED, FAILED, RETRIED = (EVENTS % name for name in ("started", "failed", "retried"))
QUEUE = 'celery_queue_length{queue="default"}'
ONLINE = 'flower_worker_online{worker="one"}'
TICK = 'celery_heartbeat_timestamp_seconds{name="beat"}'
DEAD_LETTERS = "celery_dead_letters"
HEALTHY = {
    QUEUE: "0x30",
    ONLINE: "1x30",
    STARTED: "0+60x30",
    FAILED: "0x30",
    RETRIED: "0x30",
    DEAD_LETTERS: "0x30",
    TICK: "0+60x30",
}
MINUTES = "20m"
# Changes that make each alert fire. An empty text stands for a missing series.
UNHEALTHY: list[tuple[str, dict[str, str]]] = [
    ("CeleryNotWatched", {QUEUE: ""}),
    ("CeleryNoWorker", {ONLINE: "0x30"}),
    ("CeleryNoWorker", {ONLINE: ""}),
    ("CeleryNothingStarts", {QUEUE: "5x30", STARTED: "60x30"}),
    ("CeleryNothingStarts", {QUEUE: "5x30", STARTED: ""}),
    ("CeleryLongWait", {QUEUE: "400x30"}),
    ("CeleryFailures", {FAILED: "0+6x30"}),
    # The first event of a new worker is its first sample.
    ("CeleryFailures", {FAILED: "_x15 1x15", STARTED: "_x15 1x15"}),
    ("CeleryRetries", {RETRIED: "0+40x30"}),
    ("CeleryDeadLetters", {DEAD_LETTERS: "1x30"}),
    ("CeleryBeatSilent", {TICK: "0+60x15 900x15"}),
    ("CeleryBeatSilent", {TICK: ""}),
]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return render({"flower": True})


@pytest.fixture(scope="module")
def folder(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files for Prometheus and Grafana."""
    folder = tmp_path_factory.mktemp("monitoring")
    for path, text in files.items():
        if path.startswith(FOLDER):
            (folder / path.removeprefix(FOLDER)).write_text(text, encoding="utf-8")
    return folder


def promtool(*arguments: str, cwd: Path) -> None:
    need("promtool", "run tools/install-servers.sh promtool.")
    done = subprocess.run(
        ["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"promtool failed:\n{done.stdout}{done.stderr}", pytrace=False)


def rules(files: dict[str, str]) -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(files[f"{FOLDER}alerts.yml"])["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def run_times(files: dict[str, str], seconds: float) -> dict[str, str]:
    """Return Flower's histogram of a task that runs for this long, once a second."""
    (listed,) = re.findall(r"task_runtime_metric_buckets = \[(.*)\]", files["flowerconfig.py"])
    return {
        f'flower_task_runtime_seconds_bucket{{le="{bucket}",task="send",worker="one"}}': (
            "0+60x30" if seconds <= float(bucket) else "0x30"
        )
        for bucket in [*listed.split(", "), "+Inf"]
    }


def test_prometheus_accepts_its_configuration(files: dict[str, str], folder: Path) -> None:
    _, _, configuration = files["docs/operations.md"].partition("```yaml\n")
    (folder / "prometheus.yml").write_text(configuration.partition("```")[0], encoding="utf-8")
    promtool("check", "config", "prometheus.yml", cwd=folder)


def test_each_alert_fires_only_when_it_should(files: dict[str, str], folder: Path) -> None:
    alerts = {rule["alert"]: rule for rule in rules(files)}
    slow = ("CeleryNearTimeLimit", run_times(files, 290))
    healthy = HEALTHY | run_times(files, 20)
    cases = [(name, healthy | changes) for name, changes in [*UNHEALTHY, slow]]
    assert {name for name, _ in cases} == set(alerts)
    tests = [
        {
            "interval": "1m",
            "input_series": [
                {"series": name, "values": values} for name, values in series.items() if values
            ],
            "alert_rule_test": [
                {
                    "eval_time": MINUTES,
                    "alertname": name,
                    "exp_alerts": [
                        {
                            "exp_labels": {"task": "send"} if "task)" in rule["expr"] else {},
                            "exp_annotations": rule["annotations"],
                        }
                    ]
                    if name == alert
                    else [],
                }
                for name, rule in alerts.items()
                # Other alerts may fire for the same fault, too.
                if alert in (name, "none")
            ],
        }
        for alert, series in [("none", healthy), *cases]
    ]
    (folder / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    promtool("test", "rules", "test.yml", cwd=folder)


def test_prometheus_accepts_the_queries_of_the_dashboard(folder: Path) -> None:
    dashboard = json.loads((folder / "dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) >= 8
    records = [{"record": f"panel_{n}", "expr": query} for n, query in enumerate(queries)]
    (folder / "panels.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]})
    )
    promtool("check", "rules", "panels.yml", cwd=folder)


def test_the_guide_lists_each_alert(files: dict[str, str]) -> None:
    guide = files["docs/operations.md"]
    for rule in rules(files):
        assert f"\n- {rule['annotations']['summary']}.\n" in guide


def test_without_beat_there_is_no_alert_for_it() -> None:
    names = [rule["alert"] for rule in rules(render({"flower": True, "scheduler": "none"}))]
    assert names
    assert "CeleryBeatSilent" not in names


@pytest.mark.parametrize("broker", choices()["broker"])
def test_without_flower_there_are_alerts_too(broker: str) -> None:
    files = render({"broker": broker, "database": "postgresql", "flower": False})
    _, _, listed = files["docs/operations.md"].partition("Alerts worth having:\n")
    listed, _, _ = listed.partition("\n## ")
    assert "manage.py doctor" in listed
    assert "/health/tasks/" in listed
    own = str(facts({"broker": broker}).broker.alerts()).strip()
    assert f"\n{own}\n" in listed

"""Benchmarks measure the requested projects, and plots show their results."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

import pytest
import redis

from benchmarks import growth, profile
from benchmarks.candidates import Candidate, Report, number, running
from benchmarks.compare import main, pairs
from benchmarks.page import write
from benchmarks.plot import Curve, curves, plot
from benchmarks.targets import Target
from tests.helpers.make import make
from tests.helpers.origin import cookiecutter, copy_template, git, run_make
from tools.generate import choices, facts, refusal
from tools.process import Process
from tools.services import read_env, serve
from tools.trial.processes import python

SVG = "{http://www.w3.org/2000/svg}"


def report(name: str, **rounds: list[float]) -> Report:
    machine = {"processor": "A & B", "CPUs": "2", "system": "Linux", "Python": "3.13"}
    packages = {"celery": "5.7", "kombu": "5.7", "django": "6.1"}
    return {"name": name, "machine": machine | packages, "rounds": rounds}


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("broker=redis", "'broker=redis' is not an option: write one of brokers="),
        ("brokers=kafka", 'broker cannot be "kafka": choose one of redis, rabbitmq, sqs, '),
        ("results=rediss", 'result_backend cannot be "rediss": did you mean redis?'),
        ("rounds=0", "rounds cannot be '0': give a number, 1 or more."),
        ("tasks=few", "tasks cannot be 'few': give a number, 100 or more."),
    ],
)
def test_an_invalid_option_is_refused_in_one_line(
    argument: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument]) == 1
    told = capsys.readouterr()
    assert told.err.startswith(line)
    assert (told.err.count("\n"), told.out) == (1, "")


def test_a_pair_that_cannot_work_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["brokers=sqs", "results=rpc"]) == 1
    assert "rpc" in capsys.readouterr().err


def test_each_pair_is_measured_once() -> None:
    names = [candidate.name for candidate in pairs(["redis", "rabbitmq"], ["redis", "django-db"])]
    assert names == ["redis-redis", "redis-django-db", "rabbitmq-redis", "rabbitmq-django-db"]


def test_a_target_is_a_ratio_of_medians() -> None:
    reports = {
        "redis": report("redis", throughput=[100, 900, 300]),
        "baseline": report("baseline", throughput=[150]),
    }
    assert number(reports["redis"], "throughput") == 300
    assert Target("throughput", "throughput", 2).ratio(reports) == 2
    assert Target("memory", "memory", 1).ratio(reports) is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_bars_of_a_plot_are_proportional_to_the_figures(theme: str, tmp_path: Path) -> None:
    reports = [report("slow", throughput=[100.0]), report("fast", throughput=[400.0])]
    plot(reports, theme, tmp_path / "plot.svg")
    drawing = ElementTree.parse(tmp_path / "plot.svg").getroot()
    slow, fast = (float(bar.attrib["width"]) for bar in drawing.iter(f"{SVG}rect"))
    assert fast == 4 * slow
    words = [text.text for text in drawing.iter(f"{SVG}text")]
    assert {"slow", "fast", "100", "400"} < set(words)
    assert "A & B, 2 CPUs, Linux; Python 3.13, celery 5.7, kombu 5.7, django 6.1" in words


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_curve_goes_through_the_measured_points(theme: str, tmp_path: Path) -> None:
    points: dict[str, list[float | None]] = {"redis": [100, 200, 50], "pgmq": [20, 10, None]}
    curves([Curve("queues", [1, 2, 4], points)], theme, "A & B, 2 CPUs", tmp_path / "plot.svg")
    drawing = ElementTree.parse(tmp_path / "plot.svg").getroot()
    redis, pgmq = (line.attrib["points"].split() for line in drawing.iter(f"{SVG}polyline"))
    # In SVG, y grows downwards.
    heights = [float(place.partition(",")[2]) for place in redis]
    assert heights[1] < heights[0] < heights[2]
    assert (len(redis), len(pgmq)) == (3, 2)
    words = [text.text for text in drawing.iter(f"{SVG}text")]
    assert {"queues", "redis", "pgmq", "200", "Tasks per second. A & B, 2 CPUs"} < set(words)


def test_a_table_replaces_the_older_one_of_its_command(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- make x -->\nold\n<!-- end of make x -->\nAfter.\n")
    for count in ("1", "2"):
        write("make x", [["", "redis"], ["tasks", count]], "a machine", page)
    table = "|  | redis |\n| --- | --: |\n| tasks | 2 |\n"
    told = "Measured on DATE: a machine."
    assert re.sub(r"\d{4}-\d\d-\d\d", "DATE", page.read_text()) == (
        f"Before.\n<!-- make x -->\n{table}\n{told}\n<!-- end of make x -->\nAfter.\n"
    )
    with pytest.raises(RuntimeError, match="no place for the table of make y"):
        write("make y", [["", "redis"]], "a machine", page)


def test_a_sample_counts_for_the_innermost_package() -> None:
    packages = "/measured/.venv/lib/python3.13/site-packages"
    task = f"Task.delay ({packages}/celery/app/task.py:444)"
    stacks = [
        (task, 2),
        (f"{task};publish ({packages}/kombu/messaging.py:9);dumps (json/__init__.py:1)", 5),
        (f"{task};publish ({packages}/kombu/messaging.py:9);_put (/measured/task_queue/x.py:1)", 3),
        # It sends nothing.
        (f"setup ({packages}/django/__init__.py:9)", 7),
    ]
    text = "".join(f'process 1:"python manage.py";{stack} {count}\n' for stack, count in stacks)
    assert profile.count(text, Path("/measured")) == {
        "sender": {"celery": 2, "kombu": 5, "the project": 3},
        "main process": {},
        "pool": {},
    }


def test_only_brokers_that_can_be_filled_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert growth.main(["brokers=sqs"]) == 1
    line = f"broker cannot be 'sqs': choose some of {', '.join(growth.FILL)}.\n"
    assert capsys.readouterr().err == line


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    """Return a running project on Redis for benchmarks."""
    [candidate] = pairs(["redis"], ["redis"])
    with ExitStack() as stack:
        with patch.dict(os.environ):
            stack.enter_context(running([candidate], tmp_path_factory.mktemp("measured")))
        yield candidate


@pytest.mark.exhaustive
@pytest.mark.parametrize("interrupted", [False, True], ids=["whole", "interrupted"])
def test_a_benchmark_leaves_nothing_behind(
    candidate: Candidate,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    *,
    interrupted: bool,
) -> None:
    logs = tmp_path_factory.mktemp("logs")
    tasks = "100000" if interrupted else "100"
    options = ["--only", "results", "database", "--rounds", "1", "--tasks", tasks]
    with (
        redis.Redis.from_url(candidate.env["CELERY_BROKER_URL"]) as broker,
        redis.Redis.from_url(candidate.env["CELERY_RESULT_BACKEND"]) as results,
        Process(
            candidate.project,
            [python(candidate.project), "manage.py", "benchmark", *options],
            log=logs / "log",
            errors=logs / "errors",
            env=candidate.env | {"TMPDIR": str(tmp_path)},
        ) as run,
    ):
        if interrupted:
            run.wait_until(lambda: list(broker.scan_iter("benchmark_*")), "it measures")
            run.interrupt()
        assert run.finish() == (130 if interrupted else 0)
        errors = run.errors.read_text()
        assert errors == ("CommandError: Interrupted: its queues are deleted.\n" * interrupted)
        assert list(broker.scan_iter("benchmark_*")) == []
        assert list(results.scan_iter("benchmark_*")) == []
        assert list(tmp_path.iterdir()) == []


def one_pair_for_each_broker() -> Iterator[tuple[str, str]]:
    """Yield each broker with another result backend, the last one first: it stores no results."""
    offered = choices()
    backends = [str(backend) for backend in reversed(offered["result_backend"])]
    for row, broker in enumerate(offered["broker"]):
        for backend in backends[row:] + backends[:row]:
            if not refusal({"broker": broker, "result_backend": backend}):
                yield str(broker), backend
                break


@pytest.mark.exhaustive
@pytest.mark.parametrize(("broker", "result_backend"), list(one_pair_for_each_broker()))
def test_make_benchmark_measures_a_project(
    broker: str, result_backend: str, tmp_path: Path
) -> None:
    answers = {"broker": broker, "result_backend": result_backend}
    result = facts(answers).result
    measures = {
        "database",
        *(["results", "round_trip"] if result.results_enabled else []),
        *(["chords"] if result.chords else []),
    }
    origin = copy_template(tmp_path / "template")
    project = cookiecutter(origin, tmp_path, **answers, flower="false", demo="false")
    with serve(project, answers, tmp_path):
        make(project, "install")
        before = git(project, "status", "--porcelain")
        unknown = run_make(project, "benchmark", "only=everything")
        offered = set(re.findall(r"\w+", unknown.stderr.partition("choose from")[2]))
        assert offered >= {"throughput", "batch", "idle", "delay", "recovery", *measures}
        assert ("chords" in offered) == ("chords" in measures)
        only = " ".join([*measures, "recovery"])
        words = [f"only={only}", "rounds=1", "tasks=100", "save=now.json"]
        measured = run_make(project, "benchmark", *words, TASK_LEASE="4")
        assert measured.returncode == 0, measured.stdout + measured.stderr
        [kept] = json.loads((project / "now.json").read_text())
        if facts(answers).broker.leases:
            # The lease of the dead worker expires first.
            assert kept["rounds"]["recovery"][0] > 1
        assert kept["rounds"]["throughput, database"][0] > 0
        assert ("chord" in kept["rounds"]) == ("chords" in measures)
        compared = run_make(project, "benchmark", "compare=now.json now.json")
        assert compared.stdout.count("1.00x") == len(kept["rounds"])
        (project / "now.json").unlink()
        assert git(project, "status", "--porcelain") == before


@pytest.mark.exhaustive
def test_make_benchmark_leaves_nothing_in_a_project_and_on_its_servers(tmp_path: Path) -> None:
    answers = {"broker": "redis", "result_backend": "redis"}
    origin = copy_template(tmp_path / "template")
    project = cookiecutter(origin, tmp_path, **answers, flower="false", demo="false")
    with serve(project, answers, tmp_path):
        make(project, "install")
        measured = run_make(project, "benchmark", "only=database results", "rounds=1", "tasks=100")
        assert measured.returncode == 0, measured.stdout + measured.stderr
        with redis.Redis.from_url(read_env(project)["CELERY_BROKER_URL"]) as client:
            assert list(client.scan_iter("benchmark_*")) == []
            interrupt(project, client)
            assert list(client.scan_iter("benchmark_*")) == []
        with closing(sqlite3.connect(project / "db.sqlite3")) as database:
            [tables] = zip(*database.execute("SELECT name FROM sqlite_master"), strict=True)
        assert "accounts_user" in tables
        assert not [table for table in tables if "benchmark" in table]
    missing = run_make(project, "benchmark", "compare=missing.json")
    assert missing.stderr.startswith("CommandError: missing.json cannot be read: No such file")
    (project / "other.json").write_text('{"name": "other"}')
    other = run_make(project, "benchmark", "compare=other.json")
    assert other.stderr.startswith("CommandError: other.json is not a report: name a file")
    stopped = run_make(project, "benchmark")
    assert stopped.stderr.startswith("CommandError: Cannot connect to the broker: ")
    assert stopped.stderr.count("\n") == 2


def interrupt(project: Path, client: redis.Redis) -> None:
    """Interrupt `make benchmark` while it measures, and check that it cleans up."""
    command = ["make", "benchmark", "only=database", "tasks=100000"]
    errors = project.with_name("errors")
    with Process(project, command, log=project.with_name("log"), errors=errors) as run:
        run.wait_until(lambda: list(client.scan_iter("benchmark_*")), "it measures")
        run.interrupt()
        run.finish()
    assert errors.read_text().startswith("CommandError: Interrupted: its queues are deleted.\n")


@pytest.mark.exhaustive
@pytest.mark.parametrize("broker", growth.FILL)
def test_growth_is_measured_on_every_axis(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values are small: just enough to measure each axis and fill the queue."""
    axes = [replace(axis, values=[2 * axis.values[0]]) for axis in growth.AXES]
    monkeypatch.setattr(growth, "AXES", axes)
    with patch.dict(os.environ):
        assert growth.main([f"brokers={broker}", "tasks=100", f"into={tmp_path}"]) == 0
    kept = json.loads((tmp_path / "growth.json").read_text())["tasks a second"]
    assert [kept[axis.title][broker][0] > 0 for axis in axes] == [True] * 6
    assert (tmp_path / "growth-dark.svg").exists()


@pytest.mark.exhaustive
def test_brokers_are_measured_side_by_side(tmp_path: Path) -> None:
    words = ["brokers=redis rabbitmq", "rounds=1", "tasks=100", f"into={tmp_path}"]
    command = [sys.executable, "-m", "benchmarks.compare", *words]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = {line[:20].strip(): line for line in run.stdout.splitlines()}
    for figure in ("throughput", "enqueue", "delay, p50", "chord", "memory", "recovery"):
        assert lines[figure].count("x") == 1
    assert {file.name for file in tmp_path.iterdir()} == {
        "comparison.json",
        "comparison-light.svg",
        "comparison-dark.svg",
    }

"""Measure the template itself: `make speed`.

Each process compiles the files of the template once, so rendering is measured cold and warm.
"""

import json
import subprocess
import sys
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from tools.generate import QUESTIONS, ROOT, environment, generate, refusal, render


def test_rendering_a_project(benchmark: BenchmarkFixture) -> None:
    benchmark(render, {})


def test_compiling_and_rendering_a_project(benchmark: BenchmarkFixture) -> None:
    def forget() -> None:
        environment.cache_clear()

    benchmark.pedantic(render, args=({},), setup=forget, rounds=5)


def test_refusing_answers(benchmark: BenchmarkFixture) -> None:
    assert benchmark(refusal, {"broker": "sqs", "result_backend": "rpc"})


def test_making_a_project_with_its_hooks(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folders = (tmp_path / str(number) for number in range(100))
    benchmark.pedantic(lambda: generate({}, next(folders)), rounds=5)


def test_asking_the_first_question(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"cookiecutters_dir: {tmp_path}/templates\nreplay_dir: {tmp_path}/replays\n")
    command = [sys.executable, "-m", "cookiecutter", "--config-file", str(config), str(ROOT)]

    def ask() -> str:
        # Without input, it ends at the first question.
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return run.stdout

    question = json.loads(QUESTIONS.read_text(encoding="utf-8"))["__prompts__"]["project_name"]
    assert question in benchmark.pedantic(ask, rounds=5)

"""`make try` runs tasks, and leaves nothing behind however it ends."""

import re
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.disks import run_with_disk
from tools.generate import ROOT
from tools.process import Process
from tools.progress import wait_until
from tools.servers import MissingServer, rabbitmq
from tools.servers.server import HOST, free_port
from tools.services import chosen
from tools.try_project import TASKS, try_project

MARK = "TRIAL"
# The default project's broker.
URL = chosen({})["broker"].url
SCHEME = urlsplit(URL).scheme
TRIES = 3
# Several tests share one trial.
pytestmark = pytest.mark.xdist_group("try")


class Trial(Process):
    """A run of `make try` with marked processes and one folder for all files."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.files = folder / "files"
        self.files.mkdir()
        self.mark = secrets.token_hex()
        super().__init__(
            ROOT,
            [sys.executable, "-m", "tools.try_project", *arguments],
            log=folder / "out.log",
            errors=folder / "errors.log",
            env={**env, "TMPDIR": str(self.files), MARK: self.mark},
        )
        self.start()

    @property
    def out(self) -> str:
        return self.said()

    @property
    def err(self) -> str:
        return self.errors.read_text()

    def rows(self) -> dict[str, list[str]]:
        """Return the rows of the table by their task."""
        cells = [re.split(r"\s*│\s*", line)[1:-1] for line in self.out.splitlines() if "│" in line]
        return {task: row for task, *row in cells}

    def leftovers(self) -> list[str]:
        """Return the commands that still run, and the files that still exist."""
        mark = f"{MARK}={self.mark}".encode()
        commands = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                marked = mark in (process / "environ").read_bytes().split(b"\0")
                # Redis writes its title over its environment.
                if marked or str(self.files) in str((process / "cwd").readlink()):
                    commands.append((process / "cmdline").read_text())
        return commands + [str(path) for path in self.files.iterdir()]

    def wait_for_step(self, step: str) -> None:
        self.wait_until(lambda: f"\n{step}" in self.out, step)

    def wait_until_nothing_is_left(self) -> None:
        wait_until(lambda: not self.leftovers(), "nothing is left behind", self.leftovers)


@pytest.fixture(scope="module")
def nobody() -> Iterator[socket.socket]:
    """Listen on a free port to which nothing should connect."""
    with socket.create_server((HOST, free_port())) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def trial(nobody: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Run `make try` with the default answers and an environment that names other servers."""
    elsewhere = f"{SCHEME}://{HOST}:{nobody.getsockname()[1]}/0"
    trial = Trial(
        tmp_path_factory.mktemp("trial"),
        BROKER_URL=elsewhere,
        CELERY_BROKER_URL=elsewhere,
        CELERY_RESULT_BACKEND=elsewhere,
        DATABASE_URL="sqlite:////nowhere/db.sqlite3",
        LOG_LEVEL="ERROR",
        MAKEFLAGS="--dry-run",
    )
    assert trial.finish() == 0, trial.err
    return trial


def test_each_task_is_shown_with_its_outcome_and_duration(trial: Trial) -> None:
    rows = trial.rows()
    assert list(rows) == list(TASKS)
    assert rows["result"][0] == "add(2, 3) returned 5"
    assert rows["retry"][0].startswith("failed after ")
    assert rows["chord"][0].endswith("[0, 2, 4, 6, 8]")
    assert re.match(r"asked to wait 1 s, ran after [1-9]", rows["countdown"][0])
    assert re.match(r"every 0\.5 s: again after \d", rows["periodic"][0])
    assert all(re.fullmatch(r"\d+\.\d\d", seconds) for _, seconds in rows.values())


def test_each_step_and_the_next_commands_are_shown(trial: Trial) -> None:
    steps = ["Make a project", "Install", "Start Valkey", "Start Worker", "Start Beat", "Stop"]
    places = [trial.out.index(text) for text in [*steps, "What now?", "make new"]]
    assert places == sorted(places)
    assert not trial.err


def test_the_text_is_plain_without_a_terminal(trial: Trial) -> None:
    assert "\x1b" not in trial.out


def test_nothing_is_left_behind(trial: Trial) -> None:
    trial.wait_until_nothing_is_left()


@pytest.mark.usefixtures("trial")
def test_a_server_named_in_the_environment_is_not_used(nobody: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        nobody.accept()


@pytest.mark.exhaustive
def test_a_project_without_results_and_beat_says_so_and_is_kept_when_asked(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "result_backend=none", "scheduler=none", "keep=true")
    assert trial.finish() == 0, trial.err
    rows = trial.rows()
    assert rows["result"] == rows["chord"] == ["not supported by this result backend", "-"]
    assert rows["periodic"] == ["needs beat", "-"]
    assert rows["retry"][0].startswith("failed after ")
    [folder] = trial.leftovers()
    env = Path(folder) / "my_project" / ".env"
    assert f"CELERY_BROKER_URL={URL}\n" in env.read_text()
    # It did not connect to the default port.
    log = (env.parent / "worker.log").read_text()
    connected = re.findall(rf"Connected to ({SCHEME}://\S+)", log)
    assert connected
    assert not [address for address in connected if f":{urlsplit(URL).port}" in address]


@pytest.mark.exhaustive
def test_other_answers_run_on_their_own_server(tmp_path: Path) -> None:
    rabbitmq.RabbitMQ(tmp_path / "rabbitmq")
    # Names that could clash with the server or the markup.
    name = ("project_slug=rabbitmq", "project_name={{ RabbitMQ } [bold]")
    trial = Trial(tmp_path, "broker=rabbitmq", "result_backend=rpc", *name)
    assert trial.finish() == 0, trial.err
    assert "Start RabbitMQ" in trial.out
    assert trial.rows()["result"][0] == "add(2, 3) returned 5"
    assert trial.rows()["chord"] == ["not supported by this result backend", "-"]
    trial.wait_until_nothing_is_left()


@pytest.mark.parametrize(
    ("when", "how"),
    [
        ("Install its packages", signal.SIGINT),
        pytest.param("Install its packages", signal.SIGTERM, marks=pytest.mark.exhaustive),
        pytest.param("Start Worker", signal.SIGINT, marks=pytest.mark.exhaustive),
        pytest.param("Start Worker", signal.SIGTERM, marks=pytest.mark.exhaustive),
        pytest.param("Start Beat", signal.SIGINT, marks=pytest.mark.exhaustive),
        pytest.param("Start Beat", signal.SIGTERM, marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupted_trial_leaves_nothing_behind(
    tmp_path: Path, when: str, how: signal.Signals
) -> None:
    for number in range(TRIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        trial = Trial(folder)
        trial.wait_for_step(when)
        trial.send_signal(how)
        # A trial that succeeds has ended before the signal.
        if trial.finish():
            break
    assert trial.exit_code == 130
    assert trial.err == "Interrupted: everything that was started is stopped.\n"
    trial.wait_until_nothing_is_left()


@pytest.mark.parametrize(
    "argument",
    ["brocker=x", "broker=rabbit", "rabbitmq", "a\nb", "description=\udcff", "keep=yes"],
)
def test_wrong_answers_are_refused_in_one_line(tmp_path: Path, argument: str) -> None:
    trial = Trial(tmp_path, argument)
    assert trial.finish() == 1
    assert trial.out == ""
    assert trial.err.count("\n") == 1
    trial.wait_until_nothing_is_left()


def test_a_full_disk_ends_the_trial_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = ["env", f"TMPDIR={tmp_path}", sys.executable, "-m", "tools.try_project"]
    run = run_with_disk("size=200k", tmp_path, command)
    assert run.stderr.startswith("The trial failed: [Errno 28] No space left on device")
    assert run.stderr.count("\n") == 1
    assert run.stdout.endswith("Stop everything that was started\n\n")


def test_a_failed_step_is_shown_with_the_end_of_its_log(tmp_path: Path) -> None:
    trial = Trial(tmp_path, UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path / "empty"))
    assert trial.finish() == 1
    assert trial.err.startswith("make install failed:\n")
    assert "Traceback" not in trial.err
    trial.wait_until_nothing_is_left()


def test_a_kept_project_starts_its_servers_and_makes_its_tables_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.try_project.run", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try_project({"broker": "rabbitmq"}, keep=True)
    assert "  make services migrate dev\n" in capsys.readouterr().out
    try_project({}, keep=True)
    assert "  make dev\n" in capsys.readouterr().out


def test_a_missing_server_is_named_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq, "PROGRAMS", ())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(MissingServer, match="apt-get install rabbitmq-server"):
        try_project({"broker": "rabbitmq"})
    assert list(tmp_path.iterdir()) == []

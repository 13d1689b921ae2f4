"""First steps from the generated README: write a task, change a task, see it run."""

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from textwrap import dedent

import pytest

from tests.helpers.make import make
from tools.generate import generate
from tools.process import Process
from tools.services import serve
from tools.trial.processes import Worker, python

# The tests share one project.
pytestmark = pytest.mark.xdist_group("startapp")

SEND = """
from reports.tasks import deactivate

deactivate.delay(7)
"""
UPLOAD = """
from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image

from gallery.models import Album
from gallery.workflows import enqueue_thumbnail

file = BytesIO()
Image.new("RGB", (800, 600)).save(file, "JPEG")
album = Album.objects.create(title="new")
photograph = album.photographs.create(name="new.jpg", file=ContentFile(file.getvalue(), "new.jpg"))
enqueue_thumbnail(photograph)
print(photograph.pk)
"""
MEASURE = """
from PIL import Image

from gallery.models import Photograph

print(*Image.open(Photograph.objects.get(pk="{}").thumbnail).size)
"""
WITHOUT_THUMBNAIL = "SELECT 1 FROM gallery_photograph WHERE thumbnail = ''"
SLOW = """

@shared_task
def take_long(path: str) -> None:
    from pathlib import Path
    from time import sleep

    Path(path).write_text("started")
    while not Path(f"{path} end").exists():
        sleep(0.1)
    Path(path).write_text("done")
"""


class Development(Process):
    """A process as `make dev` starts it."""

    def __init__(self, project: Path, name: str = "worker", ready: str = "ready.") -> None:
        super().__init__(project, log=project / f"development-{name}.log", ready=ready)
        self.process = name

    def command(self) -> list[str]:
        procfile = (self.folder / "Procfile.dev").read_text(encoding="utf-8")
        [line] = re.findall(rf"^{self.process}: (.+)$", procfile, re.MULTILINE)
        return ["sh", "-c", f'PATH="$PWD/.venv/bin:$PATH"; export PATH; {line}']

    @property
    def starts(self) -> int:
        return self.log.read_text(errors="replace").count(self.ready)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("startapp")
    project = generate({}, folder)
    with serve(project, {}, folder):
        make(project, "install")
        yield project


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python(project), *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def shell(project: Path, code: str) -> str:
    """Run code in the project's shell, and return the last line of its output."""
    done = run(project, "manage.py", "shell", "--command", code)
    assert done.returncode == 0, done.stderr
    return (done.stdout.splitlines() or [""])[-1]


def thumbnail_size(project: Path, worker: Process) -> str:
    """Upload a photograph, and return the width and height of its thumbnail."""
    photograph = shell(project, UPLOAD)

    def made() -> bool:
        with closing(sqlite3.connect(project / "db.sqlite3")) as database:
            return not database.execute(WITHOUT_THUMBNAIL).fetchall()

    worker.wait_until(made, "there is a thumbnail")
    return shell(project, MEASURE.format(photograph))


def chapter(page: Path, title: str) -> str:
    text = page.read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_task_in_the_readme_runs(project: Path) -> None:
    text = chapter(project / "README.md", "Your first task")
    [command] = re.findall(r"`uv run (manage\.py startapp .+?)`", text)
    task, test = re.findall(r"```python\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    assert run(project, *command.split()).returncode == 0
    settings = project / "config" / "settings" / "base.py"
    mark = r"(?m)^( +)# Yours.*\n"
    settings.write_text(re.sub(mark, r'\g<0>\1"reports",\n', settings.read_text()))
    (project / "reports" / "tasks.py").write_text(dedent(task))
    (project / "reports" / "tests.py").write_text(dedent(test))
    make(project, "format", "lint", "types")
    make(project, "test", PYTEST_ADDOPTS="reports")
    with Worker(project) as worker:
        shell(project, SEND)
        succeeded = re.compile("task_succeeded .*task=reports.tasks.deactivate ")
        worker.wait_until(lambda: succeeded.search(worker.said()), "the task has succeeded")
    assert run(project, "manage.py", "check").returncode == 0


@pytest.mark.exhaustive
def test_a_changed_task_takes_effect(project: Path) -> None:
    text = " ".join(chapter(project / "docs" / "tasks.md", "The demo").split())
    [(task, file, name, value)] = re.findall(
        r"`(\w+)`, in `(\S+)`\. Change `(\w+)` above it to `(.+?)`", text
    )
    path = project / file
    code = path.read_text(encoding="utf-8")
    with Development(project) as worker:
        assert thumbnail_size(project, worker) == "400 300"
        assert f"gallery.tasks.{task}" in worker.log.read_text()
        starts = worker.starts
        changed, count = re.subn(rf"^{name} = .+$", f"{name} = {value}", code, flags=re.MULTILINE)
        assert count == 1
        assert changed.index(name) < changed.index(f"def {task}(")
        path.write_text(changed, encoding="utf-8")
        worker.wait_until(lambda: worker.starts > starts, "it starts again")
        assert thumbnail_size(project, worker) == "40 30"


@pytest.mark.exhaustive
def test_a_running_task_is_not_killed_when_the_code_changes(project: Path, tmp_path: Path) -> None:
    path = project / "gallery" / "tasks.py"
    code = path.read_text(encoding="utf-8")
    path.write_text(code + SLOW, encoding="utf-8")
    noted = tmp_path / "noted"
    with Development(project) as worker:
        shell(project, f"from gallery.tasks import take_long; take_long.delay({str(noted)!r})")
        worker.wait_until(noted.exists, "the task has begun")
        starts = worker.starts
        path.write_text(code, encoding="utf-8")
        worker.wait_until(lambda: "soft shutdown" in worker.log.read_text().lower(), "it stops")
        Path(f"{noted} end").touch()
        worker.wait_until(lambda: worker.starts > starts, "it starts again")
    assert noted.read_text() == "done"


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "ready"), [("worker", "ready."), ("beat", "beat: Starting")])
def test_a_killed_process_restarts_without_a_change(name: str, ready: str, project: Path) -> None:
    with Development(project, name, ready) as process:
        starts = process.starts
        # A parent is listed before its children. Its pool dies with it.
        os.kill(next(filter(runs_celery, process.below())), signal.SIGKILL)
        process.wait_until(lambda: process.starts > starts, "it starts again")


def runs_celery(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return b"/celery\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_startapp_with_an_invalid_name_changes_nothing(project: Path) -> None:
    settings = project / "config" / "settings" / "base.py"
    before = settings.read_text()
    assert run(project, "manage.py", "startapp", "two-words").returncode == 1
    assert settings.read_text() == before

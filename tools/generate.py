"""Make projects from answers, without questions."""

import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import chdir
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from jinja2 import Environment, FileSystemLoader, Template

from tools import project

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
QUESTIONS = ROOT / "cookiecutter.json"
PRE_HOOK = ROOT / "hooks" / "pre_gen_project.py"
MANIFEST = "manifest.json"
ERROR = "ERROR: "

Answer = str | bool
Answers = Mapping[str, Answer]


class Refused(Exception):  # noqa: N818 - the answers are wrong, not the program
    """Raised for invalid answers. The message is one line, with the reason and a valid answer."""


def choices() -> dict[str, Sequence[Answer]]:
    """Return the choices of each question, the default first. Free text has no choices."""
    return {key: project.choices(default) for key, default in _questions().items()}


def parse(arguments: Iterable[str]) -> dict[str, Answer]:
    """Parse words such as `broker=rabbitmq`, and return the answers.

    Raises `Refused` for a word that is not KEY=VALUE, a key that is misspelt or given twice, or a
    value that is not offered.
    """
    answers: dict[str, Answer] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise Refused(
                f"{argument!r:.200} is not an answer: write KEY=VALUE, such as broker=rabbitmq."
            )
        if key in answers:
            raise Refused(f"{key!r:.200} is given twice: give it once.")
        answers[key] = project.coerce(value, _questions().get(key))
    _check(answers)
    return answers


def generate(answers: Answers, folder: Path, report: Callable[[str], None] | None = None) -> Path:
    """Make a project in a new folder inside `folder`, named by its slug, and return that folder.

    Questions without an answer take their default. The user's cookiecutter settings are ignored.
    `report` gets the output of the hooks.
    Raises `Refused` for invalid answers, and `OSError` if the project cannot be written. Then
    nothing is left behind.
    """
    _check(answers)
    if reason := refusal(answers):
        raise Refused(reason)
    folder.mkdir(parents=True, exist_ok=True)
    # On the same disk, so that renaming is atomic.
    with tempfile.TemporaryDirectory(dir=folder) as name:
        made, said = _cookiecutter(answers, Path(name))
        target = folder / made.name
        if target.exists():
            raise Refused(f"{target} already exists: remove it, or choose another project_slug.")
        made.rename(target)
    if report:
        report(said)
    return target


def refusal(answers: Answers) -> str | None:
    """Return the reason why the hooks refuse the answers, or None.

    This is a thousand times faster than `generate`.
    """
    try:
        # Cookiecutter also renders a hook in the template's folder.
        with chdir(ROOT):
            hook = _pre_hook().render(context(answers))
        exec(hook, {"__name__": "hook"})
    except SystemExit as refused:
        return str(refused).removeprefix(ERROR)
    return facts(answers).refused or None


def facts(answers: Answers) -> Any:
    """Return the values of `templates/project.jinja` for these answers.

    Questions without an answer take their default.
    """
    return environment().get_template("project.jinja").make_module(context(answers))


def render(answers: Answers) -> dict[str, str]:
    """Return the text of each file that `generate` would write, except .env, by its path.

    Compiles each file of the template once per process, and does not run the hooks.
    """
    values = context(answers)
    raw = values["cookiecutter"]["_copy_without_render"]
    texts = {
        path: text if any(fnmatch.fnmatch(path, glob) for glob in raw) else _render(path, values)
        for path, text in _template().items()
    }
    return kept(texts, texts.pop(MANIFEST))


def kept(texts: dict[str, str], manifest: str) -> dict[str, str]:
    """Return the texts, by path, without those that a rendered manifest drops."""
    features = json.loads(manifest)["features"]
    dropped = {path for feature in features if not feature["when"] for path in feature["paths"]}
    return {
        path: text
        for path, text in texts.items()
        if dropped.isdisjoint(map(str, [path, *Path(path).parents]))
    }


@cache
def environment() -> Environment:
    """Return cookiecutter's Jinja environment for the template. It caches compiled files."""
    environment = create_env_with_context(generate_context(str(QUESTIONS)))
    environment.loader = FileSystemLoader([TEMPLATE, ROOT / "templates"])
    return environment


def context(answers: Answers) -> dict[str, Any]:
    """Return the variables that cookiecutter passes to each file."""
    offered = choices()
    texts = tuple((key, value) for key, value in answers.items() if not offered[key])
    values = deepcopy(_answered(texts))
    values["cookiecutter"].update({key: answers[key] for key in answers if offered[key]})
    return values


@cache
def _questions() -> dict[str, Any]:
    """Return the default or the choices of each question."""
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    return {key: value for key, value in questions.items() if not key.startswith("_")}


def _check(answers: Answers) -> None:
    """Raise `Refused` for a key or a value that the template does not offer.

    Cookiecutter silently ignores a misspelt key.
    """
    try:
        project.check(answers, _questions())
    except project.Abort as reason:
        raise Refused(str(reason)) from None


def escape(answers: Answers) -> dict[str, str]:
    """Escape the answers for cookiecutter, which renders free text as Jinja."""
    texts = [key for key, allowed in choices().items() if not allowed]
    return {
        key: f"{{{{ {json.dumps(value, ensure_ascii=False)} }}}}"
        if key in texts
        else project.to_cli(value)
        for key, value in answers.items()
    }


def _cookiecutter(answers: Answers, folder: Path) -> tuple[Path, str]:
    """Run the command `cookiecutter`. Return the project, and the output of the hooks."""
    config = folder / "config.yaml"
    output = folder / "output"
    own = {"cookiecutters_dir": str(folder / "templates"), "replay_dir": str(folder / "replays")}
    config.write_text(yaml.safe_dump(own), encoding="utf-8")
    options = ["--no-input", "--config-file", str(config), "--output-dir", str(output)]
    words = [f"{key}={value}" for key, value in escape(answers).items()]
    run = subprocess.run(
        [sys.executable, "-m", "cookiecutter", *options, str(ROOT), *words],
        capture_output=True,
        check=False,
        encoding="utf-8",
        # Cookiecutter leaves rendered hooks behind there.
        env={**os.environ, "TMPDIR": str(folder)},
    )
    if run.returncode == 0:
        return next(output.iterdir()), run.stdout
    for reason in re.findall(r"^[A-Za-z]+Error: (\[Errno .+)$", run.stderr, re.MULTILINE):
        raise OSError(reason)
    raise RuntimeError(f"cookiecutter failed:\n{run.stderr}")


@cache
def _pre_hook() -> Template:
    return environment().from_string(PRE_HOOK.read_text(encoding="utf-8"))


@cache
def _template() -> dict[str, str]:
    """Return the text of each file of the template by its path."""
    return {
        path.relative_to(TEMPLATE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(TEMPLATE.rglob("*"))
        if path.is_file()
    }


def _render(path: str, context: dict[str, Any]) -> str:
    return environment().get_template(path).render(context)


@cache
def _answered(texts: tuple[tuple[str, Answer], ...]) -> dict[str, Any]:
    """Return cookiecutter's variables for the default choices. Slow: it compiles each question."""
    context = generate_context(str(QUESTIONS), extra_context=escape(dict(texts)))
    questions = context["cookiecutter"]
    for key in choices():
        if isinstance(questions[key], list):
            del questions[key][1:]
    questions.update(prompt_for_config(context, no_input=True))
    return context

"""Asks the questions of the template, and makes a project.

`make new` makes it beside the template, `make new into=~/code` elsewhere. Answers such as
`broker=rabbitmq` are offered as the default of their question.
"""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from cookiecutter.config import get_user_config
from cookiecutter.exceptions import CookiecutterException
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from tools.generate import (
    QUESTIONS,
    ROOT,
    Answers,
    Refused,
    choices,
    escape,
    generate,
    parse,
    refusal,
)

INTO = "into="

console = Console(highlight=False, markup=False, soft_wrap=True)
errors = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)


def main(arguments: Sequence[str]) -> int:
    """Make a project of the answers, and return the exit code."""
    folders = [word.removeprefix(INTO) for word in arguments if word.startswith(INTO)]
    # Text that is not UTF-8 is refused with the answers, and shown as well as the terminal can.
    # Their types also fit streams that cannot be reconfigured, which these are not.
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        preset = parse(word for word in arguments if not word.startswith(INTO))
        # Before anybody is asked the rest.
        if reason := refusal(preset):
            raise Refused(reason)
        answers = ask(preset)
        folder = Path(folders[-1]).expanduser() if folders else ROOT.parent
        console.print(summary(answers))
        if not Confirm.ask("\nMake this project?", console=console, default=True):
            raise Refused("No project was made.")
        said: list[str] = []
        project = generate(answers, folder, said.append)
    except (Refused, CookiecutterException, RuntimeError) as error:
        errors.print(error)
        return 1
    except (OSError, UnicodeError) as error:
        errors.print(
            f"No project was made: {error}. Fix that, or choose another folder: into=~/code"
        )
        return 1
    except (KeyboardInterrupt, EOFError):
        errors.print("\nInterrupted: no project was made.")
        return 130
    shortest = min(os.path.relpath(project), str(project), key=len)
    # cookiecutter says how to get there from the folder that the project is in.
    ready = "".join(said).replace(f"cd {project.name}\n", f"cd {shlex.quote(shortest)}\n")
    console.print(f"\n{ready}")
    return 0


def ask(preset: Answers) -> dict[str, str | bool]:
    """Return a person's answers to all questions, which start from their cookiecutter settings."""
    context = generate_context(str(QUESTIONS), extra_context=escape({**settings(), **preset}))
    answers = prompt_for_config(context)
    return {key: value for key, value in answers.items() if not key.startswith("_")}


def summary(answers: Answers) -> Table:
    """Return the answers in the groups that their questions name."""
    prompts = json.loads(QUESTIONS.read_text(encoding="utf-8"))["__prompts__"]
    groups: dict[str, list[str]] = {}
    for key, answer in answers.items():
        prompt = prompts[key] if isinstance(prompts[key], str) else prompts[key]["__prompt__"]
        word = answer if isinstance(answer, str) else json.dumps(answer)
        groups.setdefault(prompt.partition(":")[0], []).append(f"{key}={word}")
    table = Table(box=None, show_header=False)
    for group, words in groups.items():
        table.add_row(group, Text(", ".join(words)))
    return table


def settings() -> Answers:
    """Return what a person's cookiecutter settings answer; they also serve other templates."""
    default = get_user_config()["default_context"]
    answers = default.items() if isinstance(default, dict) else ()
    offered = choices()
    return {
        key: answer
        for key, answer in answers
        if key in offered
        if isinstance(answer, str | bool) and (answer in offered[key] or not offered[key])
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Ask the questions of the template, and make a project.

`make new` makes it next to the template, `make new into=~/code` elsewhere. Answers such as
`broker=rabbitmq` become the defaults of their questions.
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
    """Make a project, and return the exit code."""
    folders = [word.removeprefix(INTO) for word in arguments if word.startswith(INTO)]
    # Accept text that is not UTF-8 here: it is refused later, with a readable message.
    # mypy allows for other streams, which have no `reconfigure`.
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        folder = Path(folders[-1]).expanduser() if folders else ROOT.parent
        if folder.exists() and not folder.is_dir():
            raise Refused(f"{folder} is not a folder: choose another one, such as into=~/code")
        preset = parse(word for word in arguments if not word.startswith(INTO))
        # Refuse bad answers before asking the other questions.
        if reason := refusal(preset):
            raise Refused(reason)
        answers = ask(preset)
        console.print()
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
    # The hook prints the path from the folder that contains the project.
    ready = "".join(said).replace(f"cd {project.name}\n", f"cd {shlex.quote(shortest)}\n")
    console.print(f"\n{ready}")
    return 0


def ask(preset: Answers) -> dict[str, str | bool]:
    """Ask all questions, with the user's cookiecutter settings as defaults. Return the answers."""
    context = generate_context(str(QUESTIONS), extra_context=escape({**settings(), **preset}))
    answers = prompt_for_config(context)
    return {key: value for key, value in answers.items() if not key.startswith("_")}


def summary(answers: Answers) -> Table:
    """Return a table of the answers, in the groups of their questions."""
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
    """Return the valid answers in the user's cookiecutter settings, which other templates share."""
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

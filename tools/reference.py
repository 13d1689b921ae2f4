"""Writes the reference in docs/: every question, and every setting of a project."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tools.generate import QUESTIONS, ROOT, Answer, choices, render

NOTE = "`make docs` writes this page from what the template asks and makes.\n"
# With which each other answer works.
BASE: Mapping[str, Answer] = {"flower": False}
# The longest value that is shown whole.
LONGEST = 500
TESTS = "config/settings/test.py"
# What neither a comment nor a project's docs/deploy.md explains.
EXPLAINED = {
    "CELERY_BROKER_TRANSPORT_OPTIONS": "how the broker is spoken to; comments in the file say why",
    "CELERY_REDIS_BACKEND_USE_SSL": "Celery alone would trust any server",
    "CELERY_RESULT_BACKEND": "where results are kept",
    "CELERY_RESULT_EXPIRES": "how long a result is kept, in seconds",
    "CELERY_TIMEZONE": "the time zone of Django, and of the schedule",
    "CELERY_WORKER_ENABLE_REMOTE_CONTROL": "whether workers listen to remote control",
    "TIME_ZONE": "the time zone of Django, and of the schedule",
    "ALIVE_FILE": "a file that a worker touches every ten seconds, so that its age tells",
    "CACHE_URL": "Django's cache, as django-environ writes it",
    "LOG_LEVEL": "the least that is logged: `DEBUG`, `INFO`, `WARNING`, `ERROR`",
    "OTEL_TRACES_SAMPLER": "which traces are kept, as OpenTelemetry names it",
    "OTEL_TRACES_SAMPLER_ARG": "how many of them, such as `0.1` for one in ten",
    "POSTGRES_PASSWORD": "the password of the database in a container",
    "RABBITMQ_PASSWORD": "the password of the broker in a container",
    "REDIS_PASSWORD": "the password of Redis in a container",
    "PGMQ_OPTIONS": "what libpq is told of the way to the queues, as after the `?` of an address",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": "whether they insist on it for subdomains, too",
    "SECURE_HSTS_PRELOAD": "whether they may have it in a list of their own",
    "AWS_REGION": "where the queues are",
    "SQS_WAIT_TIME": "how long a request waits for a task, in seconds",
}


# Django's settings in the order in which a project reads them.
DJANGO = ("config/settings/base.py", "config/settings/production.py")
# Lists that are longer are read in their file.
LONGEST_OF_DJANGO = 80


@dataclass
class Setting:
    """One value of a setting: what it is for, and the answers to each question that bring it."""

    reason: str
    value: str
    answers: dict[str, list[str]] = field(default_factory=dict)


# By name and value.
Found = dict[tuple[str, str], Setting]


def main() -> None:
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page of the reference by its name."""
    return {"questions.md": questions(), "settings.md": settings()}


def questions() -> str:
    prompts = json.loads(QUESTIONS.read_text(encoding="utf-8"))["__prompts__"]
    parts = ["# Every question\n", NOTE + "\nThe first choice is the default.\n"]
    for key, offered in choices().items():
        prompt = prompts[key]
        parts.append(f"## {key}\n")
        if isinstance(prompt, str):
            kind = "`true` or `false`" if offered else "Free text"
            end = "" if prompt.endswith(("?", ".")) else "."
            parts.append(f"{prompt}{end} {kind}.\n")
        else:
            parts.append(f"{prompt['__prompt__']}\n\n| choice | |\n|---|---|")
            parts += [f"| `{choice}` | {prompt[choice]} |" for choice in offered]
            parts.append("")
    return "\n".join(parts)


def settings() -> str:
    variables: Found = {}
    celery: Found = {}
    django: Found = {}
    for key, answer, files in variations():
        found = ((in_environment(files), variables), (of_celery(files), celery))
        for settings, page in (*found, (of_django(files), django)):
            for name, setting in settings.items():
                known = page.setdefault((name, setting.value), setting)
                word = str(answer).lower() if isinstance(answer, bool) else answer
                known.answers.setdefault(key, []).append(word)
    return "\n".join(
        [
            "# Every setting\n",
            NOTE,
            "A setting has a row for each value that answers give it. Where it is there with some",
            "answers only, the last column names these.",
            "",
            "## The environment",
            "",
            "Variables of the environment, or lines of `.env`. One without a default must be set.",
            "",
            *table("default", dict(sorted(variables.items()))),
            "",
            "## Celery",
            "",
            "In `config/settings/celery.py`.",
            "",
            *table("value", celery),
            "",
            "## Django",
            "",
            "In `base.py` beside it, and in `production.py`, which goes before it. Where no reason",
            "stands, [Django's documentation](https://docs.djangoproject.com/en/stable/ref/settings/)",
            "has it; `…` stands for what is read best in the file.",
            "",
            *table("value", django),
            "",
        ]
    )


def variations() -> Iterator[tuple[str, Answer, dict[str, str]]]:
    """Yield each answer to each question, and the files of a project that differs only in it."""
    for key, offered in choices().items():
        for answer in offered:
            yield key, answer, render({**BASE, key: answer})


def in_environment(files: Mapping[str, str]) -> dict[str, Setting]:
    """Return what a project, or what it is built on, reads from its environment."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.+) \|$", files["docs/deploy.md"], re.MULTILINE)
    reasons = {name: text for names, text in rows for name in re.findall(r"\w+", names)} | EXPLAINED
    found: dict[str, Setting] = {}
    for path, text in files.items():
        if not path.endswith(".py") or "tests/" in path or path == TESTS:
            continue
        comments = comments_above(text)
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and (name := variable(call)):
                reason = reasons.get(name, comments.get(call.lineno, ""))
                found.setdefault(name, Setting(reason, default(call)))
    for name in re.findall(r"^(?:# )?([A-Z_]+)=", files[".env.example"], re.MULTILINE):
        found.setdefault(name, Setting(reasons.get(name, ""), ""))
    for name, reason in reasons.items():
        if name not in EXPLAINED:
            found.setdefault(name, Setting(reason, ""))
    return found


def variable(call: ast.Call) -> str:
    """Return NAME for `env("NAME")` and the like, nothing for the rest."""
    function = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    name = call.args[0] if call.args else None
    if isinstance(function, ast.Name) and function.id == "env" and isinstance(name, ast.Constant):
        return str(name.value)
    return ""


def default(call: ast.Call) -> str:
    values = [word.value for word in call.keywords if word.arg == "default"]
    return f"`{short(values[0])}`" if values else ""


def of_celery(files: Mapping[str, str]) -> dict[str, Setting]:
    found = assigned(files["config/settings/celery.py"], LONGEST)
    return {name: setting for name, setting in found.items() if name.startswith("CELERY_")}


def of_django(files: Mapping[str, str]) -> dict[str, Setting]:
    found = {}
    for path in DJANGO:
        for name, setting in assigned(files[path], LONGEST_OF_DJANGO, is_grouped=False).items():
            suffix = " (production)" if "production" in path else ""
            found[name + suffix] = setting
    return found


def assigned(text: str, longest: int, is_grouped: bool = True) -> dict[str, Setting]:
    """Return the settings that a module assigns, by their name.

    Where they are grouped, a comment also holds for those right below the one that it stands above.
    """
    comments = comments_above(text, is_grouped)
    found = {}
    for statement in ast.walk(ast.parse(text)):
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                reason = EXPLAINED.get(target.id, comments.get(statement.lineno, ""))
                found[target.id] = Setting(reason, f"`{short(value, longest)}`")
    return found


def comments_above(text: str, is_grouped: bool = True) -> dict[int, str]:
    """Return the comment that holds for each line.

    It is the one above the line, or above its statement; where settings are grouped, also the one
    above the first of those that stand together, without a line between them.
    """
    lines = text.splitlines()
    comments: dict[int, str] = {}

    def above(number: int) -> str:
        comment: list[str] = []
        while number > 1 and lines[number - 2].lstrip().startswith("# "):
            number -= 1
            comment.insert(0, lines[number - 1].strip("# "))
        return " ".join(comment)

    def read(body: list[ast.stmt]) -> None:
        reason, end = "", 0
        for statement in body:
            together = is_grouped and statement.lineno == end + 1
            reason = above(statement.lineno) or (reason if together else "")
            for number in range(statement.lineno, (statement.end_lineno or 0) + 1):
                comments[number] = above(number) or reason
            for inner in ("body", "orelse"):
                read(getattr(statement, inner, []))
            end = statement.end_lineno or 0
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or not is_name(statement):
                # What it says is not of the settings below.
                reason = ""

    read(ast.parse(text).body)
    return comments


def is_name(statement: ast.Assign | ast.AnnAssign) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return all(isinstance(target, ast.Name) for target in targets)


def short(value: ast.expr, longest: int = LONGEST) -> str:
    text = ast.unparse(value)
    return text if len(text) <= longest else "…"


def table(value: str, found: Found) -> Iterator[str]:
    yield f"| name | {value} | what for | with |"
    yield "|---|---|---|---|"
    # What is said of one value of a setting does for another of which nothing is said.
    reasons = {name: setting.reason for (name, _), setting in found.items() if setting.reason}
    for (name, _), setting in found.items():
        reason = setting.reason or reasons.get(name, "")
        cells = (f"`{name}`", setting.value, reason, where(setting))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def where(setting: Setting) -> str:
    """Return the answers that bring a setting, nothing where all do."""
    parts = []
    for key, answers in setting.answers.items():
        if len(answers) < len(choices()[key]):
            parts.append(f"`{key}`: {', '.join(answers)}")
    return "; ".join(parts)


if __name__ == "__main__":
    main()

"""Write the reference in docs/: every question, and every setting of a project."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from tools.generate import QUESTIONS, ROOT, Answer, choices, facts, render

NOTE = "`make docs` writes this page from the template itself.\n"
# Each other answer works with these.
BASE: Mapping[str, Answer] = {"flower": False}
# Longer values are not shown.
LONGEST = 500
TESTS = "config/settings/test.py"
# Settings that neither a comment above them nor a project's docs/deploy.md explains.
EXPLAINED = {
    "CELERY_BEAT_SCHEDULE": "periodic tasks (in the admin, its initial entries); run one beat only",
    "CELERY_BROKER_CONNECTION_MAX_RETRIES": "`None`: a worker reconnects to its broker endlessly",
    "CELERY_BROKER_TRANSPORT_OPTIONS": "options of the broker; comments in the file explain them",
    "CELERY_BROKER_URL": "address of the broker, where tasks wait for a worker",
    "CELERY_CACHE_BACKEND": "which of Django's `CACHES` keeps the results",
    "CELERY_EVENT_EXCHANGE": "separates events from those of other projects",
    "CELERY_EVENT_QUEUE_PREFIX": "separates the queues of events from those of other projects",
    "CELERY_RESULT_BACKEND": "where results are kept",
    "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS": "options of the result backend",
    "CELERY_RESULT_EXPIRES": "how long a result is kept, in seconds",
    "CELERY_TASK_DEFAULT_QUEUE": "the queue of tasks that are not routed to another",
    "CELERY_TASK_QUEUES": "the queues: a worker reads all of them unless `-Q` names some",
    "CELERY_TASK_REJECT_ON_WORKER_LOST": "requeues a task whose worker process died",
    "CELERY_TASK_TIME_LIMIT": "hard time limit, in seconds: the task's process is killed",
    "CELERY_TIMEZONE": "the time zone of Django, and of the schedule",
    "CELERY_WORKER_CONSUMER": "survives malformed messages, keeps unknown tasks as dead letters",
    "CELERY_WORKER_ENABLE_REMOTE_CONTROL": "`False`: the broker does not support remote control",
    "CELERY_WORKER_PREFETCH_MULTIPLIER": "how many tasks a process reserves in advance",
    "TIME_ZONE": "the time zone of Django, and of the schedule",
    "ALIVE_FILE": "a file that workers and beat touch; health probes check its age",
    "CACHE_URL": "Django's cache, as django-environ writes it",
    "LOG_LEVEL": "the lowest level that is logged: `DEBUG`, `INFO`, `WARNING`, `ERROR`",
    "OTEL_TRACES_SAMPLER": "OpenTelemetry's name for the sampler, which selects the traces to keep",
    "OTEL_TRACES_SAMPLER_ARG": "the share of traces to keep, such as `0.1` for one in ten",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": "`True`: browsers insist on HTTPS for subdomains, too",
    "SECURE_HSTS_PRELOAD": "`True`: browsers may add the site to their built-in HTTPS list",
    "TASK_LEASE": "length of a lease, in seconds: workers renew theirs six times in that time",
}


# Django's settings in the order in which a project reads them.
DJANGO = ("config/settings/base.py", "config/settings/production.py")
# Longer values are not shown.
LONGEST_OF_DJANGO = 80


@dataclass
class Setting:
    """One value of a setting, its purpose, and the answers to each question that lead to it."""

    reason: str
    value: str
    answers: dict[str, list[str]] = field(default_factory=dict)


# By name, value and reason.
Found = dict[tuple[str, str, str], Setting]


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
                known = page.setdefault((name, setting.value, setting.reason), setting)
                word = str(answer).lower() if isinstance(answer, bool) else answer
                known.answers.setdefault(key, []).append(word)
    return "\n".join(
        [
            "# Every setting\n",
            NOTE,
            "If a setting has different values or purposes depending on your answers, it has one"
            " row for each.",
            "The last column names answers that add or change it, if all others are the defaults.",
            "",
            "## The environment",
            "",
            "Environment variables, or lines of `.env`. A default is shown where the code has one.",
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
            "In `config/settings/base.py`, and in `production.py`, which overrides it.",
            "[Django's documentation](https://docs.djangoproject.com/en/stable/ref/settings/)",
            "explains those without a reason here. `…` stands for a value too long for a table.",
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
    """Return the variables that a project and its packages read from the environment."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.+) \|$", files["docs/deploy.md"], re.MULTILINE)
    explained = {name: text for names, text in rows for name in re.findall(r"\w+", names)}
    reasons = EXPLAINED | passwords() | explained
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
    for name, reason in explained.items():
        found.setdefault(name, Setting(reason, ""))
    return found


@cache
def passwords() -> dict[str, str]:
    """Return the purpose of each server's password in `.env`."""
    return {
        service.password: f"the password of {service.title} in a container"
        for key, offered in choices().items()
        for answer in offered
        for service in facts({key: answer}).services
        if service.password
    }


def variable(call: ast.Call) -> str:
    """Return NAME for calls such as `env("NAME")`, and "" for others."""
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
        for name, setting in assigned(files[path], LONGEST_OF_DJANGO).items():
            suffix = " (production)" if "production" in path else ""
            found[name + suffix] = setting
    return found


def assigned(text: str, longest: int) -> dict[str, Setting]:
    """Return the settings that a module assigns, by their name."""
    comments = comments_above(text)
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


def comments_above(text: str) -> dict[int, str]:
    """Return the comment right above each line, or above the line's statement.

    A comment belongs to one statement only, even if others follow without a blank line.
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
        for statement in body:
            for number in range(statement.lineno, (statement.end_lineno or 0) + 1):
                comments[number] = above(number) or above(statement.lineno)
            for inner in ("body", "orelse"):
                read(getattr(statement, inner, []))

    read(ast.parse(text).body)
    return comments


def short(value: ast.expr, longest: int = LONGEST) -> str:
    text = ast.unparse(value)
    return text if len(text) <= longest else "…"


def table(value: str, found: Found) -> Iterator[str]:
    yield f"| name | {value} | purpose | depends on |"
    yield "|---|---|---|---|"
    for (name, *_), setting in found.items():
        cells = (f"`{name}`", setting.value, setting.reason, where(setting))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def where(setting: Setting) -> str:
    """Return the answers that lead to a setting, or "" if all do."""
    parts = []
    for key, answers in setting.answers.items():
        if len(answers) < len(choices()[key]):
            parts.append(f"`{key}`: {', '.join(answers)}")
    return "; ".join(parts)


if __name__ == "__main__":
    main()

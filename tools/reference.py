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
NEEDS: Mapping[tuple[str, Answer], Mapping[str, Answer]] = {
    ("broker", "pgmq"): {"database": "postgresql"}
}
LONGEST = 60
TESTS = "config/settings/test.py"
# What neither a comment nor a project's README says.
EXPLAINED = {
    "CELERY_RESULT_BACKEND": "where results are kept",
    "CELERY_RESULT_EXPIRES": "how long a result is kept, in seconds",
    "CELERY_TIMEZONE": "the time zone of Django, and of the schedule",
    "CELERY_WORKER_ENABLE_REMOTE_CONTROL": "whether workers listen to remote control",
    "TIME_ZONE": "the time zone of Django, and of the schedule",
    "CACHE_URL": "Django's cache, as django-environ writes it",
    "LOG_LEVEL": "the least that is logged: `DEBUG`, `INFO`, `WARNING`, `ERROR`",
    "OTEL_TRACES_SAMPLER": "which traces are kept, as OpenTelemetry names it",
    "OTEL_TRACES_SAMPLER_ARG": "how many of them, such as `0.1` for one in ten",
    "POSTGRES_PASSWORD": "the password of the database in a container",
    "RABBITMQ_PASSWORD": "the password of the broker in a container",
    "REDIS_PASSWORD": "the password of Redis in a container",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": "whether they insist on it for subdomains, too",
    "SECURE_HSTS_PRELOAD": "whether they may have it in a list of their own",
    "AWS_REGION": "where the queues are",
    "SQS_WAIT_TIME": "how long a request waits for a task, in seconds",
}


@dataclass
class Setting:
    """One setting: what it is for, its value, and the answers to each question that bring it."""

    reason: str
    value: str
    answers: dict[str, list[str]] = field(default_factory=dict)


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
    variables: dict[str, Setting] = {}
    celery: dict[str, Setting] = {}
    for key, answer, files in variations():
        for found, page in ((in_environment(files), variables), (of_celery(files), celery)):
            for name, setting in found.items():
                answers = page.setdefault(name, setting).answers.setdefault(key, [])
                answers.append(str(answer).lower() if isinstance(answer, bool) else answer)
    return "\n".join(
        [
            "# Every setting\n",
            NOTE,
            "Where a setting is there with some answers only, the last column names these. Value",
            "and reason are those of the first answer that has it.",
            "",
            "## The environment",
            "",
            "Variables of the environment, or lines of `.env`. One without a default must be set.",
            "",
            *table("default", dict(sorted(variables.items()))),
            "",
            "## Celery",
            "",
            "In `config/settings/celery.py`. All others are Django's own, in `base.py` beside it.",
            "",
            *table("value", celery),
            "",
        ]
    )


def variations() -> Iterator[tuple[str, Answer, dict[str, str]]]:
    """Yield each answer to each question, and the files of a project that differs only in it."""
    for key, offered in choices().items():
        for answer in offered:
            yield key, answer, render({**BASE, **NEEDS.get((key, answer), {}), key: answer})


def in_environment(files: Mapping[str, str]) -> dict[str, Setting]:
    """Return what a project, or what it is built on, reads from its environment."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.+) \|$", files["README.md"], re.MULTILINE)
    reasons = {name: text for names, text in rows for name in re.findall(r"\w+", names)} | EXPLAINED
    found: dict[str, Setting] = {}
    for path, text in files.items():
        if not path.endswith(".py") or path.startswith("tests/") or path == TESTS:
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
    text = files["config/settings/celery.py"]
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
            if isinstance(target, ast.Name) and target.id.startswith("CELERY_"):
                reason = EXPLAINED.get(target.id, comments.get(statement.lineno, ""))
                found[target.id] = Setting(reason, f"`{short(value)}`")
    return found


def comments_above(text: str) -> dict[int, str]:
    """Return the comment that holds for each line: the last one of its paragraph."""
    comments: dict[int, str] = {}
    comment: list[str] = []
    before = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("# "):
            comment = [*comment, line[2:]] if before.startswith("# ") else [line[2:]]
        elif not line:
            comment = []
        comments[number] = " ".join(comment)
        before = line
    return comments


def short(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} …"


def table(value: str, found: Mapping[str, Setting]) -> Iterator[str]:
    yield f"| name | {value} | what for | with |"
    yield "|---|---|---|---|"
    for name, setting in found.items():
        cells = (f"`{name}`", setting.value, setting.reason, where(setting))
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

"""Pages that tools write are up to date, and explain each setting."""

import json
import re
from html import unescape

from tests.helpers.pages import DOCS
from tools import switching
from tools.generate import ROOT, choices, facts
from tools.reference import Setting, assigned, pages, settings, table


def test_the_reference_is_up_to_date() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "Run `make docs`."


def rows(section: str) -> list[list[str]]:
    """Return the table rows of a section of the reference."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    table = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| `.*$", table, re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_each_variable_and_each_setting_of_celery_is_explained() -> None:
    variables, celery = rows("The environment"), rows("Celery")
    assert {"`SECRET_KEY`", "`REDIS_PASSWORD`"} <= {name for name, *_ in variables}
    assert {"`CELERY_TASK_ACKS_LATE`", "`CELERY_TASK_QUEUES`"} <= {name for name, *_ in celery}
    assert not [name for name, _, reason, _ in variables + celery if not reason]


def test_each_setting_of_django_is_in_the_reference() -> None:
    names = {name.strip("`").partition(" ")[0] for name, *_ in rows("Django")}
    assert {"CACHES", "LOGGING", "SECURE_CSP", "TASKS", "STORAGES"} <= names


def test_a_comment_explains_only_the_setting_below_it() -> None:
    text = "# One.\nA = 1\nB = 2\n# Two.\nC['x'] = 3\nD = {\n    # Three.\n    'x': 1,\n}\n"
    text += "if A:\n    # Four.\n    E = 4\n    F = 5\n"
    reasons = {name: setting.reason for name, setting in assigned(text, 99).items()}
    assert reasons == {"A": "One.", "B": "", "D": "", "E": "Four.", "F": ""}


def test_each_value_of_a_setting_has_its_own_reason() -> None:
    found = {("X", "1", ""): Setting("For one.", "`1`"), ("X", "2", ""): Setting("", "`2`")}
    assert list(table("value", found))[2:] == ["| `X` | `1` | For one. |  |", "| `X` | `2` |  |  |"]


def test_the_example_of_an_address_is_that_of_its_choice() -> None:
    rows = re.findall(r"`CELERY_BROKER_URL` \|  \| such as `(.*)` \| (.*) \|", settings())
    for broker in choices()["broker"]:
        if example := facts({"broker": broker}).broker.example:
            assert re.search(rf"\b{broker}\b", dict(rows)[example])


def test_the_recorded_questions_are_those_of_today() -> None:
    picture = (DOCS / "new.svg").read_text(encoding="utf-8")
    shown = "".join(unescape(re.sub(r"<[^>]+>", "", picture)).split())
    prompts = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))["__prompts__"].values()
    for prompt in prompts:
        texts = [prompt] if isinstance(prompt, str) else prompt.values()
        for text in texts:
            assert "".join(text.split()) in shown, "run `make screenshot`"


def test_the_page_on_switching_is_up_to_date() -> None:
    page = switching.PAGE.read_text(encoding="utf-8")
    assert page.endswith(f"\n\n{switching.tables()}"), "Run `make switching`."

"""Production needs its own environment variables, and ignores those of development."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import celery_app
from config.env import BASE_DIR
from tests import SECONDS, Process, wait_until

CHECK = ("manage.py", "check")
COMMANDS = [
    CHECK,
    ("-m", "celery", "--app", "config", "worker"),
    ("-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0"),
]
AWAY = "127.0.0.1:1"
LOAD = """
import json, os, sys
import config.settings.production
for name, value in json.loads(sys.argv[1]):
    if not os.fork():
        os.environ[name] = value
        for module in [module for module in sys.modules if module.startswith("config")]:
            del sys.modules[module]
        import config.settings.production
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
LOG = """
import django; django.setup()
import logging, structlog
structlog.get_logger("ours").info("report_sent", report=7)
password = "hidden"
try:
    1 / 0
except ArithmeticError:
    logging.getLogger("theirs").exception("This %s wrong.", "went")
"""


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the production settings and only these variables."""
    variables |= {"DJANGO_SETTINGS_MODULE": "config.settings.production", "HOME": os.devnull}
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env=variables,
        capture_output=True,
        text=True,
        timeout=10 * SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    """Return the required variables with the examples in their error messages."""
    output = run(*CHECK).stderr
    return dict(re.findall(r"^ERROR: .*, for example: ([A-Z_]+)=(.+)$", output, re.MULTILINE))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_starts_without_the_required_variables(command: tuple[str, ...]) -> None:
    assert (BASE_DIR / ".env").exists()
    done = run(*command)
    assert done.returncode == 3
    assert "ERROR: SECRET_KEY is not set." in done.stderr
    assert "ERROR: ALLOWED_HOSTS is not set." in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_starts_without_a_broker(examples: dict[str, str]) -> None:
    in_database = "conn_string" in celery_app.conf.broker_transport_options
    needed = "DATABASE_URL" if in_database else "CELERY_BROKER_URL"
    done = run(*CHECK, **examples | {"SECRET_KEY": "0123456789" * 5, needed: ""})
    assert done.returncode == 3
    assert done.stderr.startswith(
        f"ERROR: {needed} is not set. Set it in the environment, for example: "
    )


def test_an_empty_variable_is_missing(examples: dict[str, str]) -> None:
    done = run(*CHECK, **dict.fromkeys(examples, ""))
    assert [line.split()[1] for line in done.stderr.splitlines()] == list(examples)


def test_the_examples_are_enough(examples: dict[str, str]) -> None:
    done = run(*CHECK, **examples | {"SECRET_KEY": "0123456789" * 5})
    assert (done.returncode, done.stderr) == (0, "")


def load_each(values: list[tuple[str, str]], **variables: str) -> tuple[list[str], list[str]]:
    """Load the settings once for each value of a variable. Return exit codes and errors."""
    done = run("-c", LOAD, json.dumps(values), **variables | {"SECRET_KEY": "0123456789" * 5})
    return done.stdout.split(), done.stderr.splitlines()


def test_each_unsafe_value_is_refused_in_one_line(examples: dict[str, str]) -> None:
    urls = {name: url for name, url in examples.items() if "://" in url}
    values = [
        ("SECRET_KEY", "short"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", ",example.com"),
        ("ALLOWED_HOSTS", "https://example.com"),
        ("ALLOWED_HOSTS", "example.com:8000"),
        ("ALLOWED_HOSTS", "example.com www.example.com"),
        ("ALLOWED_HOSTS", "example.com;www.example.com"),
        ("ALLOWED_HOSTS", '"example.com"'),
        ("DATABASE_URL", "db.example.com/name"),
        ("DATABASE_URL", f"{examples['DATABASE_URL'].partition('?')[0]}?autocommit=false"),
        ("CACHE_URL", "cache.example.com"),
        ("CACHE_URL", "memcache://cache.example.com/name"),
        ("EMAIL_URL", "smtp://user:se/same@mail.example.com"),
        ("EMAIL_URL", "mail://mail.example.com"),
        ("EMAIL_URL", "smtp://user:sesame@mail.example.com?tls=true"),
        ("EMAIL_URL", "smtp://mail.example.com:70000"),
        ("LOG_LEVEL", "loud"),
        ("TIME_ZONE", "Mars"),
        ("CELERY_TASK_TIME_LIMIT", "5m"),
        ("TASK_MAX_RESTARTS", "-1"),
        ("CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT", "5m"),
        ("SECURE_HSTS_PRELOAD", "maybe"),
        *((name, f"other{url}") for name, url in urls.items()),
        *((name, f"{url}a") for name, url in urls.items() if re.search(r"/\d$", url)),
    ]
    codes, errors = load_each(values, **examples)
    assert codes == ["3"] * len(values), errors
    for (name, _), error in zip(values, errors, strict=True):
        assert error.startswith(f"ERROR: {name} is ")


def test_values_in_other_spellings_are_accepted(examples: dict[str, str]) -> None:
    values = [("LOG_LEVEL", "info"), ("SECURE_HSTS_PRELOAD", "False"), ("TIME_ZONE", "Asia/Tokyo")]
    assert load_each(values, **examples) == (["0"] * 3, [])


def test_mail_comes_from_the_site(examples: dict[str, str]) -> None:
    examples = examples | {"SECRET_KEY": "0123456789" * 5, "ALLOWED_HOSTS": ".example.com, other"}
    senders = "from django.conf import settings as s; print(s.DEFAULT_FROM_EMAIL, s.SERVER_EMAIL)"
    assert run("-c", senders, **examples).stdout.split() == ["webmaster@example.com"] * 2
    ours = {"DEFAULT_FROM_EMAIL": "us@example.com"}
    assert run("-c", senders, **examples | ours).stdout.split() == ["us@example.com"] * 2
    hosts = "from django.conf import settings as s; print(s.ALLOWED_HOSTS)"
    assert run("-c", hosts, **examples).stdout == "['.example.com', 'other']\n"


def test_log_lines_are_json_and_hold_no_variables(examples: dict[str, str]) -> None:
    done = run("-c", LOG, **examples | {"SECRET_KEY": "0123456789" * 5})
    ours, theirs = [json.loads(line) for line in done.stderr.splitlines()]
    assert ours.items() >= {"event": "report_sent", "level": "info", "report": 7}.items()
    assert theirs.items() >= {"event": "This went wrong.", "logger": "theirs"}.items()
    assert "ZeroDivisionError" in theirs["exception"]
    assert "hidden" not in done.stderr


def test_no_password_is_logged_while_servers_are_down(
    examples: dict[str, str], tmp_path: Path
) -> None:
    variables = {
        name: re.sub(r"^(\w+)://[^/@]*@[^/]+(/[^?]*).*", rf"\1://user:sesame@{AWAY}\2", example)
        for name, example in examples.items()
    }
    variables |= {"SECRET_KEY": "0123456789" * 5, "HOME": os.devnull}
    variables |= {"EMAIL_URL": f"smtp://user:sesame@{AWAY}"}
    variables["DJANGO_SETTINGS_MODULE"] = "config.settings.production"
    log = tmp_path / "log"
    command = [sys.executable, "-m", "celery", "--app", "config", "worker"]
    Process.logs.add(log)
    with log.open("w") as output:
        worker = subprocess.Popen(
            command, cwd=BASE_DIR, env=variables, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: '"level": "error"' in log.read_text() or worker.poll() is not None)
    finally:
        worker.kill()
        worker.wait()
    assert '"level": "error"' in log.read_text()
    said = log.read_text() + run(*CHECK, "--database", "default", **variables).stderr
    assert said
    assert "is not a valid address" not in said
    assert "sesame" not in said

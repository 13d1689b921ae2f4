"""Environment variables are read unchanged, or refused in one line without their value."""

import subprocess
import sys
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from config.env import BASE_DIR, env

NAMES = """
import os, runpy
from config.env import database, env
for url in {urls}:
    os.environ["DATABASE_URL"] = url
    env.ENVIRON = os.environ
    database.cache_clear()
    runpy.run_path("config/settings/test.py")
    print(database()["NAME"])
"""


@pytest.mark.parametrize(
    "address",
    [
        "scheme://:p%23%2F%5B%40%25%2Cs@host.example.com:6379/0",
        "scheme+socket:///run/its.sock?virtual_host=1",
        "schemes://[::1]:6379/0",
        "scheme://user:$word@one.example.com:5672//;scheme://user:$word@two.example.com:5672//",
        "scheme://user:word@one:5432,two:5433/name?options=-c%20jit=off",
        "scheme://user:word@//run/its/name",
        "scheme:////var/lib/my%20project/file",
        "scheme://ada%40example.com:word@mail.example.com:587",
        "scheme://",
    ],
)
def test_an_address_is_read_unchanged(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_ADDRESS", address)
    assert env.address("CELERY_ADDRESS", "scheme", "schemes") == address


@pytest.mark.parametrize(
    "address",
    [
        "scheme://:se#same@host.example.com:6379/0",
        "scheme://:12#sesame@host.example.com:6379/0",
        "scheme://:se/same@host.example.com:6379/0",
        "scheme://:12/same@host.example.com:6379/0",
        "scheme://:se?same@host.example.com:6379/0",
        "scheme://:se[same@host.example.com:6379/0",
        "scheme://:se@same@host.example.com:6379/0",
        "scheme://:se%same@host.example.com:6379/0",
        "scheme://:se;same@host.example.com:6379/0",
        "scheme://:se,same@host.example.com:6379/0",
        "scheme://:se same@host.example.com:6379/0",
        " scheme://:sesame@host.example.com:6379/0",
        "scheme://:sesame@host.example.com:port/0",
        "scheme:sesame",
        "sesame.example.com:6379",
        "other://:sesame@host.example.com:26379",
        "scheme://:sesame@host.example.com:263790",
        "scheme://:sesame@host.example.com:70000",
        "scheme://:sesame@host.example.com:1:2",
        "schemes://:sesame@host.example.com:26379",
        # Only Celery's addresses may be several, or sockets.
        "scheme+socket:///run/sesame.sock",
        "scheme://user:sesame@one/name;scheme://user:sesame@two/name",
    ],
)
def test_an_address_that_could_be_misread_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADDRESS", address)
    with pytest.raises(SystemExit) as ended:
        env.address("ADDRESS", "scheme")
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert said.startswith("ERROR: ADDRESS is not a valid address: write scheme://")
    assert "percent-encode" in said
    assert said.count("\n") == 1
    assert "same" not in said


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("scheme://host/3", ""),
        ("scheme://host?x=y", ""),
        ("scheme:///run/its.sock", ""),
        ("scheme://host/sesame", "write scheme://user:password@host:port/0,"),
        ("scheme://host/0;scheme://host/3x", "write scheme://user:password@host:port/0,"),
        ("scheme://host?max_entries=60&CONN_HEALTH_CHECKS=False", ""),
        ("scheme://host?timeout=5sesame", "write timeout as a number, True or False."),
        ("scheme://host?max_entries=sesame", "write max_entries as a number, "),
        ("scheme://host?a=b&conn_health_checks=false", "write conn_health_checks as a number, "),
    ],
)
def test_names_and_options_of_addresses_are_checked(
    address: str, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CELERY_ADDRESS", address)
    if fault:
        with pytest.raises(SystemExit):
            env.address("CELERY_ADDRESS", "scheme", numbered=True)
    else:
        assert env.address("CELERY_ADDRESS", "scheme", numbered=True) == address
    said = capsys.readouterr().err
    refusal = f"ERROR: CELERY_ADDRESS is not a valid address: {fault}"
    assert said.startswith(refusal if fault else "")
    assert said.count("\n") == bool(fault)
    assert "sesame" not in said


@pytest.mark.parametrize(
    ("value", "read", "words"),
    [
        ("5m", lambda: env.int("OURS", default=1), "a whole number, at least 0"),
        ("", lambda: env.int("OURS"), "a whole number, at least 0"),
        ("-1", lambda: env.int("OURS"), "a whole number, at least 0"),
        ("maybe", lambda: env.bool("OURS", default=True), "true or false"),
        ("$yes", lambda: env.bool("OURS"), "true or false"),
        ("5m", lambda: env("OURS", cast=ZoneInfo), "a time zone such as Europe/Berlin"),
        ("maybe", lambda: env("OURS", default=True), "set, or not valid"),
        ("1,5m", lambda: env.list("OURS", cast=int), "set, or not valid"),
        ("5m", lambda: env.json("OURS"), "set, or not valid"),
        (None, lambda: env("OURS"), "set, or not valid"),
        ("", lambda: env("OURS"), "set, or not valid"),
        ("", lambda: env.address("OURS", "scheme"), "set, or not valid"),
    ],
)
def test_a_value_of_another_type_is_refused(
    value: str | None,
    read: Callable[[], object],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if value is not None:
        monkeypatch.setenv("OURS", value)
    with pytest.raises(SystemExit) as ended:
        read()
    assert ended.value.code == 3
    said = f"ERROR: OURS is not {words}. Correct it in the environment or .env.\n"
    assert capsys.readouterr().err == said


def test_words_for_true_and_false(monkeypatch: pytest.MonkeyPatch) -> None:
    read = {}
    for word in ("true", "Yes", "on", "1", "false", "NO", "off", "0"):
        monkeypatch.setenv("OURS", word)
        read[word] = env.bool("OURS")
    assert [*read.values()] == [True] * 4 + [False] * 4
    assert env.bool("ABSENT", default=True) is True


def test_a_dollar_sign_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "$OURS")
    assert env("OURS") == env("OURS", default="x") == env.str("OURS") == "$OURS"
    assert env.list("OURS") == ["$OURS"]


def test_spaces_around_list_items_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "a:1, b:2 ,c")
    assert env.list("OURS") == ["a:1", "b:2", "c"]
    monkeypatch.setenv("OURS", "1, 2")
    assert env.list("OURS", cast=int) == [1, 2]


def load_settings_of_tests(*ends: str) -> subprocess.CompletedProcess[str]:
    """Print the names of the test databases for addresses with these ends."""
    scheme = env("DATABASE_URL").partition(":")[0]
    command = [sys.executable, "-c", NAMES.format(urls=[f"{scheme}:{end}" for end in ends])]
    return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)


def test_tests_have_their_own_database() -> None:
    names = {
        "////data/shop?timeout=30": "test_shop",
        "////data/test_shop": "test_test_shop",
        "//user:word@localhost/shop?application_name=web&option=a/b": "test_shop",
        "//user:word@localhost/shop_test": "test_shop_test",
        "///shop?host=/run/its": "test_shop",
    }
    done = load_settings_of_tests(*names)
    found = [name.rpartition("/")[2] for name in done.stdout.splitlines()]
    assert found == [*names.values()], done.stderr


@pytest.mark.parametrize(
    "end", ["///shop?dbname=shop", "///shop?database=shop", "////data/", "///"]
)
def test_a_database_that_tests_would_share_is_refused(end: str) -> None:
    done = load_settings_of_tests(end)
    assert done.returncode == 3
    assert done.stderr == (
        "ERROR: DATABASE_URL must end in the name of a database, so that tests can use another"
        " one.\n"
    )

"""Queues and results in Django's database use the same connection options as Django."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg.conninfo import conninfo_to_dict

from config.env import BASE_DIR, env
from config.libpq import libpq_url

URLS = [
    "postgres://user:p%23%2F%40ss@db.example.com:5433/shop?sslmode=verify-full&conn_max_age=0",
    "postgres://user:word@//run/postgresql/shop",
    "postgres:///shop?host=/run/postgresql&user=ada",
    "postgres://user:word@one:5432,two:5433/shop?target_session_attrs=read-write&isolation_level=1",
    "postgres://user:word@[::1]/the%20shop?options=-c%20jit=off",
]


def wanted(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of a database, and the libpq options that Django uses for it."""
    database = env.db_url_config(url)
    # Django fills in the other settings.
    django = DatabaseWrapper({**connection.settings_dict, "OPTIONS": {}, **database})
    found = django.get_connection_params()
    for name in ("client_encoding", "context", "cursor_factory", "prepare_threshold"):
        found.pop(name, None)
    return database, {name: str(value) for name, value in found.items()}


@pytest.mark.parametrize("url", URLS)
def test_libpq_connects_like_django(url: str) -> None:
    database, expected = wanted(url)
    assert conninfo_to_dict(libpq_url("postgresql", database)) == expected


def test_options_in_the_address_take_precedence() -> None:
    database = env.db_url_config("postgres://user@localhost/shop?connect_timeout=9")
    found = conninfo_to_dict(libpq_url("postgresql", database, connect_timeout=3, keepalives=1))
    assert found["connect_timeout"] == "9"
    assert found["keepalives"] == "1"


@pytest.mark.parametrize("seconds", ["0", "7"])
def test_the_address_can_set_conn_max_age(seconds: str) -> None:
    show = "from django.conf import settings; print(settings.DATABASES['default']['CONN_MAX_AGE'])"
    url = f"{os.environ['DATABASE_URL'].partition('?')[0]}?conn_max_age={seconds}"
    environment = os.environ | {"DATABASE_URL": url}
    command = [sys.executable, "-c", show]
    shown = subprocess.check_output(command, cwd=BASE_DIR, env=environment, text=True)
    assert shown == f"{seconds}\n"

# {% from "project.jinja" import result, scheduler with context %}
"""Settings for the tests: a database, queues and keys of their own, beside those of development."""

import os
from collections import ChainMap

from config.env import database, env, read_env, refuse

read_env()
# A task that kills its worker again and again does so fewer times.
os.environ["TASK_MAX_RESTARTS"] = "2"
# {% if result.own_tables %}
# Results are in the database of the tests.
os.environ.pop("CELERY_RESULT_BACKEND", None)
# {% endif %}

# Tests empty their database and their queues: neither may be development's.
# With pytest-xdist, those of each process are apart, named as pytest-django does it.
suffix = f"_{os.environ['PYTEST_XDIST_WORKER']}" if "PYTEST_XDIST_WORKER" in os.environ else ""
folder, slash, name = database()["NAME"].rpartition("/")
if name in ("", ":memory:") or {"database", "dbname"} & database().get("OPTIONS", {}).keys():
    refuse("DATABASE_URL must end in the name of a database, so that tests can use another one.")
database()["NAME"] = f"{folder}{slash}test_{name}{suffix}"
# For this process alone: one that the tests start has these settings, too, and does it itself.
env.ENVIRON = ChainMap({"QUEUE_PREFIX": env("QUEUE_PREFIX") + f"_test{suffix}"}, os.environ)

from config.settings.base import *

DATABASES["default"]["TEST"] = {"NAME": str(DATABASES["default"]["NAME"]).removesuffix(suffix)}
# Apart from the uploads of development, too.
MEDIA_ROOT = MEDIA_ROOT / f"test{suffix}"
# What workers send goes nowhere, unless a test has a mail server for it.
vars().update(env.email("TEST_EMAIL_URL", default="dummymail://"))
# Tests wait for no rate limit.
CELERY_TASK_ANNOTATIONS = {"*": {"rate_limit": None}}
# {% if scheduler.beat %}
# Beat ticks once a second, instead of once a minute.
CELERY_BEAT_SCHEDULE["heartbeat"]["schedule"] = 1
# {% endif %}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

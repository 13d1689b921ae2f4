# {% from "project.jinja" import result, scheduler with context %}
"""Settings for the tests, which have a database, queues and keys of their own."""

import os
from collections import ChainMap

from config.env import database, env, read_env, refuse

read_env()
# Give up sooner on a task that kills its worker.
os.environ["TASK_MAX_RESTARTS"] = "2"
# {% if result.own_tables %}
# Keep results in the database of the tests.
os.environ.pop("CELERY_RESULT_BACKEND", None)
# {% endif %}

# Tests empty their database and their queues, so neither may be development's. With pytest-xdist,
# each process has its own, with the suffix that pytest-django uses.
suffix = f"_{os.environ['PYTEST_XDIST_WORKER']}" if "PYTEST_XDIST_WORKER" in os.environ else ""
folder, slash, name = database()["NAME"].rpartition("/")
if name in ("", ":memory:") or {"database", "dbname"} & database().get("OPTIONS", {}).keys():
    refuse("DATABASE_URL must end in the name of a database, so that tests can use another one.")
database()["NAME"] = f"{folder}{slash}test_{name}{suffix}"
# For this process only: a process that the tests start adds the suffix itself.
env.ENVIRON = ChainMap({"QUEUE_PREFIX": env("QUEUE_PREFIX") + f"_test{suffix}"}, os.environ)

from config.settings.base import *

DATABASES["default"]["TEST"] = {"NAME": str(DATABASES["default"]["NAME"]).removesuffix(suffix)}
# Keep uploads apart from development's, too.
MEDIA_ROOT = MEDIA_ROOT / f"test{suffix}"
# Discard e-mails of workers, unless a test runs a mail server.
mail = env.address("TEST_EMAIL_URL", *env.EMAIL_SCHEMES, default="dummymail://")
vars().update(env.email_url_config(mail))
# Turn rate limits off.
CELERY_TASK_ANNOTATIONS = {"*": {"rate_limit": None}}
# {% if scheduler.beat %}
# Beat ticks once a second, instead of once a minute.
CELERY_BEAT_SCHEDULE["heartbeat"]["schedule"] = 1
# {% endif %}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

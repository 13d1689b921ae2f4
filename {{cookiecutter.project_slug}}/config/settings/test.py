"""Settings for the tests: a database, queues and keys of their own, beside those of development."""

import os
from collections import ChainMap

from config.env import BASE_DIR, env, refuse

env.read_env(BASE_DIR / ".env")
# A task that kills its worker again and again does so fewer times.
os.environ["TASK_MAX_RESTARTS"] = "2"
# Results that are kept in a database are in that of the tests.
if os.environ.get("CELERY_RESULT_BACKEND", "").startswith("db+"):
    del os.environ["CELERY_RESULT_BACKEND"]

database = env.db("DATABASE_URL")
database["NAME"] += "_test"
address, mark, options = env("DATABASE_URL").partition("?")
own = {
    "DATABASE_URL": f"{address}_test{mark}{options}",
    "QUEUE_PREFIX": env("QUEUE_PREFIX") + "_test",
}
# In this process alone: one that the tests start has these settings, too, and does it itself.
env.ENVIRON = ChainMap(own, os.environ)
# Django deletes the tests' database: it must not be development's, whatever the URL looks like.
if env.db("DATABASE_URL") != database or "dbname" in database.get("OPTIONS", {}):
    refuse(
        "DATABASE_URL does not name the database at the end of its path alone, so tests cannot use"
        " another. Set it to one such as sqlite:///db.sqlite3?timeout=30"
    )
if "postgresql" in database["ENGINE"] and len(database["NAME"].encode()) > 63:
    refuse(f"Tests use the database {database['NAME']}, and PostgreSQL cuts names off at 63 bytes.")

from config.settings.base import *

DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
# Apart from the uploads of development, too.
MEDIA_ROOT = MEDIA_ROOT / "test"
# What workers send goes nowhere, unless a test has a mail server for it.
vars().update(env.email("TEST_EMAIL_URL", default="dummymail://"))
# Tests wait for no rate limit.
CELERY_TASK_ANNOTATIONS = {"*": {"rate_limit": None}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

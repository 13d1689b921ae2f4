"""Settings for the tests: a database, queues and keys of their own, beside those of development."""

import os

from config.env import BASE_DIR, env

env.read_env(BASE_DIR / ".env")
# Before other settings read them; a worker that the tests start finds the ending already there.
for name in ("DATABASE_URL", "QUEUE_PREFIX"):
    os.environ[name] = env(name).removesuffix("_test") + "_test"
# A task that kills its worker again and again does so fewer times.
os.environ["TASK_MAX_RESTARTS"] = "2"

from config.settings.base import *

DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
# Apart from the uploads of development, too.
MEDIA_ROOT = MEDIA_ROOT / "test"
# What workers send goes nowhere, unless a test has a mail server for it.
vars().update(env.email("TEST_EMAIL_URL", default="dummymail://"))
# Tests wait for no rate limit.
CELERY_TASK_ANNOTATIONS = {"*": {"rate_limit": None}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

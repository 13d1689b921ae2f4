"""Tells Sentry of errors."""

import sentry_sdk
from django.apps import AppConfig

from config.env import env


class ErrorsConfig(AppConfig):
    name = "errors"

    def ready(self) -> None:
        # Web processes and workers alike; the processes of a worker's pool inherit it.
        if dsn := env("SENTRY_DSN", default=""):
            # Arguments of tasks would be among the variables of each frame.
            sentry_sdk.init(dsn, include_local_variables=False, send_default_pii=False)

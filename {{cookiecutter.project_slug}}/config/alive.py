"""A file whose age tells whether a worker is alive.

ALIVE_FILE names it. A worker touches it while its loop goes round, also while tasks run for long.
"""

from pathlib import Path
from typing import Any

from celery import bootsteps

from config.env import env

SECONDS = 10


def touch(**kwargs: Any) -> None:
    if file := env.str("ALIVE_FILE", default=""):
        Path(file).touch()


class Alive(bootsteps.StartStopStep):
    requires = ("celery.worker.consumer.connection:Connection",)
    timer: Any = None

    def start(self, consumer: Any) -> None:
        # By way of the loop: a timer may have a thread of its own.
        self.timer = consumer.timer.call_repeatedly(SECONDS, consumer.call_soon, (touch,))
        touch()

    def stop(self, consumer: Any) -> None:
        if self.timer:
            self.timer.cancel()

"""What must work for periodic tasks to run: a line of `manage.py wiring`."""

from django.utils import timezone

from health.lines import WiringError, line
from health.wiring import tasks
from heartbeat.models import Heartbeat

# Three ticks.
SECONDS = 3 * 60


@line("Beat", fix="See whether it runs: make dev starts it, or make beat", needs=[tasks])
def beat(seconds: float) -> str:
    heartbeat = Heartbeat.objects.first()
    if heartbeat is None:
        raise WiringError("has not ticked yet, which it does when it starts and once a minute")
    age = (timezone.now() - heartbeat.at).total_seconds()
    if age > SECONDS:
        raise WiringError(f"last ticked {age:.0f} s ago, which it does once a minute")
    return f"last ticked {age:.0f} s ago"

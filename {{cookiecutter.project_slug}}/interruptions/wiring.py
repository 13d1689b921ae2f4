"""What must not have happened to tasks: a line of `manage.py wiring`."""

from health.lines import WiringError, line
from health.wiring import database
from interruptions.models import InterruptedTask


@line(
    "Interrupted",
    fix="See Interrupted tasks in the admin: mend the task and send it again, or delete it.",
    needs=[database],
)
def set_aside(seconds: float) -> str:
    count = InterruptedTask.objects.filter(set_aside=True).count()
    if count:
        raise WiringError(f"{count} set aside")
    return "none is set aside"

"""Events of tasks, which workers send for as long as somebody asks for them, as Flower does."""

# celery-types leaves Celery's own commands out.
# mypy: disable-error-code="attr-defined"

from typing import Any

from celery.worker import control
from celery.worker.control import control_command

# Flower asks every five seconds.
SECONDS = 15

end: Any = None


@control_command()
def enable_events(state: Any) -> Any:
    """Takes the place of Celery's command, after which a worker sends events until it ends."""
    global end
    if end:
        end.cancel()
    end = state.consumer.timer.call_after(SECONDS, control.disable_events, (state,))
    return control.enable_events(state)

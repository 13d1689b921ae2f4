"""Tasks that every worker runs."""

from typing import Any

from celery import Task, current_app


def broadcast(task: Task[Any, Any], *args: object, **kwargs: object) -> None:
    """Sends a task to each worker that reads the queue `broadcast` now. Nobody gets its results."""
    queue = current_app.amqp.queues["broadcast"]
    route: dict[str, Any] = {
        "exchange": queue.exchange,
        "routing_key": queue.routing_key,
        # Celery declares no exchange for a broadcast, and a message to an unknown one is lost.
        "declare": [queue.exchange],
    }
    task.apply_async(args, kwargs, ignore_result=True, **route)

"""Log lines that say which task wrote them."""

import logging

from celery import current_task


class TaskFilter(logging.Filter):
    """Gives each record a `task`: the name and id of the task that runs, or `-` outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.task = f"{current_task.name}[{current_task.request.id}]" if current_task else "-"
        return True

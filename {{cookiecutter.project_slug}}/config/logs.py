"""Log lines that say which task wrote them."""

import logging

from celery import current_task


class TaskFilter(logging.Filter):
    """Gives each record a `task`: the name and id of the task that runs, or `-` outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = current_task and current_task.request
        record.task = f"{request.task}[{request.id}]" if request and request.id else "-"
        return True

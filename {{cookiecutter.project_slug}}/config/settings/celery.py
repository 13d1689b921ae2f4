# {% from "project.jinja" import broker, django, result, scheduler with context %}
"""All Celery settings of the project, under Celery's own names with the prefix CELERY_."""

from zoneinfo import ZoneInfo

{{ scheduler.imports() }}{{ broker.imports() }}

# {% set code = broker.settings() ~ result.settings() %}
from config.env import {{ "BASE_DIR, " if "BASE_DIR" in code }}{{ "database, " if "database()" in code }}env{{ ", refuse" if "refuse(" in code }}
# {% if "libpq_url(" in code %}
from config.libpq import libpq_url
# {% endif %}

# The prefix of all queues and keys, so that projects and environments can share a server.
QUEUE_PREFIX = env("QUEUE_PREFIX")
# Grace period on shutdown, in seconds. Unfinished tasks are requeued.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.int("CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT", default=10)

# Broker: where tasks wait for a worker.
{{ broker.settings() }}
# While the broker is down, retry sending for seven seconds, then raise an error. It takes longer if
# the broker accepts connections but does not answer.
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 5,
    "interval_start": 0.5,
    "interval_step": 0.5,
    "interval_max": 2,
}
# A worker never gives up on its broker.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None

# Queues: a worker reads all of them unless `-Q` names some.
{{ broker.queues() }}
# Tasks for queues other than the default: {"reports.tasks.*": {"queue": "slow"}}.
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {}
# A misspelt queue raises an error, instead of creating a queue that no worker reads.
CELERY_TASK_CREATE_MISSING_QUEUES = False

# At-least-once delivery: a task is acknowledged after it ran. It may run twice, so make it
# idempotent.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A task that was restarted more often than this becomes a dead letter: it may kill its worker.
TASK_MAX_RESTARTS = env.int("TASK_MAX_RESTARTS", default=5)

# Time limits, in seconds: a task gets SoftTimeLimitExceeded first, and is killed later.
CELERY_TASK_SOFT_TIME_LIMIT = env.int("CELERY_TASK_SOFT_TIME_LIMIT", default=5 * 60)
CELERY_TASK_TIME_LIMIT = env.int("CELERY_TASK_TIME_LIMIT", default=6 * 60)

# Messages: one that cannot run becomes a dead letter.
CELERY_WORKER_CONSUMER = "task_queue.worker:Consumer"

# Results: {{ result.summary }}
{{ result.settings() }}
# {% if result.results_enabled %}
CELERY_RESULT_EXPIRES = env.int("CELERY_RESULT_EXPIRES", default=24 * 60 * 60)
# Store the task's name and arguments, too. The state STARTED is not stored, because that takes one
# more write for each task: a task that needs it sets `@shared_task(track_started=True)`.
CELERY_RESULT_EXTENDED = True
# {% endif %}

# Time: as in Django.
CELERY_TIMEZONE = str(env("TIME_ZONE", cast=ZoneInfo, default="UTC"))

# Workers: replace a pool process above this many KiB after its task, to free leaked memory. Avoid
# CELERY_WORKER_MAX_TASKS_PER_CHILD: the pool may take seconds to notice that a process ended.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int(
    "CELERY_WORKER_MAX_MEMORY_PER_CHILD", default=512 * 1024
)
# As in the web server, only Django's settings limit the age of a database connection.
CELERY_DB_REUSE_MAX = 10**9
# {% if scheduler.settings() %}

{{ scheduler.settings() }}
# {% endif %}

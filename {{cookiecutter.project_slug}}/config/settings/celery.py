# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
# {% import "results/" ~ cookiecutter.result_backend ~ ".jinja" as result with context %}
# {% import "schedulers/" ~ cookiecutter.scheduler ~ ".jinja" as scheduler with context %}
"""Every Celery setting of the project, under Celery's own names with CELERY_ in front."""

{{ scheduler.imports() }}{{ broker.imports() }}

from config.env import {{ "BASE_DIR, " if cookiecutter.result_backend == "sqlalchemy" and cookiecutter.database == "sqlite" }}env

# What the project's queues and keys begin with, so that projects and environments can share a
# server.
QUEUE_PREFIX = env("QUEUE_PREFIX")
# {% if broker.constants() %}

{{ broker.constants() }}
# {% endif %}

# Broker: where tasks wait for a worker.
{{ broker.settings() }}
# A task is sent again for seven seconds while the broker is away; then the sender gets an error.
# Where the broker takes connections and says nothing, that takes longer.
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 5,
    "interval_start": 0.5,
    "interval_step": 0.5,
    "interval_max": 2,
}
# A worker waits for its broker for as long as it takes, instead of giving up.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None

# Queues: a worker reads them all, unless told otherwise by `-Q`.
{{ broker.queues() }}
# Tasks that do not go to the default queue, by name: {"reports.tasks.*": {"queue": "slow"}}.
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {}
# A misspelt queue is an error, instead of a queue that nobody reads.
CELERY_TASK_CREATE_MISSING_QUEUES = False

# Nothing is lost: a task leaves the broker only when it is done. So it may run twice: write tasks
# that may.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# One that was started again this often, and never ended, is set aside: it may kill its worker.
TASK_MAX_RESTARTS = env.int("TASK_MAX_RESTARTS", default=5)
# What a worker that is told to stop does not finish in this time, in seconds, the next one runs.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.float("CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT", default=10.0)
# A task whose acknowledgement can no longer arrive is stopped, since another worker gets it.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True

# Time limits, in seconds: a task gets SoftTimeLimitExceeded first, and is killed later.
CELERY_TASK_SOFT_TIME_LIMIT = env.int("CELERY_TASK_SOFT_TIME_LIMIT", default=5 * 60)
CELERY_TASK_TIME_LIMIT = env.int("CELERY_TASK_TIME_LIMIT", default=6 * 60)

# Messages: nothing but JSON is read or written; pickle would let a message run code.
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
# {% if result.stores %}
CELERY_RESULT_SERIALIZER = "json"
# {% endif %}
# A task's arguments are keys, not data: a larger message is neither sent nor read.
MESSAGE_MAX_BYTES = env.int("MESSAGE_MAX_BYTES", default=256 * 1024)
CELERY_WORKER_CONSUMER = "config.consumer:Consumer"

# Results: {{ result.summary }}
{{ result.settings() }}
# {% if result.stores %}
CELERY_RESULT_EXPIRES = env.int("CELERY_RESULT_EXPIRES", default=24 * 60 * 60)
# While the backend is away, a task waits for it: Celery would drop the task.
CELERY_RESULT_BACKEND_ALWAYS_RETRY = True
# With the task's name and arguments. That it runs is not stored, which would cost as much again:
# where somebody looks, say so by `@shared_task(track_started=True)`.
CELERY_RESULT_EXTENDED = True
# {% endif %}
# {% if result.needs_cleaning and not scheduler.beat %}
# Without beat, workers remove expired results themselves.
CELERY_IMPORTS = ["config.cleanup"]
# {% endif %}
# {% if cookiecutter.flower %}
# Workers tell of each task while Flower runs, and no longer: it costs as much as a small task.
CELERY_INCLUDE = ["config.events"]
# {% endif %}

# Time: as in Django.
CELERY_TIMEZONE = env("TIME_ZONE", default="UTC")
CELERY_ENABLE_UTC = True

# Workers: a pool process that holds so many KiB once a task is done starts afresh, and gives back
# what tasks leaked. None does so after a number of tasks: the pool may take seconds to notice.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int(
    "CELERY_WORKER_MAX_MEMORY_PER_CHILD", default=512 * 1024
)
# Django's rules alone say how long a connection to the database lives, as in the web server.
CELERY_DB_REUSE_MAX = 10**9
# {% if scheduler.settings() %}

{{ scheduler.settings() }}
# {% endif %}

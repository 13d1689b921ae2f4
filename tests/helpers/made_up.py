"""Made-up brokers and result backends, one of each with every fact true and one with none."""

import json
from pathlib import Path
from typing import Any

BROKER = """\
{# A made-up broker. #}
# {% set title = "TITLE" %}
# {% set heading = "TITLE" %}
# {% set celery_extras = [] %}
# {% set kombu_extras = "" %}
# {% set dependencies = DEPENDENCIES %}
# {% set services = [] %}
# {% set apps = APPS %}
# {% set database = "INCLUDED" %}
# {% set url = "ADDRESS" %}
# {% set example = "ADDRESS" %}
# {% set compose_url = "ADDRESS" %}
# {% set events = FACT %}
# {% set reply_queues = FACT %}
# {% set topics = FACT %}
# {% set topic = 'TOPIC' %}
# {% set broadcasts = FACT %}
# {% set priorities = FACT %}
# {% set batches = FACT %}
# {% set leases = FACT %}
# {% set native_delays = FACT %}
# {% set app_module = "celery" %}

# {% macro imports() %}
from kombu import IMPORTED
# {%- endmacro %}

# {% macro settings() %}
LEASE
CELERY_BROKER_URL = READ
# {%- endmacro %}

# {% macro queues() %}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = [
    Queue("default", routing_key="default"),
    Queue("slow", routing_key="slow"),
EXTRA]
# {%- endmacro %}

# {% macro environment() %}# {% endmacro %}

# {% macro defaults() %}# {% endmacro %}

# {% macro compose_environment() %}# {% endmacro %}

# {% macro kubernetes_settings() %}# {% endmacro %}

# {% macro overlay_patches(environment) %}# {% endmacro %}

# {% macro internals() %}
| `broker.py` | nothing | none | the broker is made up | none |
# {%- endmacro %}

# {% macro checks() %}# {% endmacro %}

# {% macro scaler(queue) %}
    - type: postgresql
      metadata:
        query: SELECT length FROM waiting('{{ cookiecutter.project_slug }}' || '_{{ queue }}')
        targetQueryValue: "10"
      authenticationRef:
        name: broker
# {%- endmacro %}

# {% macro scaler_replacements() %}
        fieldPaths: [spec.triggers.0.metadata.query]
        options: { delimiter: "'", index: 1 }
# {%- endmacro %}

# {% macro scaler_login() %}
  secretTargetRef:
    - parameter: connection
      name: secrets
      key: DATABASE_URL
# {%- endmacro %}

# {% macro secrets() %}
SECRET# {%- endmacro %}

# {% macro alerts() %}
- Tasks wait too long: count them.
# {%- endmacro %}

# {% macro scaling_notes() %}
It scales well.
# {%- endmacro %}

# {% macro readme() %}
TITLE is made up.
# {%- endmacro %}
"""
LEASE = 'TASK_LEASE = env.int("TASK_LEASE", default=60)'
MODULE = '''\
"""A made-up broker."""

from typing import Any


def is_redelivered(request: Any) -> bool:
    """Return whether this task was redelivered."""
    return False


def count_unacknowledged(channel: Any) -> int:
    """Return the number of unacknowledged tasks."""
    return 0


def renew(channel: Any, messages: Any) -> None:
    """Do nothing."""
'''
RESULT = """\
{# A made-up result backend. #}
# {% set title = "TITLE" %}
# {% set celery_extras = [] %}
# {% set dependencies = [] %}
# {% set services = [] %}
# {% set apps = [] %}
# {% set url = "" %}
# {% set example = "" %}
# {% set compose_url = "" %}
# {% set cache_url = "" %}
# {% set results_enabled = FACT %}
# {% set results_retrievable = FACT %}
# {% set transactional = FACT %}
# {% set chords = FACT %}
# {% set needs_cleaning = FACT %}
# {% set file = "FILE" %}
# {% set own_tables = FACT %}
# {% set module = FACT %}
# {% set reply_queue = FACT %}
# {% set instead = "none" %}
# {% set summary = "made up." %}

# {% macro settings() %}
CELERY_SETTING
# {%- endmacro %}

# {% macro readme() %}
Results are made up.
# {%- endmacro %}

# {% macro internals() %}# {% endmacro %}
"""
BACKEND = '''\
"""A result backend that stores nothing."""

from celery.backends.base import DisabledBackend


class Backend(DisabledBackend):
    """A disabled backend."""
'''


def add_to(template: Path) -> None:
    """Add the made-up choices to a copy of the template, as docs/adding-a-choice.md explains."""
    file = template / "cookiecutter.json"
    questions = json.loads(file.read_text(encoding="utf-8"))
    for name, is_true in (("always", True), ("never", False)):
        add_broker(template, questions, f"{name}broker", is_true)
        add_result_backend(template, questions, f"{name}results", is_true)
    file.write_text(json.dumps(questions, indent=2), encoding="utf-8")


def add_broker(template: Path, questions: Any, name: str, is_true: bool) -> None:
    """Add a broker with every fact true or false."""
    text = fill(BROKER, name, is_true)
    values = {
        "INCLUDED": "postgresql" if is_true else "",
        # Any package and any app will do.
        "DEPENDENCIES": '["humanize>=4"]' if is_true else "[]",
        "APPS": '["django.contrib.humanize"]' if is_true else "[]",
        # Without an address of its own, a broker has that of another setting.
        "ADDRESS": "memory://" if is_true else "",
        "READ": 'env("CELERY_BROKER_URL")' if is_true else '"memory://"',
        "SECRET": "CELERY_BROKER_URL=memory://\n" if is_true else "",
        "TOPIC": 'routing_key="slow.reports"' if is_true else "",
        "IMPORTED": "Queue\nfrom kombu.common import Broadcast" if is_true else "Queue",
        "LEASE\n": f"{LEASE}\n" if is_true else "",
        "EXTRA": '    Broadcast("broadcast"),\n' if is_true else "",
    }
    for key, value in values.items():
        text = text.replace(key, value)
    folder = template / "templates" / "brokers"
    (folder / f"{name}.jinja").write_text(text, encoding="utf-8")
    (folder / f"{name}.py").write_text(MODULE, encoding="utf-8")
    offer(questions, "broker", name)
    (template / "docs" / "brokers" / f"{name}.md").write_text(f"# {name.title()}\n", "utf-8")
    index = template / "docs" / "README.md"
    index.write_text(f"{index.read_text('utf-8')}\n[{name}](brokers/{name}.md)\n", "utf-8")
    site = template / "zensical.toml"
    menu = site.read_text("utf-8").replace('"faults.md"', f'"brokers/{name}.md", "faults.md"')
    site.write_text(menu, "utf-8")


def add_result_backend(template: Path, questions: Any, name: str, is_true: bool) -> None:
    """Add a result backend with every fact true or false."""
    backend = 'RESULT_BACKEND = "task_queue.results:Backend"'
    text = fill(RESULT, name, is_true)
    text = text.replace("FILE", "file:///data/results" if is_true else "")
    text = text.replace("SETTING", backend if is_true else "TASK_IGNORE_RESULT = True")
    folder = template / "templates" / "results"
    (folder / f"{name}.jinja").write_text(text, encoding="utf-8")
    if is_true:
        (folder / f"{name}.py").write_text(BACKEND, encoding="utf-8")
    offer(questions, "result_backend", name)


def fill(text: str, name: str, is_true: bool) -> str:
    return text.replace("TITLE", name.title()).replace("FACT", str(is_true).lower())


def offer(questions: Any, question: str, name: str) -> None:
    questions[question].append(name)
    questions["__prompts__"][question][name] = f"{name.title()} - made up"

"""Made-up brokers and result backends, one of each with every fact true and one with none."""

import json
import re
from pathlib import Path
from typing import Any

BROKER = """\
{# A made-up broker. #}
# {% set title = "TITLE" %}
# {% set heading = "TITLE" %}
# {% set celery_extras = LISTED["yaml"] %}
# {% set kombu_extras = "EXTRAS" %}
# {% set dependencies = LISTED["humanize>=4"] %}
# {% set services = LISTED["alwaysserver"] %}
# {% set apps = LISTED["task_queue.broker_schema"] %}
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
# {% set app_module = "APP_MODULE" %}

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
    - type: made-up
      metadata:
        query: waiting('{{ cookiecutter.project_slug }}' || '_{{ queue }}')
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

import celery


class Celery(celery.Celery):
    """The app of a made-up broker."""


def is_redelivered(request: Any) -> bool:
    """Return whether this task was redelivered."""
    return False


def count_unacknowledged(channel: Any) -> int:
    """Return the number of unacknowledged tasks."""
    return 0


def renew(channel: Any, messages: Any) -> None:
    """Do nothing."""
'''
SCHEMA = """\
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = []
"""
SERVICE = """\
{# A made-up server. #}
# {% set name = "alwaysserver" %}
# {% set title = "Alwaysserver" %}
# {% set start = "alwaysserver &" %}
# {% set notes = ["It is made up."] %}
# {% set image = "alwaysserver:1.0" %}
# {% set bundled = "" %}
# {% set packages = ["humanize>=4"] %}
# {% set untyped = ["alwaysserver.*"] %}
# {% set stands_in = false %}
# {% set password = "ALWAYSSERVER_PASSWORD" %}

# {% macro compose() %}
  alwaysserver:
    image: {{ image }}
    volumes: ["alwaysserver:/data"]
    healthcheck:
      test: alwaysserver --healthy
    restart: unless-stopped
# {%- endmacro %}

# {% macro development() %}
  alwaysserver:
    ports: ["127.0.0.1:7007:7007"]
# {%- endmacro %}

# {% macro production() %}
  alwaysserver:
    <<: *limits
    command: alwaysserver --password ${ALWAYSSERVER_PASSWORD:?set it in .env}
    configs:
      - source: alwaysserver
        target: /etc/alwaysserver
# {%- endmacro %}

# {% macro configs() %}
  alwaysserver:
    content: made up
# {%- endmacro %}

# {% macro github() %}
      alwaysserver:
        image: {{ image }}
        options: --health-cmd "alwaysserver --healthy"
# {%- endmacro %}

# {% macro gitlab() %}
    - name: {{ image }}
      alias: alwaysserver
      variables:
        HEALTHCHECK_TCP_PORT: "7007"
# {%- endmacro %}

# {% macro readme() %}
It is made up.
# {%- endmacro %}

# {% macro deploy() %}
It is made up.
# {%- endmacro %}
"""
SERVER = '''\
"""A made-up server."""

import sys

from tools.servers.server import HOST, Server, ask


class AlwaysServer(Server):
    """A server that has no tasks."""

    name = "alwaysserver"
    default_port = 7007

    def command(self) -> list[str]:
        return [sys.executable, "-m", "http.server", "--bind", HOST, str(self.port)]

    def version(self) -> str:
        return "Alwaysserver 1.0"

    def answers(self) -> bool:
        return bool(ask(self.port, b"GET / HTTP/1.0\\r\\n\\r\\n"))
'''
SCALER = """\
{"required": ["query", "connection"]}
"""
WORD = '''\
"""Words of the made-up server."""

from functools import partial

from tests.helpers.rendered import Word, needs

WORD = Word("(?i)alwaysserver", partial(needs, "alwaysserver"))
'''
RESULT = """\
{# A made-up result backend. #}
# {% set title = "TITLE" %}
# {% set celery_extras = LISTED["msgpack"] %}
# {% set dependencies = LISTED["humanize>=4"] %}
# {% set services = LISTED["alwaysserver"] %}
# {% set apps = LISTED["django.contrib.humanize"] %}
# {% set url = "" %}
# {% set example = "" %}
# {% set compose_url = "" %}
# {% set cache_url = "CACHE" %}
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

# {% macro checks() %}# {% endmacro %}

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
    for path, text in (
        ("templates/services/alwaysserver.jinja", SERVICE),
        ("tools/servers/alwaysserver.py", SERVER),
        ("tests/rendering/test_alwaysserver.py", WORD),
        ("tests/rendering/scalers/made-up.json", SCALER),
    ):
        (template / path).write_text(text, encoding="utf-8")
    file.write_text(json.dumps(questions, indent=2), encoding="utf-8")


def add_broker(template: Path, questions: Any, name: str, is_true: bool) -> None:
    """Add a broker with every fact true or false."""
    text = fill(BROKER, name, is_true)
    values = {
        "INCLUDED": "postgresql" if is_true else "",
        "EXTRAS": "[yaml]" if is_true else "",
        "APP_MODULE": "task_queue.broker" if is_true else "celery",
        # Without an address of its own, a broker has that of another setting.
        "ADDRESS": "filesystem://" if is_true else "",
        "READ": 'env("CELERY_BROKER_URL")' if is_true else '"memory://"',
        "SECRET": "CELERY_BROKER_URL=filesystem://\n" if is_true else "",
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
    if is_true:
        (folder / f"{name}_schema.py").write_text(SCHEMA, encoding="utf-8")
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
    text = text.replace("CACHE", "dbcache://made_up" if is_true else "")
    text = text.replace("SETTING", backend if is_true else "TASK_IGNORE_RESULT = True")
    folder = template / "templates" / "results"
    (folder / f"{name}.jinja").write_text(text, encoding="utf-8")
    if is_true:
        (folder / f"{name}.py").write_text(BACKEND, encoding="utf-8")
    offer(questions, "result_backend", name)


def fill(text: str, name: str, is_true: bool) -> str:
    """Fill in the name, and the facts: each true, with any package and any app, or none."""
    text = text.replace("LISTED", "") if is_true else re.sub(r"LISTED\[.*\]", "[]", text)
    return text.replace("TITLE", name.title()).replace("FACT", str(is_true).lower())


def offer(questions: Any, question: str, name: str) -> None:
    questions[question].append(name)
    questions["__prompts__"][question][name] = f"{name.title()} - made up"

# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
# {% import "results/" ~ cookiecutter.result_backend ~ ".jinja" as result with context %}
"""What the page says of the machinery behind it."""

# {% if not broker.broadcasts %}
from datetime import timedelta

# {% endif %}
# {% if cookiecutter.flower %}
from django.conf import settings
# {% endif %}
# {% if broker.broadcasts %}
from django.core.cache import cache
# {% endif %}
from django.urls import reverse
# {% if broker.broadcasts %}

from config import celery_app
# {% else %}
from django.utils import timezone

from gallery.models import Photograph, State
# {% endif %}

BROKER = "{{ broker.title }}"
RESULTS = "{{ result.title }}"
# {% if broker.broadcasts %}
# How old an answer of the workers may be, and how long they have for it, in seconds.
AGE, PATIENCE = 5, 0.5


def workers() -> str:
    """How many workers are listening, in a sentence. Asks them, which takes a moment."""
    return str(cache.get_or_set("gallery-workers", ask, AGE))


def ask() -> str:
    try:
        with celery_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=0)
            count = len(celery_app.control.ping(timeout=PATIENCE, connection=broker) or [])
    # Each broker's library has errors of its own.
    except Exception:
        return f"{BROKER} does not answer: tasks cannot be sent."
    if not count:
        return "No worker is listening. Start one: make worker"
    return "1 worker is listening." if count == 1 else f"{count} workers are listening."
# {% else %}
A_WHILE = timedelta(seconds=15)


def workers() -> str:
    """Whether workers are listening, as far as one can tell, in a sentence."""
    long_ago = timezone.now() - A_WHILE
    if Photograph.objects.filter(state=State.WAITING, created_at__lt=long_ago).exists():
        return "Photographs have been waiting for a while. Is a worker running? make worker"
    return f"{BROKER} cannot tell how many workers are listening."
# {% endif %}


def links() -> dict[str, str]:
    """Where else there is something to see."""
    # {% if cookiecutter.flower %}
    addresses = {"Admin": reverse("admin:index")}
    if settings.DEBUG:
        addresses["Flower"] = "http://localhost:5555"
    return addresses
    # {% else %}
    return {"Admin": reverse("admin:index")}
    # {% endif %}

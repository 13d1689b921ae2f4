"""What load balancers and monitors ask, without logging in."""

from django.urls import path

from config import celery_app
from health.views import Broker, Database, HealthView, Workers

TASKS = [Broker, Workers] if celery_app.conf.worker_enable_remote_control else [Broker]

urlpatterns = [
    # Whether this process can serve visitors.
    path("", HealthView.as_view(checks=[Database])),
    # Whether tasks go on. Visitors are served without: this is for monitors alone.
    path("tasks/", HealthView.as_view(checks=TASKS)),
]

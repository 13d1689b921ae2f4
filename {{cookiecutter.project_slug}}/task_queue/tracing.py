"""Send traces that link a request to its tasks."""

import os

from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from config.env import env


def start() -> None:
    """Start tracing if OTEL_EXPORTER_OTLP_ENDPOINT is set, in web processes and workers."""
    if not env("OTEL_EXPORTER_OTLP_ENDPOINT", default=""):
        return
    env.address("OTEL_EXPORTER_OTLP_ENDPOINT", "http", "https")
    os.environ.setdefault("OTEL_SERVICE_NAME", settings.QUEUE_PREFIX)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Behind HealthMiddleware, so that health checks are not traced.
    DjangoInstrumentor().instrument(middleware_position=1)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]

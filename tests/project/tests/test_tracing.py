"""A trace links a request to the tasks that it sent."""

from collections.abc import Iterator

import pytest
from celery import chain
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from task_queue.tracing import start
from tests import Notes, Process, wait_until
from tests.collector import Collector
from tests.tasks import fail_twice, record
from tests.workers import restart

REQUEST = "GET send/<path:notes>"


def send(request: HttpRequest, notes: str) -> HttpResponse:
    chain(fail_twice.s(f"/{notes}"), record.s(f"/{notes}")).delay()
    return HttpResponse()


urlpatterns = [path("send/<path:notes>", send)]


def test_an_endpoint_without_a_scheme_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
    with pytest.raises(SystemExit):
        start()
    assert capsys.readouterr().err.startswith("ERROR: OTEL_EXPORTER_OTLP_ENDPOINT is not a valid")


@pytest.fixture
def exporter(worker: Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Run a collector for the traces of the worker and of this process."""
    server = Collector()
    url = f"http://127.0.0.1:{server.server_port}"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    restart(worker, **variables)
    start()
    yield server
    # The method has no type hints.
    CeleryInstrumentor().uninstrument()  # type: ignore[no-untyped-call]
    DjangoInstrumentor().uninstrument()
    restart(worker, OTEL_EXPORTER_OTLP_ENDPOINT="")


def spans(exporter: Collector) -> dict[bytes, Span]:
    """Return the collected spans by their id."""
    exports = [ExportTraceServiceRequest.FromString(body) for body in list(exporter.bodies)]
    return {
        span.span_id: span
        for export in exports
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


@pytest.mark.urls(__name__)
def test_a_trace_leads_from_the_request_to_each_run_of_its_tasks(
    exporter: Collector, notes: Notes
) -> None:
    Client().get(f"/send{notes.path}")
    notes.wait(4)

    def runs() -> list[Span]:
        """Return the runs in this trace only: a task of another test may still be running."""
        found = spans(exporter).values()
        traces = {span.trace_id for span in found if span.name == REQUEST}
        runs = [span for span in found if span.name.startswith("run/tests.")]
        return [span for span in runs if span.trace_id in traces]

    def first(span: Span) -> str:
        """Return the name of the root span."""
        parent = spans(exporter).get(span.parent_span_id)
        return first(parent) if parent else span.name

    wait_until(lambda: len(runs()) == 4, what="all runs in the trace")
    wait_until(lambda: {first(run) for run in runs()} == {REQUEST}, what="its root")
    last = max(runs(), key=lambda run: run.start_time_unix_nano)
    assert last.name == "run/tests.tasks.record"
    assert notes.path not in str([run.attributes for run in runs()])
    # A load balancer uses a host name that Django refuses.
    assert Client().get("/health/", headers={"host": "192.0.2.1"}).status_code == 200

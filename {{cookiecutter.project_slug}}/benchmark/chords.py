"""Measures of chords: tasks side by side, and one that gets what they returned."""

import time

from celery import chord
from celery.result import GroupResult

from benchmark import notes
from benchmark.measures import Figure, Figures, Run, measure
from benchmark.tasks import answer, empty


@measure
def chords(run: Run) -> Figures:
    """From sending a chord of a tenth of the tasks until the one runs that joins them."""
    size = run.tasks // 10
    with run.worker() as worker:
        worker.warm_up()
        notes.clear()
        start = time.time()
        joined = chord(answer.s() for _ in range(size))(empty.s())
        end = notes.wait(size + 1)[size]
    if isinstance(joined.parent, GroupResult):
        joined.parent.forget()
    return {"chord": Figure(end - start, "s")}

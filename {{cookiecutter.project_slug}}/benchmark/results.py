"""Measures of results that somebody reads."""

import time

from benchmark.measures import Figures, Run, drain, measure, percentiles
from benchmark.tasks import answer

ROUND_TRIPS = 200
SECONDS = 10


@measure
def results(run: Run) -> Figures:
    """Empty tasks, whose results are kept."""
    return drain(run, answer, ", results")


@measure
def round_trip(run: Run) -> Figures:
    """From sending a task to having its result, one after the other."""
    seconds: list[float] = []
    with run.worker() as worker:
        worker.warm_up()
        # Fewer, where the backend is asked for a result twice a second.
        while len(seconds) < ROUND_TRIPS and sum(seconds) < SECONDS:
            start = time.perf_counter()
            result = answer.delay()
            result.get()
            seconds.append(time.perf_counter() - start)
            result.forget()
    return percentiles("round trip", seconds)

"""Run a command, and restart it after each change of the code and whenever it exits."""

import signal
import sys
from contextlib import suppress
from subprocess import Popen

from watchfiles import PythonFilter, watch

signal.signal(signal.SIGTERM, signal.default_int_handler)
process = Popen(sys.argv[1:])
with suppress(KeyboardInterrupt):
    # Without a change, `watch` yields every five seconds.
    for changes in watch(".", watch_filter=PythonFilter(), yield_on_timeout=True):
        if changes or process.poll() is not None:
            process.terminate()
            process.wait()
            process = Popen(sys.argv[1:])
process.terminate()
process.wait()

"""Sends tasks of tests/faults.py, and prints their ids.

The arguments after its text: NOTES TASK FIRST COUNT ARGS OPTIONS.
"""

# mypy: disable-error-code=import-not-found
# ruff: noqa: E402

import json
import sys

import config  # noqa: F401 - it names the settings
import django

django.setup()

from tests import faults

notes, name, first, count, args, options = sys.argv[1:]
task = getattr(faults, name)
for number in range(int(first), int(first) + int(count)):
    sent = task.apply_async((notes, number, *json.loads(args)), **json.loads(options))
    print(sent.id)

"""Send tasks of tests/faults.py, and print their ids.

Arguments: NOTES TASK FIRST COUNT ARGS OPTIONS.
"""

# mypy: disable-error-code=import-not-found
# ruff: noqa: E402

import json
import sys

import config  # noqa: F401 - sets DJANGO_SETTINGS_MODULE
import django

django.setup()

from tests import faults

notes, name, first, count, args, options = sys.argv[1:]
task = getattr(faults, name)
for number in range(int(first), int(first) + int(count)):
    sent = task.apply_async((notes, number, *json.loads(args)), **json.loads(options))
    print(sent.id)

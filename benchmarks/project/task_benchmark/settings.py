"""The project's settings, which BENCHMARK_SETTINGS names, and the benchmark as one more app."""

import os
from importlib import import_module

project = import_module(os.environ["BENCHMARK_SETTINGS"])
vars().update({name: value for name, value in vars(project).items() if name.isupper()})
# First, so that its command comes before one of the same name.
INSTALLED_APPS = ["task_benchmark", *project.INSTALLED_APPS]

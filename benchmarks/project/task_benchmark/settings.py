"""The project's settings, in the module BENCHMARK_SETTINGS, with the benchmark as another app."""

import os
from importlib import import_module

project = import_module(os.environ["BENCHMARK_SETTINGS"])
vars().update({name: value for name, value in vars(project).items() if name.isupper()})
# First, so that its command overrides others of the same name.
INSTALLED_APPS = ["task_benchmark", *project.INSTALLED_APPS]

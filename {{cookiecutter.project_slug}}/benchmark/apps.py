"""Measures how fast tasks run."""

from django.apps import AppConfig


class BenchmarkConfig(AppConfig):
    name = "benchmark"

"""Shares the fixtures of `tests/fixtures.py`, such as a real worker, with every app."""

pytest_plugins = ["tests.fixtures"]

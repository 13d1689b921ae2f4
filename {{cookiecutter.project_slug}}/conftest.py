"""Gives the tests of every app what is in `tests/fixtures.py`, such as a real worker."""

pytest_plugins = ["tests.fixtures"]

"""Tests of the generated files for all answers."""

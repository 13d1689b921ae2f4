"""Tests of the servers that other tests run."""

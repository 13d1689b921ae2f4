"""Tests for keeping a project's test runs apart from its development database and queues."""

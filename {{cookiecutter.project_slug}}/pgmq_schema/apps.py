"""PGMQ's functions and tables."""

from django.apps import AppConfig


class PgmqSchemaConfig(AppConfig):
    name = "pgmq_schema"

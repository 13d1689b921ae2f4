from django.apps import AppConfig


class BrokerSchemaConfig(AppConfig):
    name = "task_queue.broker_schema"
    # Another broker has migrations of its own.
    label = "{{ cookiecutter.broker }}_schema"

from django.apps import AppConfig


class TaskBenchmarkConfig(AppConfig):
    name = "task_benchmark"
    default_auto_field = "django.db.models.BigAutoField"

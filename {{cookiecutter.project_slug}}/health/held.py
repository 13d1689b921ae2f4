# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
"""Tasks that are not done, and that no queue shows."""

{{ broker.held() }}

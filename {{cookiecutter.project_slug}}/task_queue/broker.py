# {% include "brokers/" ~ cookiecutter.broker ~ ".py" %}

# {% include "brokers/" ~ cookiecutter.broker ~ "_schema.py" ignore missing %}

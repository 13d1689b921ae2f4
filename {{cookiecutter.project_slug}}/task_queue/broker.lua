# {% include "brokers/" ~ cookiecutter.broker ~ ".lua" ignore missing %}

# {% include "results/" ~ cookiecutter.result_backend ~ ".py" ignore missing %}

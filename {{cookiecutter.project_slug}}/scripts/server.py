# {% from "project.jinja" import bundled with context %}
# {% for service in bundled %}
# {% include "services/" ~ service.name ~ ".py" %}
# {% endfor %}

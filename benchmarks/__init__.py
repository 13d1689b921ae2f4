"""How fast the generated projects are: beside one another, and beside cookiecutter-django's wiring.

The figures are those of the projects' own `manage.py benchmark`.
"""

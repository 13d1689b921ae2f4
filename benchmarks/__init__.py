"""Compare the speed of generated projects with each other and with cookiecutter-django's wiring.

The figures come from the projects' own `manage.py benchmark`.
"""

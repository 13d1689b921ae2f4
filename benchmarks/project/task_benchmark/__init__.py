"""An app that `make benchmark` adds to a project's own settings: see `tools/project.py`.

It imports only `config` from the project, so that it also works in older projects. Their own apps
have other names.
"""

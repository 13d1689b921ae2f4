"""An app that `make benchmark` adds to a project's own settings: see `tools/project.py`.

Of the project, it imports `config` alone, so that it also measures older projects. Its name is not
that of an app which they may have.
"""

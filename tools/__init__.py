"""Tools for developing the template; nothing here reaches a generated project."""

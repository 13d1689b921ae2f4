"""How tasks are sent, delivered and watched. `make update` updates this package."""

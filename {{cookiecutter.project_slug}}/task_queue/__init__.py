"""How tasks are sent, delivered and watched. `make update` renews this package."""

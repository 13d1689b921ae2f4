"""The user, the project's own from the first migration, so that it can grow fields later."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who can log in."""

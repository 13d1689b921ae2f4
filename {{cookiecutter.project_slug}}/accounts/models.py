"""The project's own user model, so that you can add fields later."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who can log in."""

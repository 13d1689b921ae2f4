"""What makes a connection unsafe in production."""

from collections.abc import Iterator

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

LOCAL = ("localhost", "127.0.0.1", "::1")
GUESSED = ("", "admin", "changeme", "guest", "password", "secret")


def check_password(setting: str, user: str | None, password: str | None) -> Iterator[CheckMessage]:
    """Whether the password in a setting is one that nobody guesses."""
    if password in (None, user, *GUESSED):
        yield CheckWarning(
            f"{setting} has no password, or one that anybody would guess.",
            hint="Give the server a user with a random password.",
            id="celery.W007",
        )


def check_way(
    setting: str, host: str, encrypted: bool, verified: bool, encrypt: str, verify: str
) -> Iterator[CheckMessage]:
    """Whether others can read what goes to a host, or take its place; hints say what helps."""
    if host in LOCAL:
        yield CheckWarning(
            f"{setting} leads to {host}: is it the server for development?",
            hint="Name the server for production.",
            id="celery.W010",
        )
    elif not encrypted:
        yield CheckWarning(
            f"{setting} is not encrypted: others can read tasks and the password.",
            hint=encrypt,
            id="celery.W008",
        )
    elif not verified:
        yield CheckWarning(
            f"{setting} is encrypted, but the certificate of {host} is not checked: others can "
            "take its place.",
            hint=verify,
            id="celery.W009",
        )

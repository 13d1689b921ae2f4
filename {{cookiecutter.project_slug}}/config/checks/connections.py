"""What makes a connection unsafe in production."""

from collections.abc import Iterator
from ssl import CERT_NONE
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from kombu import Connection

LOCAL = ("localhost", "127.0.0.1", "::1")


def check_url(setting: str, url: str, use_ssl: Any) -> Iterator[CheckMessage]:
    """What is wrong with the address in a setting, and with the TLS options that go with it."""
    connection = Connection(url, ssl=use_ssl)
    transport = connection.transport
    host = connection.hostname or transport.default_connection_params["hostname"]
    if "/" in host:
        # A socket file, which has an owner, and leads to this machine.
        return
    if connection.password in (None, connection.userid):
        yield CheckWarning(
            f"{setting} has no password, or one that anybody would guess.",
            hint="Give the server a user with a random password.",
            id="celery.W007",
        )
    if host in LOCAL:
        yield CheckWarning(
            f"{setting} leads to {host}: is it the server for development?",
            hint="Name the server for production.",
            id="celery.W010",
        )
    elif not connection.ssl:
        yield CheckWarning(
            f"{setting} is not encrypted: others can read tasks and the password.",
            hint=f"Let it begin with {transport.driver_type}s://.",
            id="celery.W008",
        )
    elif not verifies(connection.ssl):
        yield CheckWarning(
            f"{setting} is encrypted, but the certificate of {host} is not checked: others can "
            "take its place.",
            hint="Leave away what turns the check off, such as ssl_cert_reqs=none. SSL_CERT_FILE "
            "can name a file of authorities to trust.",
            id="celery.W009",
        )


def verifies(options: Any) -> bool:
    """Whether TLS options have the certificate checked, and that it is that of the host."""
    if options is True:
        return False
    required = options.get("ssl_cert_reqs", options.get("cert_reqs"))
    return required not in (CERT_NONE, "none") and options.get("ssl_check_hostname", True)

"""What makes the address of a server unsafe in production."""

from collections.abc import Iterator
from ssl import CERT_NONE
from typing import Any

from django.core.checks import CheckMessage
from kombu import Connection

from config.checks.connections import check_password, check_way


def check_url(setting: str, url: str, use_ssl: Any) -> Iterator[CheckMessage]:
    """What is wrong with the address in a setting, and with the TLS options that go with it."""
    connection = Connection(url, ssl=use_ssl)
    transport = connection.transport
    host = connection.hostname or transport.default_connection_params["hostname"]
    if "/" in host:
        # A socket file, which has an owner, and leads to this machine.
        return
    yield from check_password(setting, connection.userid, connection.password)
    yield from check_way(
        setting,
        host,
        encrypted=bool(connection.ssl),
        verified=verifies(connection.ssl),
        encrypt=f"Let it begin with {transport.driver_type}s://.",
        verify="Leave away what turns the check off, such as ssl_cert_reqs=none. SSL_CERT_FILE "
        "can name a file of authorities to trust.",
    )


def verifies(options: Any) -> bool:
    """Whether TLS options have the certificate checked, and that it is that of the host."""
    if not options or options is True:
        return False
    required = options.get("ssl_cert_reqs", options.get("cert_reqs"))
    return required not in (CERT_NONE, "none") and options.get("ssl_check_hostname", True)

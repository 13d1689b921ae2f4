"""Servers with TLS. Each has a module here with a class `Secure`."""

import pkgutil
from importlib import import_module
from pathlib import Path

import trustme

from tools.generate import choices, facts

SECURE = {
    module.name: import_module(f"{__name__}.{module.name}").Secure
    for module in pkgutil.iter_modules(__path__)
}
# A broker in the database uses the database's connection.
KINDS = [name for name in SECURE if name != "postgresql"]
BROKERS = [
    str(broker)
    for broker in choices()["broker"]
    if set(facts({"broker": broker}).broker.services) <= set(KINDS)
]


def certify(name: str, folder: Path) -> list[Path]:
    """Write a certificate for a host and its key into folder, and return their paths.

    The certificate of its authority is `authority.pem` in the same folder.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert(name)
    certificate = [folder / "certificate.pem", folder / "key.pem"]
    issued.cert_chain_pems[0].write_to_path(str(certificate[0]))
    issued.private_key_pem.write_to_path(str(certificate[1]))
    return certificate

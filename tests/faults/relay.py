"""A network link that tests can cut."""

import socket
import threading
from contextlib import suppress

from tools.servers.server import HOST, free_port


class Relay:
    """A TCP relay to a port on 127.0.0.1."""

    def __init__(self, target: int, host: str = HOST) -> None:
        self.host = host
        self.port = free_port()
        self._target = target
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._muted = False

    def start(self) -> None:
        self._muted = False
        self._listener = socket.create_server((self.host, self.port), reuse_port=True)
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        """Close every connection, and refuse new ones until `start`."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def mute(self) -> None:
        """Keep and accept connections, but drop all data until `start`."""
        self._muted = True

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection((HOST, self._target))
                except OSError:
                    client.close()
                    continue
                self._connections |= {client, server}
                if self._listener is not listener:
                    # `cut` was called meanwhile, and may have missed this connection.
                    client.close()
                    server.close()
                    return
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=[one, other], daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self._muted:
                    target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        self._connections.discard(source)
        source.close()

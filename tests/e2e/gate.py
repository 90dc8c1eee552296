"""Where functions and a test meet: no test has to guess how long anything takes."""

import socket


class Gate:
    """Functions connect, say who they are, and wait for a word."""

    def __init__(self, timeout_s=30):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(timeout_s)
        self.timeout_s = timeout_s

    @property
    def address(self):
        return list(self._listener.getsockname())

    def wait(self):
        """The next visitor."""
        connection, _ = self._listener.accept()
        connection.settimeout(self.timeout_s)
        return Visitor(connection)

    def close(self):
        self._listener.close()


class Visitor:
    """Somebody who waits at the gate."""

    def __init__(self, connection):
        self._connection = connection
        self._lines = connection.makefile()
        self.text = self._lines.readline().strip()

    def let_go(self, word="go"):
        self._connection.sendall(word.encode() + b"\n")
        self._lines.close()
        self._connection.close()

    def wait_for_end(self):
        """Returns when the visitor's process is gone or has closed its connection; raises when it stays."""
        try:
            assert self._lines.readline() == ""
        except ConnectionResetError:
            pass

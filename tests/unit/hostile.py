# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that answer as no server should, or never."""

from __future__ import annotations

import os
import socket
import threading
import time
import typing as t

#: the timeout of one answer that tests give who asks them
TIMEOUT = 0.5
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Raw:
    """Takes connections and does with each what it is told."""

    def __init__(self, serve: t.Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.access = {"host": f"http://127.0.0.1:{self._listening.getsockname()[1]}", "api_key": "secret-4711"}
        self._serve = serve
        self._ended = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._ended:
            connection = self._listening.accept()[0]
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                self._serve(connection)
            except OSError:
                pass

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_error: object) -> None:
        # One that is closed while a thread waits for connections goes on to take them.
        self._ended = True
        socket.create_connection(self._listening.getsockname()).close()
        self._thread.join()
        self._listening.close()


def never(_connection: socket.socket) -> None:
    """Do not answer."""
    time.sleep(20)


def slowly(connection: socket.socket) -> None:
    """Send a byte now and then."""
    for byte in HEAD * 100:
        connection.sendall(bytes([byte]))
        time.sleep(TIMEOUT / 2)


def slowly_after_the_head(connection: socket.socket) -> None:
    """Send the body so."""
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _number in range(1000):
        connection.sendall(b" ")
        time.sleep(TIMEOUT / 2)


def endless(connection: socket.socket) -> None:
    """Send a body without end."""
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b" " * 65536)


def answer(status: str, body: bytes, *headers: str) -> t.Callable[[socket.socket], None]:
    """Return what sends this."""
    def serve(connection: socket.socket) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    return serve


HOSTILE = {
    "never": never,
    "a byte now and then": slowly,
    "a byte of the body now and then": slowly_after_the_head,
    "without end": endless,
    "a list": answer("200 OK", b"[]"),
    "a page": answer("200 OK", b"<html>login</html>", "Content-Type: text/html"),
    "an error that shows the token": answer("500 Internal Server Error", b"you sent Bearer secret-4711"),
    "another place": answer("302 Found", b"", "Location: http://127.0.0.1:1/"),
    "nothing": lambda connection: None,
    "noise": lambda connection: connection.sendall(os.urandom(4096)),
    "deeply nested": answer("200 OK", b"[" * 200_000),
}

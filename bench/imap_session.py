"""One IMAP connection over TLS for measuring: a blocking socket, as little work as can be beside the server's.

Answers are not parsed: read until the tagged line, counted in bytes. Not for anything but benchmarks.
"""

import re
import socket
import ssl
from collections.abc import Sequence
from typing import Final, Self

PIECE_BYTES: Final = 1 << 18
TIMEOUT_SECONDS: Final = 120.0
_TAIL_BYTES: Final = 1024


class ImapError(Exception):
    """The server said NO or BAD, or closed."""


class ImapSession:
    """A connection; guards the bytes that came after the last answer."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        """Connect to 127.0.0.1 with TLS from the first byte and read the greeting."""
        plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain)
        self._buffer = b""
        self._count = 0
        self._idling = False
        self.line()

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Say LOGOUT and close."""
        try:
            self.socket.sendall(b"DONE\r\nz LOGOUT\r\n" if self._idling else b"z LOGOUT\r\n")
            while self.socket.recv(PIECE_BYTES):
                pass
        except OSError:
            pass
        self.socket.close()

    def login(self, user: str, password: str) -> Self:
        """Sign in."""
        self.command(f'LOGIN "{user}" "{password}"')
        return self

    def line(self) -> bytes:
        """Return the next line without its end."""
        while b"\r\n" not in self._buffer:
            self._receive()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def command(self, text: str) -> int:
        """Send a command; return how many bytes its whole answer has.

        Raises:
            ImapError: the answer is not OK.
        """
        self._count += 1
        tag = b"t%d " % self._count
        self.socket.sendall(tag + text.encode() + b"\r\n")
        return self._until(tag, text)

    def answer(self, text: str) -> bytes:
        """Send a command; return its whole answer."""
        self._count += 1
        tag = b"t%d " % self._count
        self.socket.sendall(tag + text.encode() + b"\r\n")
        pieces = []
        while not (line := self.line()).startswith(tag):
            pieces.append(line)
        pieces.append(line)
        return b"\r\n".join(pieces)

    def append(self, messages: Sequence[bytes], folder: str = "INBOX") -> None:
        """Append the messages with one command, each as a literal that waits for the server's go-ahead."""
        self._count += 1
        tag = b"t%d " % self._count
        self.socket.sendall(tag + b"APPEND %s {%d}\r\n" % (folder.encode(), len(messages[0])))
        for place, message in enumerate(messages):
            self._go_ahead(tag)
            following = messages[place + 1 : place + 2]
            end = b" {%d}\r\n" % len(following[0]) if following else b"\r\n"
            self.socket.sendall(message + end)
        self._until(tag, "APPEND")

    def idle(self) -> None:
        """Start IDLE and read the go-ahead."""
        self._count += 1
        self.socket.sendall(b"t%d IDLE\r\n" % self._count)
        self._go_ahead(b"t%d " % self._count)
        self._idling = True

    def _go_ahead(self, tag: bytes) -> None:
        while not (line := self.line()).startswith(b"+"):
            if line.startswith(tag):
                raise ImapError(line.decode(errors="replace"))

    def _until(self, tag: bytes, text: str) -> int:
        end = re.compile(rb"(?:^|\r\n)" + tag + rb"(OK|NO|BAD)[^\r\n]*\r\n$")
        total, tail = len(self._buffer), self._buffer
        self._buffer = b""
        while (found := end.search(tail)) is None:
            data = self.socket.recv(PIECE_BYTES)
            if not data:
                msg = "the server closed"
                raise ImapError(msg)
            total += len(data)
            tail = (tail + data)[-_TAIL_BYTES:]
        if found[1] != b"OK":
            msg = f"{text[:40]}: {found[0].decode(errors='replace').strip()}"
            raise ImapError(msg)
        return total

    def _receive(self) -> None:
        data = self.socket.recv(PIECE_BYTES)
        if not data:
            msg = "the server closed"
            raise ImapError(msg)
        self._buffer += data

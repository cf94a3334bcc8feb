"""One LDAP connection over TLS for measuring: a blocking socket, as little work as can be beside the server's.

Answers are not read beyond their tags: entries are counted until the search is done. Not for anything but benchmarks.
"""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from mssante.wire.ldap import ber
from mssante.wire.ldap.filter_text import parse_filter
from mssante.wire.ldap.messages import BIND_RESPONSE, SEARCH_DONE, SEARCH_ENTRY, Message, Scope, Search, SimpleBind
from mssante.wire.ldap.requests import write_message
from mssante.wire.ldap.results import ResultCode

ATTRIBUTES: Final = ("cn", "sn", "givenName", "mail", "uid", "title", "o", "l", "postalCode")
TIMEOUT_SECONDS: Final = 120.0
PIECE_BYTES: Final = 1 << 18
_LDAP_VERSION: Final = 3
_SEARCH_ENDS: Final = frozenset(
    {ResultCode.SUCCESS.value, ResultCode.SIZE_LIMIT_EXCEEDED.value, ResultCode.ADMIN_LIMIT_EXCEEDED.value}
)


class LdapError(Exception):
    """The server refused, or closed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How many entries came, and whether the server gave up before it had looked at everything."""

    entries: int
    was_cut: bool


def request(base: str, text: str, *, limit: int) -> bytes:
    """Return a search of the whole tree below a base, with message number 2."""
    search = Search(base, Scope.SUBTREE, parse_filter(text), ATTRIBUTES, size_limit=limit)
    return write_message(Message(2, search))


class LdapSession:
    """A connection; guards the bytes that came after the last answer."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        """Connect to 127.0.0.1 with TLS from the first byte."""
        plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._socket.close()

    def bind(self, name: str, password: str) -> Self:
        """Sign in; with neither name nor password: anonymously."""
        operation = SimpleBind(_LDAP_VERSION, name, password.encode())
        self._socket.sendall(write_message(Message(1, operation)))
        tag, code = self._next()
        if tag != BIND_RESPONSE or code != ResultCode.SUCCESS.value:
            msg = f"the sign-in was answered with code {code}"
            raise LdapError(msg)
        return self

    def ask(self, data: bytes) -> Answer:
        """Send a request made by `request`; return when its answer is whole."""
        self._socket.sendall(data)
        entries = 0
        while True:
            tag, code = self._next()
            if tag == SEARCH_ENTRY:
                entries += 1
            elif tag == SEARCH_DONE:
                if code not in _SEARCH_ENDS:
                    msg = f"a search was answered with code {code}"
                    raise LdapError(msg)
                return Answer(entries, code == ResultCode.ADMIN_LIMIT_EXCEEDED.value)

    def ask_all(self, requests: Sequence[bytes]) -> list[Answer]:
        """Ask one after the other."""
        return [self.ask(one) for one in requests]

    def _next(self) -> tuple[int, int]:
        """Return the tag of the next answer and its result code, -1 for an entry."""
        while (found := ber.head(self._buffer, 0, len(self._buffer))) is None:
            self._receive()
        _tag, start, length = found
        while len(self._buffer) < start + length:
            self._receive()
        # The message number is one byte; the operation follows it.
        operation = start + 3
        inside = ber.head(self._buffer, operation, start + length)
        if inside is None:
            msg = "an answer without operation"
            raise LdapError(msg)
        tag, first, _size = inside
        code = -1 if tag == SEARCH_ENTRY else self._buffer[first + 2]
        del self._buffer[: start + length]
        return tag, code

    def _receive(self) -> None:
        data = self._socket.recv(PIECE_BYTES)
        if not data:
            msg = "the server closed the connection"
            raise LdapError(msg)
        self._buffer += data

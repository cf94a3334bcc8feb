"""Bytes in, messages out: cuts the stream into messages and bounds them before they are there.

Source: RFC 4511 sections 5.1 and 4.1.1.
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap import ber
from mssante.wire.ldap.messages import Message, RequestLimits
from mssante.wire.ldap.requests import read_message

HEAD_MAX_BYTES: Final = 2 + ber.LENGTH_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Broken:
    """The stream cannot be read any further; `text` says why."""

    text: str


class MessageReader:
    """Cuts one direction of a connection into messages; guards what came and is not read yet.

    Nothing is read behind `Broken`.
    """

    __slots__ = ("_buffer", "_is_broken", "_limits", "_most", "_needed")

    def __init__(self, most_bytes: int, limits: RequestLimits) -> None:
        """Start with nothing.

        Args:
            most_bytes: of one message.
            limits: of what is in it.
        """
        self._buffer = bytearray()
        self._most = most_bytes
        self._limits = limits
        self._needed = 0
        self._is_broken = False

    def set_limit(self, most_bytes: int) -> None:
        """Bound messages anew, from the next one on."""
        self._most = most_bytes

    def receive(self, data: bytes) -> None:
        """Take what came from the wire."""
        if not self._is_broken:
            self._buffer += data

    def forget(self) -> None:
        """Throw away what came and is not read: it was said in clear, before TLS."""
        self._buffer.clear()
        self._needed = 0
        self._is_broken = False

    def next(self) -> Message | Broken | None:
        """Return the next message; None when more bytes are needed."""
        if self._is_broken:
            return None
        try:
            return self._next()
        except TheirProtocolError as error:
            self._buffer.clear()
            self._is_broken = True
            return Broken(str(error))

    def _next(self) -> Message | None:
        if not self._needed:
            self._needed = self._measure()
        if not self._needed or len(self._buffer) < self._needed:
            return None
        data = bytes(self._buffer[: self._needed])
        del self._buffer[: self._needed]
        self._needed = 0
        return read_message(data, self._limits)

    def _measure(self) -> int:
        """Return how long the message is that begins, 0 when its head is not there yet."""
        if self._buffer and self._buffer[0] != ber.SEQUENCE:
            msg = f"0x{self._buffer[0]:02x} begins no message"
            raise TheirProtocolError(msg)
        found = ber.head(self._buffer, 0, min(len(self._buffer), HEAD_MAX_BYTES))
        if found is None:
            return 0
        _tag, start, length = found
        if start + length > self._most:
            msg = f"message of {start + length} bytes is longer than {self._most}"
            raise TheirProtocolError(msg)
        return start + length

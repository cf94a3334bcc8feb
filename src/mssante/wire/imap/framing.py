"""Bytes of a client to commands: lines, literals, the messages of APPEND as a stream; within limits.

A command is collected as segments (text, literal, text...) and parsed when it is whole; only the message literals of
APPEND and REPLACE are handed on piece by piece. Not for what a command does, and it writes nothing.

Source: RFC 9051 sections 2.2.1, 4.3 and 7.6; RFC 7888; RFC 3502; reliability.md 2.4 D01, D02.
"""

import binascii
import re
from dataclasses import dataclass
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.imap.commands import Append, AppendItem, Command
from mssante.wire.imap.grammar import BadCharsetError, parse_command
from mssante.wire.imap.grammar_append import AppendStart, parse_append, parse_append_next
from mssante.wire.imap.scanner import Scanner

_LITERAL: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}$")
_LITERAL_TAIL_BYTES: Final = 26
# What a literal costs beside its bytes, so that many empty ones are bounded too.
_LITERAL_COST_BYTES: Final = 64
_VERBS: Final = (b"APPEND ", b"REPLACE ", b"UID REPLACE ")
SASL_MAX_BYTES: Final = 24 * 1024


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """Bounds of what a client may send.

    Attributes:
        command_bytes: longest command, its literals counted.
        append_bytes: largest message.
        depth: deepest nesting of brackets.
    """

    command_bytes: int
    append_bytes: int
    depth: int


@dataclass(frozen=True, slots=True)
class GoAhead:
    """A literal is waited for: the client sends it after ``+``."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A whole command."""

    tag: bytes
    command: Command


@dataclass(frozen=True, slots=True)
class BadCommand:
    """What came is no command.

    Attributes:
        tag: None when not even that could be read.
        code: response code without brackets, or "".
        fatal: the connection cannot go on: where the next command begins is not known.
        no: the answer is NO, not BAD: the command is sound and cannot be carried out.
    """

    tag: bytes | None
    text: str
    code: str = ""
    fatal: bool = False
    no: bool = False


@dataclass(frozen=True, slots=True)
class AppendBegin:
    """APPEND or REPLACE starts; `AppendNext` follows."""

    tag: bytes
    append: Append


@dataclass(frozen=True, slots=True)
class AppendNext:
    """One message of it comes; the door says `GoAhead` or `CommandReader.refuse_message`."""

    item: AppendItem
    synchronising: bool


@dataclass(frozen=True, slots=True)
class AppendData:
    """Bytes of that message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AppendMessageEnd:
    """That message is whole."""


@dataclass(frozen=True, slots=True)
class AppendEnd:
    """The command is whole."""


@dataclass(frozen=True, slots=True)
class SaslResponse:
    """A step of AUTHENTICATE; None gives up."""

    data: bytes | None

    def __repr__(self) -> str:
        """Return nothing of the data: it holds a secret."""
        return "SaslResponse()"


@dataclass(frozen=True, slots=True)
class IdleDone:
    """The client ends IDLE."""


Event = (
    GoAhead
    | Parsed
    | BadCommand
    | AppendBegin
    | AppendNext
    | AppendData
    | AppendMessageEnd
    | AppendEnd
    | SaslResponse
    | IdleDone
)


class CommandReader:
    """What one client sends, cut into events; guards where in a command we are."""

    __slots__ = (
        "_append_end",
        "_append_tag",
        "_buffer",
        "_in_message",
        "_left",
        "_limits",
        "_mode",
        "_pending",
        "_replaces",
        "_scanned",
        "_segments",
        "_size",
        "_swallow",
        "utf8",
    )

    def __init__(self, limits: ReaderLimits) -> None:
        """Start before the first command."""
        self.utf8 = False
        self._limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        self._segments: list[bytes] = []
        self._size = 0
        self._left = -1
        self._mode = "command"
        self._append_tag = b""
        self._append_end = b""
        self._replaces = False
        self._in_message = False
        self._swallow = False
        self._pending: Event | None = None

    def set_limits(self, limits: ReaderLimits) -> None:
        """Put other bounds in force, as after sign-in."""
        self._limits = limits

    def receive(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def forget(self) -> None:
        """Drop what came and was not read, as when TLS starts (reliability.md A04)."""
        self._buffer.clear()
        self._scanned = 0

    def expect(self, mode: str) -> None:
        """Say what the next line is: ``sasl``, ``done``, or ``command`` again."""
        self._mode = mode

    def take_rest(self) -> bytes:
        """Return what came and was not read, once: when compression starts, the rest is compressed."""
        rest = bytes(self._buffer)
        self.forget()
        return rest

    def refuse_message(self) -> None:
        """Swallow the message announced last: the door has refused it; a synchronising one never comes."""
        self._swallow = True

    def give_up_append(self) -> None:
        """Forget the APPEND under way: its message was refused before it came."""
        self._reset()

    def next(self) -> Event | None:
        """Return the next event, or None until more bytes come."""
        if self._pending is not None:
            event, self._pending = self._pending, None
            return event
        while True:
            if self._in_message:
                return self._message_data()
            if self._left >= 0:
                if len(self._buffer) < self._left:
                    return None
                self._take_literal()
            line = self._line()
            if line is None:
                return self._too_long() if self._is_too_long() else None
            found = self._of_line(line)
            if found is not None:
                return found

    # -- lines ---------------------------------------------------------------------------------------------------

    def _line(self) -> bytes | None:
        """Return the next line without its end; a bare LF ends one too, nothing is guessed from a bare CR."""
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        return line.removesuffix(b"\r")

    def _is_too_long(self) -> bool:
        most = SASL_MAX_BYTES if self._mode == "sasl" else self._limits.command_bytes
        # The CR whose LF has not come yet is no part of the line.
        return self._size + len(self._buffer) - self._buffer.endswith(b"\r") > most

    def _too_long(self) -> BadCommand:
        tag = self._tag()
        self.forget()
        self._reset()
        return BadCommand(tag, "Command is too long", "TOOBIG", fatal=True)

    def _of_line(self, line: bytes) -> Event | None:
        if self._mode == "sasl":
            return _sasl(line) if len(line) <= SASL_MAX_BYTES else self._too_long()
        if self._mode == "done":
            return IdleDone() if line.upper() == b"DONE" else BadCommand(None, "Expected DONE", fatal=True)
        self._size += len(line)
        if self._size > self._limits.command_bytes:
            return self._too_long()
        if not self._segments and not self._append_tag and not line.strip():
            self._size = 0
            return BadCommand(None, "Empty command")
        found = _LITERAL.search(line, max(0, len(line) - _LITERAL_TAIL_BYTES))
        if self._append_tag:
            return self._append_line(line, found)
        self._segments.append(line[: found.start()] if found else line)
        if found is None:
            return self._whole()
        return self._literal(found)

    def _whole(self) -> Event:
        segments = self._segments
        self._reset()
        scanner = Scanner(segments, utf8=self.utf8, depth=self._limits.depth)
        try:
            tag = scanner.tag()
        except TheirProtocolError as error:
            return BadCommand(None, str(error))
        try:
            scanner.check_text()
            scanner.space()
            return Parsed(tag, parse_command(scanner))
        except BadCharsetError:
            return BadCommand(tag, "Only UTF-8 and US-ASCII are known", "BADCHARSET (UTF-8)", no=True)
        except TheirProtocolError as error:
            return BadCommand(tag, str(error))

    def _tag(self) -> bytes | None:
        return self._append_tag or (_tag_of(self._segments[0]) if self._segments else None)

    def _reset(self) -> None:
        self._segments = []
        self._size = 0
        self._left = -1
        self._append_tag = b""
        self._replaces = False
        self._in_message = False
        self._swallow = False

    # -- literals ------------------------------------------------------------------------------------------------

    def _literal(self, found: re.Match[bytes]) -> Event | None:
        size, waits = _size_of(found), not found[3]
        start = self._append_start(found)
        if start is not None:
            return self._message(start, size, waits=waits)
        self._size += _LITERAL_COST_BYTES
        if self._size + size > self._limits.command_bytes:
            tag = self._tag()
            self._reset()
            # Unless it was asked to wait, the client is sending it: there is no telling where it ends.
            return BadCommand(tag, "Literal is too large", "TOOBIG", fatal=not waits)
        self._left = size
        return GoAhead() if waits else None

    def _take_literal(self) -> None:
        self._segments.append(bytes(self._buffer[: self._left]))
        del self._buffer[: self._left]
        self._size += self._left
        self._left = -1

    def _append_start(self, found: re.Match[bytes]) -> AppendStart | None:
        """Return what was read so far when the literal is the message of APPEND, else None."""
        tag, _, rest = self._segments[0].partition(b" ")
        if not rest[:12].upper().startswith(_VERBS) or _tag_of(tag) != tag:
            return None
        scanner = Scanner(list(self._segments), utf8=self.utf8, depth=self._limits.depth)
        return parse_append(scanner, _size_of(found), binary=bool(found[1]))

    def _message(self, start: AppendStart, size: int, *, waits: bool) -> Event:
        tag = start.tag
        if start.error:
            self._reset()
            return BadCommand(tag, start.error, fatal=not waits)
        if size > self._limits.append_bytes:
            return self._message_too_big(tag, waits=waits)
        self._append_tag, self._append_end = tag, b")" if start.is_wrapped else b""
        self._segments = []
        self._left = size
        self._in_message = True
        following = AppendNext(start.item, waits)
        if start.append is None:
            return following
        self._pending = following
        self._replaces = start.append.replaces is not None
        return AppendBegin(tag, start.append)

    def _message_too_big(self, tag: bytes, *, waits: bool) -> BadCommand:
        self._reset()
        text = f"Message is larger than {self._limits.append_bytes} bytes"
        return BadCommand(tag, text, "TOOBIG", fatal=not waits, no=waits)

    # -- the messages of APPEND ----------------------------------------------------------------------------------

    def _message_data(self) -> Event | None:
        if self._left == 0:
            self._in_message = False
            self._left = -1
            return AppendMessageEnd()
        if not self._buffer:
            return None
        data = bytes(self._buffer[: self._left])
        del self._buffer[: len(data)]
        self._left -= len(data)
        return self._message_data() if self._swallow else AppendData(data)

    def _append_line(self, line: bytes, found: re.Match[bytes] | None) -> Event:
        """Read what follows a message: nothing, or what stands in front of the next one (RFC 3502)."""
        tag = self._append_tag
        self._size = 0
        if found is None:
            is_end = line == self._append_end
            self._reset()
            return AppendEnd() if is_end else BadCommand(tag, "Expected the end of APPEND or another message")
        if self._replaces:
            self._reset()
            return BadCommand(tag, "REPLACE takes one message", fatal=bool(found[3]))
        scanner = Scanner([line[: found.start()]], utf8=self.utf8, depth=self._limits.depth)
        start = parse_append_next(scanner, tag, _size_of(found), binary=bool(found[1]), end=self._append_end)
        self._swallow = False
        return self._message(start, _size_of(found), waits=not found[3])


def _size_of(found: re.Match[bytes]) -> int:
    return int(found[2])


def _tag_of(line: bytes) -> bytes | None:
    try:
        return Scanner([line], utf8=False, depth=0).tag()
    except TheirProtocolError:
        return None


def _sasl(line: bytes) -> Event:
    if line == b"*":
        return SaslResponse(None)
    try:
        return SaslResponse(binascii.a2b_base64(line, strict_mode=True) if line else b"")
    except binascii.Error:
        return BadCommand(None, "Response is not base64")

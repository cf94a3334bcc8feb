"""The client side of SMTP without I/O: commands as bytes out, replies in, in the order of the commands.

Not for policy, nor for what a reply means to a message (see `mssante.links.smtp_out`).
"""

import enum
import re
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from mssante.model.address import Address
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.wire.smtp.auth import challenge_reply
from mssante.wire.smtp.commands import notify_words
from mssante.wire.smtp.replies import REPLY_MAX_LINES, Reply, plain_text
from mssante.wire.smtp.xtext import encode_original, encode_xtext

REPLY_LINE_LIMIT_BYTES: Final = 2048

_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")


class _Step(enum.Enum):
    """What a reply is awaited for."""

    GREETING = enum.auto()
    HELLO = enum.auto()
    STARTTLS = enum.auto()
    COMMAND = enum.auto()
    DATA = enum.auto()
    QUIT = enum.auto()


class ClientMachine:
    """One connection as the client sees it.

    Each command method returns the bytes to write; `receive` returns the complete replies, one per command, in order.
    The greeting is the first reply.

    Attributes:
        extensions: after EHLO: upper-case name -> parameters as one text.

    Source: RFC 5321 section 4.2 and 4.3; RFC 2920 section 3.1; RFC 3207 section 4.2.
    """

    def __init__(self, ehlo_name: str, *, tls: bool = False) -> None:
        self._ehlo_name = ehlo_name
        self._awaited: deque[_Step] = deque([_Step.GREETING])
        self._buffer = b""
        self._lines: list[str] = []
        self._code = b""
        self._handshake = False
        self.is_tls = tls
        self.extensions: Mapping[str, str] = {}

    @property
    def awaited(self) -> int:
        """Return how many replies are still to come."""
        return len(self._awaited)

    def hello(self) -> bytes:
        """Say EHLO; what was known of the server is forgotten."""
        self.extensions = {}
        return self._command(_Step.HELLO, f"EHLO {self._ehlo_name}")

    def starttls(self) -> bytes:
        """Ask for TLS; nothing may come between the 220 and `tls_started`."""
        return self._command(_Step.STARTTLS, "STARTTLS")

    def tls_started(self) -> None:
        """Forget all that was said in clear: the handshake is done.

        Source: RFC 3207 section 4.2; reliability.md A05.
        """
        if not self._handshake:
            msg = "TLS was started without a 220 to STARTTLS"
            raise OurProtocolError(msg)
        self._handshake = False
        self.is_tls = True
        self.extensions = {}

    def mail(self, sender: Address | None, options: MailOptions) -> bytes:
        """Say MAIL FROM with the options that the server offers.

        Source: RFC 1870 section 6; RFC 6152; RFC 6531 section 3.4; RFC 3461 section 4.3, 4.4; RFC 8689 section 4.1.
        """
        words = [f"MAIL FROM:<{sender or ''}>"]
        if options.size_bytes is not None and "SIZE" in self.extensions:
            words.append(f"SIZE={options.size_bytes}")
        if options.eight_bit and "8BITMIME" in self.extensions:
            words.append("BODY=8BITMIME")
        if options.smtputf8 and "SMTPUTF8" in self.extensions:
            words.append("SMTPUTF8")
        if options.require_tls and "REQUIRETLS" in self.extensions:
            words.append("REQUIRETLS")
        if "DSN" in self.extensions:
            words += [f"RET={options.ret.value}"] if options.ret else []
            words += [f"ENVID={encode_xtext(options.envelope_id)}"] if options.envelope_id else []
        return self._command(_Step.COMMAND, " ".join(words))

    def rcpt(self, recipient: Recipient) -> bytes:
        """Say RCPT TO with the wishes for notices, when the server offers them.

        Source: RFC 5321 section 4.1.1.3; RFC 3461 section 4.1, 4.2 and 5.2.1.
        """
        words = [f"RCPT TO:<{recipient.address}>"]
        if "DSN" in self.extensions:
            notify = notify_words(recipient.notify)
            words += [f"NOTIFY={notify}"] if notify else []
            words += [f"ORCPT={encode_original(recipient.original)}"] if recipient.original else []
        return self._command(_Step.COMMAND, " ".join(words))

    def data(self) -> bytes:
        """Say DATA."""
        return self._command(_Step.DATA, "DATA")

    def body_sent(self) -> None:
        """Await the reply to the message itself, whose bytes `mssante.wire.smtp.data.stuff` makes."""
        self._expect(_Step.COMMAND)

    def reset(self) -> bytes:
        """Say RSET."""
        return self._command(_Step.COMMAND, "RSET")

    def noop(self) -> bytes:
        """Say NOOP."""
        return self._command(_Step.COMMAND, "NOOP")

    def quit(self) -> bytes:
        """Say QUIT."""
        return self._command(_Step.QUIT, "QUIT")

    def auth_external(self, authzid: str = "") -> bytes:
        """Sign in by the certificate of the TLS session.

        Source: RFC 4954 section 4; RFC 4422 appendix A.
        """
        return self._auth("EXTERNAL", authzid.encode())

    def auth_plain(self, user: str, password: str) -> bytes:
        """Sign in with a password.

        Source: RFC 4954 section 4; RFC 4616.
        """
        return self._auth("PLAIN", f"\0{user}\0{password}".encode())

    def _auth(self, mechanism: str, initial: bytes) -> bytes:
        if not self.is_tls:
            msg = "signing in outside of TLS is not done here"
            raise OurProtocolError(msg)
        encoded = challenge_reply(initial).lines[0] or "="
        return self._command(_Step.COMMAND, f"AUTH {mechanism} {encoded}")

    def _command(self, step: _Step, text: str) -> bytes:
        if "\r" in text or "\n" in text or "\0" in text:
            msg = f"command {text[:4]!r} holds a line end or a NUL"
            raise OurProtocolError(msg)
        self._expect(step)
        return text.encode() + b"\r\n"

    def _expect(self, step: _Step) -> None:
        if self._handshake:
            msg = "the handshake is due, no command may be sent"
            raise OurProtocolError(msg)
        if self._awaited and ("PIPELINING" not in self.extensions or self._awaited[-1] is not _Step.COMMAND):
            msg = "the reply to the last command must come first"
            raise OurProtocolError(msg)
        self._awaited.append(step)

    def receive(self, data: bytes) -> list[Reply]:
        """Return the replies that are now complete.

        Raises:
            TheirProtocolError: not a reply, too long, surplus bytes, or bytes between STARTTLS and the handshake.

        Source: RFC 5321 section 4.2.1 and 4.5.3.1.5; reliability.md A05, A13.
        """
        replies: list[Reply] = []
        self._buffer += data
        while (end := self._buffer.find(b"\r\n")) >= 0:
            if not self._awaited:
                break
            line = self._buffer[:end]
            self._buffer = self._buffer[end + 2 :]
            reply = self._read_line(line)
            if reply is not None:
                _TAKE[self._awaited.popleft()](self, reply)
                replies.append(reply)
        if self._buffer and not self._awaited:
            msg = "peer sent more than was asked"
            raise TheirProtocolError(msg)
        if len(self._buffer) > REPLY_LINE_LIMIT_BYTES:
            msg = f"peer sent a reply line longer than {REPLY_LINE_LIMIT_BYTES} bytes"
            raise TheirProtocolError(msg)
        return replies

    def _read_line(self, line: bytes) -> Reply | None:
        found = _LINE.fullmatch(line) if len(line) <= REPLY_LINE_LIMIT_BYTES else None
        if found is None or (self._lines and found[1] != self._code):
            # Its words stay out: they may repeat an address, and this text goes into the audit (law 4).
            msg = f"peer sent a line of {len(line)} bytes that is no SMTP reply"
            raise TheirProtocolError(msg)
        if len(self._lines) >= REPLY_MAX_LINES:
            msg = f"peer sent a reply of more than {REPLY_MAX_LINES} lines"
            raise TheirProtocolError(msg)
        self._code = found[1]
        self._lines.append(plain_text((found[3] or b"").decode("ascii", "replace")))
        if found[2] == b"-":
            return None
        lines, self._lines = self._lines, []
        return _reply(int(self._code), lines)

    def _took_greeting(self, reply: Reply) -> None:
        self._no_surplus(reply, "greeting")

    def _took_hello(self, reply: Reply) -> None:
        self._no_surplus(reply, "answer to EHLO")
        if reply.code == 250:
            words = [line.split(None, 1) for line in reply.lines[1:] if line.strip()]
            self.extensions = {word[0].upper(): word[1] if len(word) > 1 else "" for word in words}

    def _took_starttls(self, reply: Reply) -> None:
        self._no_surplus(reply, "answer to STARTTLS")
        self._handshake = reply.code == 220

    def _took_data(self, reply: Reply) -> None:
        if reply.is_positive:
            msg = f"peer answered {reply.code} to DATA"
            raise TheirProtocolError(msg)

    def _took_command(self, reply: Reply) -> None:
        if reply.code == 354:
            msg = "peer answered 354 to a command that is not DATA"
            raise TheirProtocolError(msg)

    def _no_surplus(self, _reply: Reply, what: str) -> None:
        if self._buffer:
            msg = f"peer sent more than the {what}"
            raise TheirProtocolError(msg)


_TAKE: Final[Mapping[_Step, Callable[[ClientMachine, Reply], None]]] = MappingProxyType(
    {
        _Step.GREETING: ClientMachine._took_greeting,  # noqa: SLF001 - the table of the class above
        _Step.HELLO: ClientMachine._took_hello,  # noqa: SLF001 - same
        _Step.STARTTLS: ClientMachine._took_starttls,  # noqa: SLF001 - same
        _Step.COMMAND: ClientMachine._took_command,  # noqa: SLF001 - same
        _Step.DATA: ClientMachine._took_data,  # noqa: SLF001 - same
        _Step.QUIT: ClientMachine._took_command,  # noqa: SLF001 - same
    }
)


def _reply(code: int, lines: list[str]) -> Reply:
    found = _ENHANCED.match(lines[0])
    enhanced = found[1] if found and found[1][0] == str(code)[0] else ""
    if enhanced:
        lines = [line.removeprefix(enhanced).lstrip(" ") for line in lines]
    return Reply(code, enhanced, tuple(lines))

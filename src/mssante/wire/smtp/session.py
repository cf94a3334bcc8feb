"""What a server knows of one SMTP dialogue: profile, phase, counters, bytes in and out; and the ways to close it.

Not for the commands (see `mssante.wire.smtp.dialogue`) nor for their order of work (see `mssante.wire.smtp.server`).
"""

import enum
from dataclasses import dataclass
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.settings import LimitSettings
from mssante.wire.smtp.auth import AUTH_LINE_MAX_BYTES
from mssante.wire.smtp.commands import Grammar
from mssante.wire.smtp.data import DataReader
from mssante.wire.smtp.replies import Reply, refusal_reply

JUNK_COMMANDS: Final = 100

FLOOD: Final = Refusal(Kind.TOO_MANY_ERRORS, "bad-commands", "Too many errors or idle commands")


class Phase(enum.Enum):
    """Where the dialogue is."""

    NEW = "new"
    GREETED = "greeted"
    READY = "ready"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    AUTH = "auth"
    HANDSHAKE = "handshake"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """What one door offers and demands.

    Attributes:
        hostname: our name, in the greeting and in the answer to EHLO.
        banner: text after the name in the greeting.
        starttls: STARTTLS is offered while in clear.
        tls_required: MAIL, RCPT, DATA and AUTH before TLS are refused with 530.
        auth_mechanisms: offered inside TLS only, upper case.
        sign_in_required: MAIL before AUTH is refused with 530.
        limits: bounds.
        require_tls_offered: REQUIRETLS is offered inside TLS.
    """

    hostname: str
    banner: str
    starttls: bool
    tls_required: bool
    auth_mechanisms: tuple[bytes, ...]
    sign_in_required: bool
    limits: LimitSettings
    require_tls_offered: bool = False


class Session:
    """The state of one dialogue, changed only by the machine and its commands.

    Attributes:
        profile: what the door offers and demands.
        tls: inside TLS.
        signed_in: a sign-in was accepted.
        phase: where the dialogue is.
        closing: write the output, then close.
        pending: bytes received; those before `place` are used.
        place: start of what is not yet used.
        output: bytes to write, in order.
        reader: of the message being received.
        extended: EHLO was said, so commands may come in groups.
        utf8: the transaction has SMTPUTF8.
        recipients: accepted in the transaction.
        refused_recipients: at least one was refused in the transaction.
        hello_output: the answer to EHLO.
        grammar: what arguments may hold now.
        mechanisms: sign-ins offered now.
        line_max_bytes: longest command line now, with its CRLF.
    """

    __slots__ = (
        "_bad",
        "_junk",
        "closing",
        "extended",
        "grammar",
        "hello_output",
        "line_max_bytes",
        "mechanisms",
        "output",
        "pending",
        "phase",
        "place",
        "profile",
        "reader",
        "recipients",
        "refused_recipients",
        "signed_in",
        "tls",
        "utf8",
    )

    def __init__(self, profile: ServerProfile, *, tls: bool) -> None:
        self.profile = profile
        self.phase = Phase.NEW
        self.closing = False
        self.output: list[bytes] = []
        self._bad = 0
        self._junk = 0
        self.enter(tls=tls)

    def enter(self, *, tls: bool) -> None:
        """Begin without any memory of what was said before, in clear or inside TLS.

        Source: RFC 3207 section 4.2; RFC 8689 section 2 (REQUIRETLS is offered inside TLS only).
        """
        profile = self.profile
        limits = profile.limits
        self.tls = tls
        self.signed_in = False
        self.extended = False
        self.pending, self.place = b"", 0
        self.forget()
        self.mechanisms = profile.auth_mechanisms if tls else ()
        require_tls = tls and profile.require_tls_offered
        extensions = [
            "PIPELINING",
            f"SIZE {limits.message_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "DSN",
        ]
        if profile.starttls and not tls:
            extensions.append("STARTTLS")
        if self.mechanisms:
            extensions.append(f"AUTH {b' '.join(self.mechanisms).decode('ascii')}")
        if require_tls:
            extensions.append("REQUIRETLS")
        self.hello_output = Reply(250, "", (profile.hostname, *extensions)).encode()
        self.grammar = Grammar(
            profile.hostname, limits.message_bytes, auth=bool(self.mechanisms), require_tls=require_tls
        )
        # A sign-in may carry a whole token on its line (RFC 4954 section 4).
        self.line_max_bytes = max(limits.command_bytes, AUTH_LINE_MAX_BYTES if self.mechanisms else 0)

    def forget(self) -> None:
        """Forget the transaction, if any.

        Source: RFC 5321 section 4.1.1.5.
        """
        self.recipients = 0
        self.refused_recipients = False
        self.utf8 = False
        self.reader: DataReader | None = None

    @property
    def has_unread(self) -> bool:
        """Tell whether bytes wait that no command has used."""
        return self.place < len(self.pending)

    def say(self, reply: Reply) -> None:
        """Add a reply to the output."""
        self.output.append(reply.encode())

    def close(self, reply: Reply) -> None:
        """Say a last reply."""
        self.say(reply)
        self.shut()

    def shut(self) -> None:
        """Close without a word more than what is already in the output."""
        self.closing = True
        self.phase = Phase.CLOSED
        self.pending, self.place = b"", 0
        self.reader = None

    def complain(self, reply: Reply) -> None:
        """Answer a bad command; close when there were too many.

        Source: reliability.md A15.
        """
        self.say(reply)
        self._bad += 1
        if self._bad >= self.profile.limits.bad_commands:
            self.close(refusal_reply(FLOOD))

    def idle(self, output: bytes) -> None:
        """Answer a command that moves nothing; close when there were too many since the last message.

        Source: reliability.md A15.
        """
        self.output.append(output)
        self._junk += 1
        if self._junk >= JUNK_COMMANDS:
            self.close(refusal_reply(FLOOD))

    def count_message(self) -> None:
        """Note that a message was accepted: the client is at work."""
        self._junk = 0

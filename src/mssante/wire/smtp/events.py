"""What a server machine tells its door: one value per thing that happened on the wire."""

from dataclasses import dataclass
from typing import ClassVar

from mssante.model.address import Address
from mssante.model.decision import Refusal
from mssante.model.envelope import MailOptions, Recipient


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO (`extended`) or HELO was said and already answered; any transaction before it is forgotten."""

    needs_answer: ClassVar[bool] = False
    name: str
    extended: bool


@dataclass(frozen=True, slots=True)
class MailFrom:
    """MAIL FROM was said; `sender` None is the null reverse path."""

    needs_answer: ClassVar[bool] = True
    sender: Address | None
    options: MailOptions


@dataclass(frozen=True, slots=True)
class RcptTo:
    """RCPT TO was said."""

    needs_answer: ClassVar[bool] = True
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class EnvelopeRefused:
    """MAIL or RCPT was refused by the machine, which has answered; write down why. The transaction is as before."""

    needs_answer: ClassVar[bool] = False
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class DataStart:
    """DATA was said after at least one accepted recipient; answer 354 to go on."""

    needs_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DataChunk:
    """The next bytes of the message, transparency undone, CRLF lines only; never split inside a CRLF."""

    needs_answer: ClassVar[bool] = False
    data: bytes


@dataclass(frozen=True, slots=True)
class DataEnd:
    """The message is complete; a 2xx answer takes responsibility for it."""

    needs_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DataAborted:
    """The message is refused by the machine, which answers by itself; drop what was spooled."""

    needs_answer: ClassVar[bool] = False
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class AuthStart:
    """AUTH was said; `mechanism` in upper case, `initial` decoded, None when there is no initial response."""

    needs_answer: ClassVar[bool] = True
    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """The client's answer to a 334, decoded; None when it gave up with ``*``."""

    needs_answer: ClassVar[bool] = True
    data: bytes | None


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS was said; answer 220, flush, then shake hands and call `tls_started`."""

    needs_answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Reset:
    """RSET was said and answered; the transaction is forgotten."""

    needs_answer: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT was said and answered; the machine is closing."""

    needs_answer: ClassVar[bool] = False


Event = (
    Hello
    | MailFrom
    | RcptTo
    | EnvelopeRefused
    | DataStart
    | DataChunk
    | DataEnd
    | DataAborted
    | AuthStart
    | AuthResponse
    | StartTls
    | Reset
    | Quit
)

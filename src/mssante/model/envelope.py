"""The SMTP envelope as values: who sends, to whom, with which options of RFC 3461 and others."""

import enum
from dataclasses import dataclass

from mssante.model.address import Address


class Notify(enum.Flag):
    """What a sender wants to be told about one recipient (RFC 3461 section 4.1)."""

    NEVER = 0
    SUCCESS = enum.auto()
    FAILURE = enum.auto()
    DELAY = enum.auto()


DEFAULT_NOTIFY = Notify.FAILURE | Notify.DELAY


class Return(enum.Enum):
    """How much of the message a failure notice gives back (RFC 3461 section 4.3)."""

    FULL = "FULL"
    HEADERS = "HDRS"


@dataclass(frozen=True, slots=True)
class MailOptions:
    """Options of MAIL FROM.

    Attributes:
        size_bytes: announced size, or None.
        eight_bit: BODY=8BITMIME was given (RFC 6152).
        smtputf8: SMTPUTF8 was given (RFC 6531).
        envelope_id: ENVID decoded from xtext, or None.
        ret: RET, or None when not given.
        require_tls: REQUIRETLS was given (RFC 8689).
    """

    size_bytes: int | None = None
    eight_bit: bool = False
    smtputf8: bool = False
    envelope_id: str | None = None
    ret: Return | None = None
    require_tls: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of an envelope.

    Attributes:
        address: where it goes.
        notify: which notices are wanted.
        original: ORCPT decoded, as ``type;address`` (``rfc822;a@b``), or None.
    """

    address: Address
    notify: Notify = DEFAULT_NOTIFY
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A whole envelope.

    Attributes:
        sender: None is the null reverse path ``<>``.
        recipients: in the order given; at least one when the envelope is complete.
        options: options of MAIL FROM.
    """

    sender: Address | None
    recipients: tuple[Recipient, ...]
    options: MailOptions = MailOptions()

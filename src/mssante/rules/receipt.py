"""Is a receipt that came by mail to be believed, and what does it tell of a copy of ours?

A receipt can be forged, also by another reader of the same message. One of an operator counts with the envelope
identifier that we gave to that operator alone; one of a reader counts from the very address that the message went to,
brought by whom the white list lets speak for that domain, and only when all that it says is about that message. A
Message-ID alone proves nothing: every reader of the message has it.
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.message import CopyState
from mssante.model.receipt import ReceiptKind

RULE: Final = "receipt"
HANDED: Final = frozenset({CopyState.RELAYED, CopyState.DELIVERED, CopyState.SENDING})
"""States of a copy that somebody may have seen; SENDING: a fast program answers before our record is written."""

_DSN: Final = {
    "delivered": ReceiptKind.DSN_DELIVERED,
    "relayed": ReceiptKind.DSN_RELAYED,
    "expanded": ReceiptKind.DSN_RELAYED,
    "delayed": ReceiptKind.DSN_DELAYED,
    "failed": ReceiptKind.DSN_FAILED,
}
_CLASSES: Final = {
    ReceiptKind.DSN_DELIVERED: "2",
    ReceiptKind.DSN_RELAYED: "2",
    ReceiptKind.DSN_DELAYED: "4",
    ReceiptKind.DSN_FAILED: "5",
}


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What the rule needs of what a notice of delivery says of one recipient; as `mssante.rules.returned`.

    Attributes:
        speaks_for_domain: the peer may send as the domain of the recipient.
        names_envelope: it gives the envelope identifier of that operator back.
        is_for_sender: it came to the mailbox that sent the message.
        is_notice: the copy was itself a notice.
        action, status: as told.
    """

    speaks_for_domain: bool
    names_envelope: bool
    is_for_sender: bool
    is_notice: bool
    action: str
    status: str


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """What the rule needs of what a reader, or a reader's program, says of a message.

    Attributes:
        is_author: the only address in its From field is the one that the copy went to.
        speaks_for_domain: whoever brought it may send as the domain of that address.
        is_for_sender: it came to the mailbox that sent the message, or it is an answer, which any box of ours may get.
        state: of the copy; None: there is none.
        is_notice: the copy was itself a notice.
        names_others: it says that it speaks of another recipient, or gives back another message.
    """

    is_author: bool
    speaks_for_domain: bool
    is_for_sender: bool
    state: CopyState | None
    is_notice: bool
    names_others: bool


def judge_notice(facts: NoticeFacts) -> ReceiptKind | None:
    """Return what a notice of delivery tells of a copy; None: it is not believed, or tells nothing.

    Source: RFC 3464 sections 2.3.3 (action), 2.3.4 (class of the status) and 4.1 (forgery).
    """
    if not (facts.speaks_for_domain and facts.names_envelope and facts.is_for_sender) or facts.is_notice:
        return None
    kind = _DSN.get(facts.action)
    return kind if kind is not None and facts.status.startswith(_CLASSES[kind]) else None


def believes_reader(facts: ReaderFacts) -> bool:
    """Return whether what a reader says of a copy is believed.

    Source: RFC 8098 section 6.1 (forgery); issue of documents (never by Message-ID alone).
    """
    told = facts.is_author and facts.speaks_for_domain and facts.is_for_sender
    return told and facts.state in HANDED and not facts.is_notice and not facts.names_others

"""Messages, their copies on the way, and what became of them: values only."""

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import Envelope, MailOptions, Recipient
from mssante.model.mailbox import FolderId, MailboxId

MessageId = NewType("MessageId", int)
CopyId = NewType("CopyId", int)


class CopyState(enum.Enum):
    """Where the copy of a message for one recipient is; a copy is always in exactly one of these.

    The same names stand in the store, the logs, the command line and the documentation.
    """

    WAITING = "waiting"
    SENDING = "sending"
    DEFERRED = "deferred"
    HELD = "held"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing will happen to the copy by itself any more."""
        return self in {CopyState.DELIVERED, CopyState.RELAYED, CopyState.FAILED}


@dataclass(frozen=True, slots=True)
class Summary:
    """What is read once from the headers of a message and kept beside it.

    Attributes:
        message_id: without brackets, or "".
        subject: decoded, one line, at most 998 characters.
        from_addresses: of the From field, parsed; empty when there is none or it is broken.
        from_count: number of From fields (a sound message has one).
        date: as written, or "".
        received_count: number of Received fields, for loop detection.
        header_bytes: length of the header block with its empty line.
        national: X-MSS-NIL, X-MSS-CODECDA, X-MSS-INS, X-MSS-MES as found (lower-case name -> value).
        present: lower-case names of the fields that stand in the header.
        broken_lines: header lines that are neither a field nor the continuation of one.
        reply_to: of the Reply-To field, parsed; empty when there is none or it is broken.
    """

    message_id: str = ""
    subject: str = ""
    from_addresses: tuple[Address, ...] = ()
    from_count: int = 0
    date: str = ""
    received_count: int = 0
    header_bytes: int = 0
    national: dict[str, str] = field(default_factory=dict)
    present: frozenset[str] = frozenset()
    broken_lines: int = 0
    reply_to: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a message as received, and where they are.

    Attributes:
        sha256: of the bytes, 32 bytes.
        size_bytes: length.
        data: the bytes themselves when they are small enough for the transaction, else None.
        path: name of the flushed, content-addressed file in the blob folder when data is None.
    """

    sha256: bytes
    size_bytes: int
    data: bytes | None
    path: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """What any door hands to `mssante.flows.submit`: one envelope, one body, who sends.

    Attributes:
        reference: ours, unique, shown to the sender; also the envelope id when the sender gave none.
    """

    reference: str
    envelope: Envelope
    body: Body
    summary: Summary


@dataclass(frozen=True, slots=True)
class Copy:
    """One queue row: the copy of a message for one recipient.

    Attributes:
        tries: attempts already made.
        queued_at: when the sender got our acceptance.
        due_at: when to try next; meaningless in a final state.
        lease: token of the worker that holds it while SENDING; results with another token are ignored.
        prefix: header bytes that go in front of the body (our Received field).
        warned: the notice of delay was sent.
        dsn: the copy is itself a notice: its failure makes no other notice.
        last_detail: what the last attempt said.
    """

    copy_id: CopyId
    message: MessageId
    reference: str
    state: CopyState
    sender: Address | None
    recipient: Recipient
    options: MailOptions
    prefix: bytes
    body: Body
    tries: int
    queued_at: datetime
    due_at: datetime
    lease: str
    warned: bool
    last_kind: Kind | None
    last_detail: str
    dsn: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """The copy lies in the mailbox; `detail` names folder and UID."""

    detail: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """Another operator accepted the copy.

    Attributes:
        reply: its last reply, one line.
        rule: the rule that let us send there, with the list version.
        peer: host name and address.
        dsn_supported: it will tell the sender itself (RFC 3461 section 5.2.2); else a "relayed" notice is ours.
    """

    reply: str
    rule: str
    peer: str
    dsn_supported: bool
    tls: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now; `refusal` says why, `reply` is the peer's line when there is one."""

    refusal: Refusal
    reply: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Never; `refusal` says why, `reply` is the peer's line when there is one."""

    refusal: Refusal
    reply: str = ""
    peer: str = ""


Outcome = Delivered | Relayed | Deferred | Failed


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message in a folder, as listed."""

    mailbox_id: MailboxId
    folder_id: FolderId
    uid: int
    modseq: int
    message: MessageId
    reference: str
    flags: frozenset[str]
    received_at: datetime
    size_bytes: int
    sender: str
    summary: Summary
    decision: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a folder, published after the commit (law 2)."""

    mailbox_id: MailboxId
    folder_id: FolderId
    uid: int
    modseq: int

"""What a submitted message with an archive lacks, and whether it may leave: one patient, an archive that can be read.

The message itself is not changed (law 9): missing X-MSS fields are set in front of it.

Source: clients.md 5.1 (one patient), 5.4; issue 6 (one patient per message is enforced).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mssante.flows.documents.opening import open_message
from mssante.model.decision import Kind, Refusal
from mssante.model.document import DocumentHeader
from mssante.model.errors import WireError
from mssante.model.message import Summary
from mssante.rules.ins import qualified
from mssante.wire.mime.words import field_line

_NAMES: Final = (b"IHE_XDM", b"ihe_xdm", b"Ihe_Xdm")
_SEVERAL: Final = "several-patients"


@dataclass(frozen=True, slots=True)
class Completion:
    """What was found in a submitted message.

    Attributes:
        head: header lines to set in front of it.
        refusal: why it may not leave, None when it may.
    """

    head: bytes = b""
    refusal: Refusal | None = None


def may_carry_documents(data: bytes) -> bool:
    """Tell whether a message is worth opening: it names an archive."""
    return any(name in data for name in _NAMES)


def complete(data: bytes, summary: Summary, *, allow_test: bool) -> Completion:
    """Return what a message lacks; nothing for one without an archive. Takes some milliseconds, runs in a thread.

    Args:
        data: the whole message.
        summary: of its header.
        allow_test: identities of the national test domains count as qualified.
    """
    try:
        opened = open_message(data, allow_test=allow_test)
    except WireError as error:
        return Completion(
            refusal=Refusal(
                Kind.MESSAGE_MALFORMED,
                "xdm-archive",
                "The IHE_XDM archive of the message cannot be accepted",
                str(error)[:500],
                f"L'archive IHE_XDM du message ne peut pas être acceptée : {error}",
            )
        )
    if opened is None:
        return Completion()
    if any(one.code == _SEVERAL for one in opened.findings):
        return Completion(
            refusal=Refusal(
                Kind.MESSAGE_MALFORMED,
                "one-patient",
                "The documents of the message are about several patients",
                "several patients in one archive",
                "Les documents de ce message concernent plusieurs patients : faites un envoi par patient.",
            )
        )
    return Completion(head=_missing(opened.headers, summary, allow_test=allow_test))


def _missing(headers: Sequence[DocumentHeader], summary: Summary, *, allow_test: bool) -> bytes:
    if not headers:
        return b""
    head = b""
    if "x-mss-codecda" not in summary.present:
        head += field_line("X-MSS-CODECDA", ",".join(header.code.code for header in headers))
    if "x-mss-ins" not in summary.present:
        is_qualified = not any(qualified(header.patient, allow_test=allow_test) for header in headers)
        head += field_line("X-MSS-INS", "O" if is_qualified else "N")
    return head

"""What a submitted message with an archive lacks, and whether it may leave with it.

The message itself is not changed (law 9): missing X-MSS fields are set in front of it.

Source: clients.md 5.1 (one patient), 5.4; issue 6 (one patient per message is enforced).
"""

from dataclasses import dataclass

from mssante.flows.documents.opening import open_message
from mssante.model.decision import Refusal
from mssante.model.errors import WireError
from mssante.model.message import Summary
from mssante.rules.document_message import judge_leaving, national_fields, refuse_archive
from mssante.wire.mime.words import field_line


@dataclass(frozen=True, slots=True)
class Completion:
    """What was found in a submitted message.

    Attributes:
        head: header lines to set in front of it.
        refusal: why it may not leave, None when it may.
    """

    head: bytes = b""
    refusal: Refusal | None = None


def complete(data: bytes, summary: Summary, *, allow_test: bool) -> Completion:
    """Return what a message lacks; nothing for one without an archive. Some milliseconds for one that has any.

    Args:
        data: the whole message.
        summary: of its header.
        allow_test: identities of the national test domains count as qualified.
    """
    try:
        opened = open_message(data, allow_test=allow_test)
    except WireError as error:
        return Completion(refusal=refuse_archive(str(error)))
    if opened is None:
        return Completion()
    refusal = judge_leaving(opened.findings)
    if refusal is not None:
        return Completion(refusal=refusal)
    fields = national_fields(opened.headers, allow_test=allow_test)
    return Completion(
        b"".join(field_line(name, value) for name, value in fields.items() if name.lower() not in summary.present)
    )

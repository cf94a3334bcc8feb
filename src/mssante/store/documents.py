"""Health documents in the messages of mailboxes, so that they are listed by patient.

What they are is read by `mssante.flows.documents.recognising`; here it is texts.
"""

from collections.abc import Sequence
from dataclasses import asdict

from mssante.model.filed_document import FiledDocument, ListedDocument
from mssante.model.folding import fold
from mssante.model.mailbox import MailboxId
from mssante.model.message import MessageId
from mssante.store.times import from_micros
from mssante.store.tx import Row, Tx


async def add_documents(tx: Tx, message: MessageId, documents: Sequence[FiledDocument]) -> None:
    """Keep what was read of the documents of a message; a second time nothing changes."""
    for place, one in enumerate(documents, start=1):
        key = fold(one.patient_name)
        await tx.run("add_document", message_id=message, place=place, patient_key=key, **asdict(one))


async def documents_of(tx: Tx, mailbox_id: MailboxId, *, patient: str = "", limit: int) -> list[ListedDocument]:
    """Return documents of a mailbox, those of the last message first.

    Args:
        patient: a matricule, or the beginning of a name (case and accents do not count); "" for all.
        limit: most documents.
    """
    rows = await tx.all(
        "documents_of_mailbox", mailbox_id=mailbox_id, patient=patient, patient_key=fold(patient), limit=limit
    )
    return [_listed(row) for row in rows]


def _listed(row: Row) -> ListedDocument:
    _message, _place, document, set_id, version, replaces, code, label, title, patient, name, *rest = row
    birth, created, author, worst, reference, received_at = rest
    filed = FiledDocument(
        document, set_id, version, replaces, code, label, title, patient, name, birth, created, author, worst
    )
    return ListedDocument(filed, reference, from_micros(received_at))

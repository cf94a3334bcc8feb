"""The health documents of a mailbox, by patient, with those in force told from the others."""

from datetime import datetime

from mssante.model.address import Address, for_trace
from mssante.model.audit import AuditEvent
from mssante.model.errors import MssError
from mssante.model.filed_document import ListedDocument
from mssante.rules.document_versions import told_apart
from mssante.store import audit, documents
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx

LISTED_MAX = 1000


async def list_documents(
    store: Store, address: Address, *, patient: str, actor: str, trace_key: bytes, now: datetime
) -> list[ListedDocument]:
    """Return the documents of a mailbox; that somebody looked is written down, never about whom.

    Args:
        patient: a matricule, or the beginning of a name; "" for all.
        actor: who looks, for the audit.
        trace_key: keys the pseudonyms of citizens.

    Raises:
        MssError: there is no such mailbox.
    """

    async def look(tx: Tx) -> list[ListedDocument]:
        box = await mailbox_by_key(tx, address.key)
        if box is None:
            msg = f"la boîte {address} n'existe pas ici ; `mssante mailbox list` donne celles qui existent"
            raise MssError(msg)
        # All of them first: what replaced a document of this patient may name him otherwise.
        found = told_apart(await documents.documents_of(tx, box.mailbox_id, limit=LISTED_MAX))
        wanted = await documents.documents_of(tx, box.mailbox_id, patient=patient, limit=LISTED_MAX)
        kept = {(one.reference, one.filed.document) for one in wanted}
        return [one for one in found if (one.reference, one.filed.document) in kept]

    # Looked up beside those that write; nothing is shown before it is written down.
    listed = await store.read_long(look)
    facts: dict[str, str | int] = {"count": len(listed)}
    event = AuditEvent("documents.listed", actor, for_trace(address, trace_key), "ok", "administrator", facts)
    await store.write(lambda tx: audit.append(tx, event, now))
    return listed

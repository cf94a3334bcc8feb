"""Follow each copy of a letter from the sender's operator to the reader, by reading the operators' stores.

Reads what the operators recorded themselves: queue rows, audit rows, the message in the mailbox.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from mssante.app.config import read_config
from mssante.app.sandbox.layout import Laid, Layout
from mssante.app.sandbox.letters import Sent
from mssante.model.address import Address
from mssante.model.audit import AuditRow
from mssante.model.mailbox import Role
from mssante.model.message import Copy, CopyState, StoredMessage
from mssante.store import audit, mailboxes, messages, queue
from mssante.store.engine import Store
from mssante.store.tx import Tx

DELIVERY_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.01
MESSAGES_MAX: Final = 1000
AUDIT_ROWS_MAX: Final = 1000
_VERSION: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of one copy.

    Attributes:
        step: "submitted", "relayed", "received" or "read".
        operator: key of the operator that made the step.
        rule: the rule that let it through.
        list_version: of the white list that it was decided with, "" when no rule needed it.
        tls: protocol and suite of the connection, "" when there was none.
        milliseconds: since the sender opened the connection.
    """

    title: str
    message_id: str
    sender: Address
    recipient: Address
    step: str
    operator: str
    rule: str
    list_version: str
    tls: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of one copy: its hops, and whether the reader has every byte that was sent."""

    recipient: Address
    hops: tuple[Hop, ...]
    arrived: bool
    problem: str = ""


class Stores:
    """The stores of the sandbox, open for reading while the operators run."""

    def __init__(self, by_key: Mapping[str, Store]) -> None:
        """Keep the open stores; use `open_stores`."""
        self._by_key = by_key

    def of(self, laid: Laid) -> Store:
        """Return the store of that operator."""
        return self._by_key[laid.plan.key]


async def open_stores(layout: Layout, stack: AsyncExitStack) -> Stores:
    """Open the store of every operator; they are closed with the stack."""
    found: dict[str, Store] = {}
    for laid in layout.operators:
        config = read_config(laid.config)
        settings = replace(config.store, readers=1)
        store = await Store.open(config.operator.data_dir, settings, blobs=config.blobs, must_be_there=True)
        stack.push_async_callback(store.close)
        found[laid.plan.key] = store
    return Stores(found)


async def follow(layout: Layout, stores: Stores, sent: Sent) -> tuple[Followed, ...]:
    """Return what became of each copy of the letter, once all have arrived or 20 seconds have passed."""
    return tuple(
        await asyncio.gather(*(_follow(layout, stores, sent, recipient) for recipient in sent.letter.recipients))
    )


async def count_messages(store: Store) -> int:
    """Return how many messages all mailboxes of the store hold: unchanged means that nothing was stored."""

    async def work(tx: Tx) -> int:
        total = 0
        for mailbox in await mailboxes.list_mailboxes(tx):
            total += sum(folder.messages for folder in await mailboxes.list_folders(tx, mailbox.mailbox_id))
        return total

    return await store.read(work)


async def last_audit(store: Store) -> int:
    """Return the number of the last audit row."""
    return (await store.read(audit.head))[0]


async def audit_since(store: Store, seq: int) -> list[AuditRow]:
    """Return the audit rows after that number."""
    return await store.read(lambda tx: audit.rows(tx, after_seq=seq, limit=AUDIT_ROWS_MAX))


async def _follow(layout: Layout, stores: Stores, sent: Sent, recipient: Address) -> Followed:
    source = layout.operator_of(sent.letter.sender.domain)
    target = layout.operator_of(recipient.domain)
    hops: list[Hop] = []
    try:
        async with asyncio.timeout(DELIVERY_SECONDS):
            hops.append(await _submitted(source, stores.of(source), sent, recipient))
            copy = await _final_copy(stores.of(source), sent, recipient)
            if copy.state is CopyState.FAILED:
                return Followed(recipient, tuple(hops), arrived=False, problem=copy.last_detail)
            hops.append(await _relayed(source, stores.of(source), sent, copy))
            stored = await _stored(stores.of(target), sent, recipient)
            hops.append(await _received(target, stores.of(target), sent, recipient, stored))
            hops.append(await _read(target, stores.of(target), sent, recipient))
    except TimeoutError:
        problem = f"not arrived in time: {await _state(stores.of(source), sent, recipient)}"
        return Followed(recipient, tuple(hops), arrived=False, problem=problem)
    except _DamagedError:
        return Followed(recipient, tuple(hops), arrived=False, problem="the bytes that arrived are not those sent")
    return Followed(recipient, tuple(sorted(hops, key=lambda hop: hop.milliseconds)), arrived=True)


class _DamagedError(Exception):
    """What the reader gets is not what was sent."""


def _hop(
    sent: Sent, recipient: Address, step: str, laid: Laid, *, at: datetime, rule: str, basis: str = "", tls: str = ""
) -> Hop:
    version = _VERSION.search(basis or rule)
    return Hop(
        title=sent.letter.title,
        message_id=sent.letter.message_id,
        sender=sent.letter.sender,
        recipient=recipient,
        step=step,
        operator=laid.plan.key,
        rule=rule.partition(":")[0],
        list_version=version[0] if version else "",
        tls=tls,
        milliseconds=(at - sent.started_at).total_seconds() * 1000,
    )


async def _submitted(laid: Laid, store: Store, sent: Sent, recipient: Address) -> Hop:
    reference = (await _find(store, sent.letter.sender, Role.SENT, sent.letter.message_id)).reference
    rows = await store.read(lambda tx: audit.rows(tx, limit=1, event_prefix="message.submitted", subject=reference))
    event = rows[0].event
    basis = str(event.facts.get("list", ""))
    return _hop(sent, recipient, "submitted", laid, at=sent.accepted_at, rule=event.rule, basis=basis, tls=sent.tls)


async def _final_copy(store: Store, sent: Sent, recipient: Address) -> Copy:
    reference = (await _find(store, sent.letter.sender, Role.SENT, sent.letter.message_id)).reference
    while True:
        for copy in await store.read(lambda tx: queue.copies_of(tx, reference)):
            if copy.recipient.address.key == recipient.key and copy.state.is_final:
                return copy
        await asyncio.sleep(LOOK_SECONDS)


async def _state(store: Store, sent: Sent, recipient: Address) -> str:
    """Return where the copy is and what the last attempt said, for whoever looks for the reason."""
    for copy in await store.read(lambda tx: queue.list_copies(tx, limit=MESSAGES_MAX)):
        if copy.recipient.address.key == recipient.key and copy.queued_at >= sent.started_at:
            return f"{copy.state.value}, {copy.tries} tries, {copy.last_detail or 'no result yet'}"
    return "no copy in the queue"


async def _relayed(laid: Laid, store: Store, sent: Sent, copy: Copy) -> Hop:
    outcome = await store.read(lambda tx: queue.last_attempt(tx, copy.copy_id))
    rule = outcome.rule if outcome else ""
    at = outcome.at if outcome else sent.accepted_at
    tls = outcome.detail if outcome else ""
    return _hop(sent, copy.recipient.address, "relayed", laid, at=at, rule=rule, tls=tls)


async def _stored(store: Store, sent: Sent, recipient: Address) -> StoredMessage:
    return await _find(store, recipient, Role.INBOX, sent.letter.message_id)


async def _received(laid: Laid, store: Store, sent: Sent, recipient: Address, stored: StoredMessage) -> Hop:
    rows = await store.read(
        lambda tx: audit.rows(tx, limit=1, event_prefix="message.received", subject=stored.reference)
    )
    tls = str(rows[0].event.facts.get("tls", "")) if rows else ""
    return _hop(sent, recipient, "received", laid, at=stored.received_at, rule=stored.decision, tls=tls)


async def read_back(store: Store, recipient: Address, message_id: str) -> bytes:
    """Return the bytes of a message as its reader gets them, once it lies in his box; b"" when it is gone again."""
    stored = await _find(store, recipient, Role.INBOX, message_id)
    content = await store.read(lambda tx: messages.message_content(tx, stored.mailbox_id, stored.folder_id, stored.uid))
    return b"" if content is None else content[0] + await asyncio.to_thread(store.blobs.read, content[1])


async def _read(laid: Laid, store: Store, sent: Sent, recipient: Address) -> Hop:
    if not (await read_back(store, recipient, sent.letter.message_id)).endswith(sent.letter.data):
        raise _DamagedError
    return _hop(sent, recipient, "read", laid, at=datetime.now(UTC), rule="")


async def _find(store: Store, address: Address, role: Role, message_id: str) -> StoredMessage:
    """Return the message once it lies in that folder."""

    async def work(tx: Tx) -> StoredMessage | None:
        mailbox = await mailboxes.mailbox_by_key(tx, address.key)
        if mailbox is None:
            return None
        folder = await mailboxes.folder_by_role(tx, mailbox.mailbox_id, role)
        found = await messages.list_messages(tx, folder.folder_id, limit=MESSAGES_MAX)
        return next((one for one in found if one.summary.message_id == message_id), None)

    while True:
        stored = await store.read(work)
        if stored is not None:
            return stored
        await asyncio.sleep(LOOK_SECONDS)

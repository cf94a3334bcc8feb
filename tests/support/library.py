"""An operator with readers: two people, an organisation's box that Anne shares."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forge import NOW
from standins import ANNE, HERE, TRACE_KEY, Office

from mssante.flows.folders.append import Appending
from mssante.flows.folders.indexing import Indexing
from mssante.flows.folders.opened import Opened
from mssante.flows.folders.reader import Reader, Reading
from mssante.flows.folders.values import Appended
from mssante.flows.folders.views import Views
from mssante.model.address import parse_address
from mssante.model.decision import Refusal
from mssante.model.mailbox import Identity, MailboxType, Method
from mssante.model.settings import ImapSettings
from mssante.store import accounts, mailboxes
from mssante.store.tx import Tx

ORG = f"urgences@{HERE}"


@dataclass
class Library:
    """The office and what its readers share."""

    office: Office
    reading: Reading

    async def reader(self, text: str = ANNE, opened: str | None = None) -> Reader:
        """Return a session of somebody."""

        async def work(tx: Tx) -> Identity:
            account = await accounts.account_by_login(tx, text)
            assert account is not None
            rights = await accounts.rights(tx, account.account_id)
            may_read = frozenset(right.address.key for right in rights if right.may_read)
            return Identity(account.account_id, text, Method.PLAIN, {}, may_read)

        identity = await self.office.store.read(work)
        address = None if opened is None else parse_address(opened)
        found = self.reading.begin(identity, "192.0.2.1", opened=address)
        assert isinstance(found, Reader)
        return found

    async def open(self, text: str = ANNE, name: str = "INBOX") -> Opened:
        """Return a folder that somebody opens."""
        found = await (await self.reader(text)).open(name, read_only=False)
        assert isinstance(found, Opened)
        return found

    async def add(self, *datas: bytes, text: str = ANNE, name: str = "INBOX", flags: tuple[str, ...] = ()) -> Appended:
        """Add messages in one command."""
        appending = await (await self.reader(text)).begin_append(name)
        assert isinstance(appending, Appending)
        for data in datas:
            assert appending.start(flags, None, len(data)) is None
            waiting = appending.data(data)
            if waiting is not None:
                await waiting
            assert await appending.end() is None
        found = await appending.commit()
        assert isinstance(found, Appended), found
        return found


async def open_library(folder: Path, **changes: Any) -> Library:  # noqa: ANN401 - any field of the office
    """Return an open operator with readers."""
    office = await Office(folder, **changes).open()

    async def work(tx: Tx) -> None:
        box = await mailboxes.create_mailbox(
            tx, parse_address(ORG), MailboxType.ORG, holder="", identifier="", quota_bytes=1_000_000, now=NOW
        )
        anne = await accounts.account_by_login(tx, ANNE)
        assert anne is not None
        await accounts.grant(tx, anne.account_id, box.mailbox_id, may_read=True, may_send=True)

    await office.store.write(work)
    reading = Reading(
        office.store,
        Views(office.store),
        Indexing(office.store),
        office.notifier,
        office.room,
        office.clock,
        office.new_reference,
        ImapSettings(),
        office.limits,
        office.storing,
        TRACE_KEY,
    )
    return Library(office, reading)


def refused(found: object) -> str:
    """Return why something was refused; "" when it was not."""
    return found.kind.value if isinstance(found, Refusal) else ""

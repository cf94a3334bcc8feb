"""The mailboxes that a reader may open, looked up anew at each act: what is taken away is gone at once."""

from dataclasses import dataclass, replace

from mssante.flows.folders.names import full_name, split_name
from mssante.model.address import Address, for_trace, login_for_trace, parse_address
from mssante.model.audit import AuditEvent
from mssante.model.decision import Refusal
from mssante.model.errors import MssError
from mssante.model.folder import AclEntry
from mssante.model.mailbox import AccountId, Folder, FolderId, Mailbox, MailboxState, MailboxType
from mssante.rules.access import Act, Holding, folder_unknown, judge_act, rights_of
from mssante.store import accounts, folders, mailboxes
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Who:
    """Who reads.

    Attributes:
        opened: the box whose folders stand at the top.
        ip, service: for the audit: from where, and through what (``imap``).
    """

    account_id: AccountId
    login: str
    opened: Address
    ip: str
    service: str
    trace_key: bytes

    def traced(self, login: str) -> str:
        """Return a login as the audit may hold it."""
        return login_for_trace(login, self.trace_key)

    def event(self, name: str, box: Mailbox, outcome: str = "ok", **facts: str | int) -> AuditEvent:
        """Return an event of this reader about a box; facts never hold content."""
        actor = login_for_trace(self.login, self.trace_key)
        about = for_trace(box.address, self.trace_key)
        return AuditEvent(name, actor, about, outcome, self.service, {"ip": self.ip, **facts})


@dataclass(frozen=True, slots=True)
class Box:
    """One mailbox with what the reader may do there."""

    mailbox: Mailbox
    holding: Holding
    folders: tuple[Folder, ...]
    acl: dict[FolderId, tuple[AclEntry, ...]]

    @property
    def is_own(self) -> bool:
        """Tell whether it is the reader's own."""
        return self.holding.is_own

    def rights(self, folder_id: FolderId | None) -> frozenset[str]:
        """Return the rights on a folder; None is the box itself, where folders are made."""
        entries = () if folder_id is None else self.acl.get(folder_id, ())
        return rights_of(replace(self.holding, acl=entries))

    def folder(self, name: str) -> Folder | None:
        """Return the folder of that name."""
        return next((folder for folder in self.folders if folder.name == name), None)


@dataclass(frozen=True, slots=True)
class Spot:
    """One folder of a box, with the rights of the reader there."""

    box: Box
    folder: Folder
    rights: frozenset[str]


async def load_box(tx: Tx, who: Who, address: Address) -> Box | None:
    """Return a mailbox as the reader may see it; None when it is unknown or nothing of it is his."""
    mailbox = await mailboxes.mailbox_by_key(tx, address.key)
    if mailbox is None:
        return None
    right = next((one for one in await accounts.rights(tx, who.account_id) if one.address.key == address.key), None)
    acl = await folders.list_acl(tx, mailbox.mailbox_id)
    is_own = right is not None and (mailbox.kind is MailboxType.APP or address.key == _key(who.login))
    holding = Holding(
        who.login,
        is_own=is_own,
        may_read=right is not None and right.may_read,
        may_send=right is not None and right.may_send,
        is_open=mailbox.state is MailboxState.ACTIVE,
    )
    box = Box(mailbox, holding, await mailboxes.list_folders(tx, mailbox.mailbox_id), acl)
    return box if any(box.rights(one) for one in (None, *acl)) else None


async def find_spot(tx: Tx, who: Who, name: str, act: Act) -> Spot | Refusal:
    """Return the folder of a full name when the reader may do that there, else the refusal."""
    found = await find_box(tx, who, name)
    if isinstance(found, Refusal):
        return found
    box, inner = found
    folder = box.folder(inner)
    if folder is None:
        return folder_unknown()
    rights = box.rights(folder.folder_id)
    return judge_act(act, rights) or Spot(box, folder, rights)


async def find_box(tx: Tx, who: Who, name: str) -> tuple[Box, str] | Refusal:
    """Return the box of a full name and the name in it, or the refusal."""
    typed, inner = split_name(name)
    address = who.opened if typed is None else _parsed(typed)
    # The opened box has one name only, so that nothing is listed twice.
    if address is None or not inner or (typed is not None and address.key == who.opened.key):
        return folder_unknown()
    box = await load_box(tx, who, address)
    return folder_unknown() if box is None else (box, inner)


async def all_boxes(tx: Tx, who: Who) -> list[tuple[str | None, Box]]:
    """Return every box of the reader: (None for the opened one, else its address as named; the box)."""
    addresses = {right.address.key: right.address for right in await accounts.rights(tx, who.account_id)}
    for shared in await folders.shared_with(tx, who.login):
        addresses[shared.key] = shared
    addresses.pop(who.opened.key, None)
    found: list[tuple[str | None, Box]] = []
    for named in (None, *addresses.values()):
        box = await load_box(tx, who, named or who.opened)
        if box is not None:
            found.append((None if named is None else str(named), box))
    return found


def name_in(address: str | None, folder: Folder) -> str:
    """Return the full name of a folder."""
    return full_name(address, folder.name)


def _parsed(text: str) -> Address | None:
    try:
        return parse_address(text)
    except MssError:
        return None


def _key(login: str) -> str:
    address = _parsed(login)
    return "" if address is None else address.key

"""One signed-in reader: his folders, and those of the boxes that he shares; whatever the door.

`Reading` is made once for a process; `Reading.begin` gives a `Reader` for each session; `Reader.open` gives an
`Opened` folder (see `mssante.flows.folders.opened`), `Reader.begin_append` an `Appending`.

Source: RFC 9051 section 6.3; RFC 4314; RFC 9208.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mssante.flows.folders import annotations, changes, sharing
from mssante.flows.folders.append import Appending
from mssante.flows.folders.boxes import Box, Spot, Who, all_boxes, find_spot, name_in
from mssante.flows.folders.indexing import Indexing
from mssante.flows.folders.names import (
    OTHERS,
    SEPARATOR,
    SUBSCRIPTIONS_MAX,
    full_name,
    levels_above,
    split_name,
    too_many_subscriptions,
)
from mssante.flows.folders.opened import Opened
from mssante.flows.folders.values import Listed, Namespaces, Quota, no_folder
from mssante.flows.folders.views import Views
from mssante.flows.folders.watching import Interest, Watching
from mssante.flows.notify import Listener, Notifier
from mssante.flows.room import Room
from mssante.model.address import Address, parse_address
from mssante.model.decision import Refusal
from mssante.model.errors import MssError
from mssante.model.folder import AclEntry, FolderStatus
from mssante.model.mailbox import Identity, Role
from mssante.model.settings import ImapSettings, LimitSettings, StoreSettings
from mssante.rules.access import Act, folder_unknown
from mssante.store import folders
from mssante.store.engine import Store
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Reading:
    """What all readers of a process share."""

    store: Store
    views: Views
    indexing: Indexing
    notifier: Notifier
    room: Room
    clock: Callable[[], datetime]
    new_reference: Callable[[], str]
    settings: ImapSettings
    limits: LimitSettings
    storing: StoreSettings
    trace_key: bytes

    def begin(
        self, identity: Identity, peer_ip: str, service: str = "imap", opened: Address | None = None
    ) -> "Reader | Refusal":
        """Return the session of somebody who signed in, or the refusal when no box is his to open.

        Args:
            identity: from the sign-in.
            peer_ip: for the audit.
            service: for the audit.
            opened: the box at the top; None is his own, or the only one that he may read.
        """
        address = opened or _own(identity)
        if identity.account_id is None or address is None or address.key not in identity.may_read:
            return folder_unknown()
        return Reader(self, Who(identity.account_id, identity.login, address, peer_ip, service, self.trace_key))


class Reader:
    """One session of one person or program; holds no lock and no transaction."""

    def __init__(self, reading: Reading, who: Who) -> None:
        """Start; use `Reading.begin`."""
        self._reading = reading
        self.who = who

    def names(self) -> Namespaces:
        """Return where names begin."""
        return Namespaces(SEPARATOR, "", OTHERS + SEPARATOR)

    async def folders(self) -> tuple[Listed, ...]:
        """Return every folder that the reader may see, his own first, with the parents that are no folder.

        Names that he subscribed to and that are gone come last (see `Listed.is_gone`).
        """

        async def work(tx: Tx) -> tuple[list[tuple[str | None, Box]], dict[str, bool]]:
            return await all_boxes(tx, self.who), await folders.subscriptions(tx, self.who.account_id)

        boxes, chosen = await self._reading.store.read(work)
        return _listed(boxes, chosen)

    async def status(self, name: str, *, sizes: bool = True) -> FolderStatus | Refusal:
        """Return the counters of a folder; `sizes` adds those that must be counted (DELETED, SIZE)."""

        async def work(tx: Tx) -> FolderStatus | Refusal:
            spot = await find_spot(tx, self.who, name, Act.STATUS)
            if isinstance(spot, Refusal):
                return spot
            return await folders.status(tx, spot.folder.folder_id, sizes=sizes) or folder_unknown()

        return await self._reading.store.read_long(work)

    async def create(self, name: str, role: str | None = None) -> Refusal | None:
        """Make a folder (and nothing above it: parents are shown when they are needed)."""
        done = await changes.create(self._reading.store, self.who, name, role, self._reading.clock())
        return await self._published(done)

    async def delete(self, name: str) -> Refusal | None:
        """Remove a folder with its messages; what is below it stays."""
        return await self._published(await changes.delete(self._reading.store, self.who, name, self._reading.clock()))

    async def rename(self, old: str, new: str) -> Refusal | None:
        """Rename a folder with what is below it; INBOX keeps its name and gives its messages away."""
        done = await changes.rename(self._reading.store, self.who, old, new, self._reading.clock())
        return await self._published(done)

    async def subscribe(self, name: str, *, wanted: bool) -> Refusal | None:
        """Note whether a folder is to be shown; taking away always works, also for a folder that is gone."""
        full = full_name(*split_name(name))

        async def work(tx: Tx) -> Refusal | None:
            spot = await find_spot(tx, self.who, name, Act.LIST)
            if isinstance(spot, Refusal) and wanted:
                return spot
            if wanted is _is_shown(None if isinstance(spot, Refusal) else spot.folder.role):
                await folders.subscribe(tx, self.who.account_id, full, wanted=None)
                return None
            chosen = await folders.subscriptions(tx, self.who.account_id)
            if full not in chosen and len(chosen) >= SUBSCRIPTIONS_MAX:
                return too_many_subscriptions()
            await folders.subscribe(tx, self.who.account_id, full, wanted=wanted)
            return None

        refusal = await self._reading.store.write(work)
        if refusal is None:
            self._reading.notifier.ring(self.who.account_id)
        return refusal

    async def open(self, name: str, *, read_only: bool) -> Opened | Refusal:
        """Open a folder; one that may only be read opens read-only. Another's box leaves a trace."""
        spot = await self._spot(name, Act.READ)
        if isinstance(spot, Refusal):
            return spot
        snapshot = await self._reading.views.newest(spot.folder.folder_id)
        if snapshot is None:
            return folder_unknown()
        if not spot.box.is_own:
            event = self.who.event("folder.opened", spot.box.mailbox, folder=spot.folder.folder_id)
            await changes.trace(self._reading.store, event, self._reading.clock())
        return Opened(self._reading, self.who, name, spot, snapshot, read_only=read_only)

    async def begin_append(self, name: str, replaces: tuple[Opened, int] | None = None) -> Appending | Refusal:
        """Begin to add messages to a folder.

        Args:
            name: of the folder.
            replaces: a message (folder, UID) that goes in the same step (RFC 8508).
        """
        spot = await self._spot(name, Act.ADD)
        if isinstance(spot, Refusal):
            return spot
        where = None if replaces is None else (replaces[0].name, replaces[1])
        return Appending(self._reading, self.who, name, spot, where)

    async def acl(self, name: str) -> tuple[AclEntry, ...] | Refusal:
        """Return the list of rights of a folder."""
        return await sharing.acl(self._reading.store, self.who, name)

    async def set_acl(self, name: str, identifier: str, mode: str, rights: str | None) -> Refusal | None:
        """Change what somebody may do with a folder.

        Args:
            name: of the folder.
            identifier: login, with "-" in front for rights to take away.
            mode: "" replaces, "+" adds, "-" removes.
            rights: letters; None takes the entry away.
        """
        done = await sharing.set_acl(
            self._reading.store, self.who, name, identifier, mode, rights, self._reading.clock()
        )
        if isinstance(done, Refusal):
            return done
        self._reading.notifier.ring(done)
        return None

    async def list_rights(self, name: str, identifier: str) -> tuple[str, tuple[str, ...]] | Refusal:
        """Return the rights that somebody always has on a folder, and those that may be given one by one."""
        return await sharing.list_rights(self._reading.store, self.who, name, identifier)

    async def metadata(self, entries: tuple[str, ...], depth: int = 0) -> dict[str, bytes]:
        """Return entry -> value of notes on the server (RFC 5464); depth 0, 1 or -1 for all below."""
        return await annotations.noted(self._reading.store, self.who.account_id, entries, depth)

    async def set_metadata(self, values: tuple[tuple[str, bytes | None], ...]) -> Refusal | None:
        """Set notes on the server under "/private/"; None removes one."""
        refusal = await annotations.note(self._reading.store, self.who.account_id, values)
        if refusal is None:
            self._reading.notifier.ring(self.who.account_id)
        return refusal

    async def my_rights(self, name: str) -> frozenset[str] | Refusal:
        """Return what the reader may do with a folder."""
        spot = await self._spot(name, Act.LIST)
        return spot if isinstance(spot, Refusal) else spot.rights

    async def quota(self, root: str) -> Quota | Refusal:
        """Return the quota of a root, which is the address of a mailbox."""

        async def work(tx: Tx) -> Quota | Refusal:
            for _named, box in await all_boxes(tx, self.who):
                if str(box.mailbox.address).casefold() == root.casefold() and box.holding.may_read:
                    return Quota(str(box.mailbox.address), box.mailbox.used_bytes, box.mailbox.quota_bytes)
            return folder_unknown()

        return await self._reading.store.read(work)

    async def quota_root(self, name: str) -> Quota | Refusal:
        """Return the quota that a folder counts in (RFC 9208 section 4.1.2)."""
        spot = await self._spot(name, Act.READ)
        if isinstance(spot, Refusal):
            return spot
        mailbox = spot.box.mailbox
        return Quota(str(mailbox.address), mailbox.used_bytes, mailbox.quota_bytes)

    async def listen(self, listener: Listener) -> Callable[[], None]:
        """Call the listener after each commit that changes messages of a box of the reader; returns what ends it.

        After a commit that changes what he sees otherwise (names, rights, subscriptions, notes) it is called with ().
        """
        boxes = await self._reading.store.read(lambda tx: all_boxes(tx, self.who))
        notifier = self._reading.notifier
        stops = [notifier.listen(box.mailbox.mailbox_id, listener) for _named, box in boxes]
        stops.append(notifier.listen_account(self.who.account_id, listener))

        def stop() -> None:
            for one in stops:
                one()

        return stop

    def watch(self, interests: tuple[Interest, ...]) -> Watching:
        """Return what tells a session of changes outside the folder that it has open (RFC 5465)."""
        return Watching(self, interests)

    async def _spot(self, name: str, act: Act) -> Spot | Refusal:
        return await self._reading.store.read(lambda tx: find_spot(tx, self.who, name, act))

    async def _published(self, done: "changes.Done | Refusal") -> Refusal | None:
        if isinstance(done, Refusal):
            return done
        self._reading.notifier.publish(done.changes)
        self._reading.notifier.changed(done.mailbox_id)
        return None


def _own(identity: Identity) -> Address | None:
    """Return the box of the login, or the only one that may be read."""
    try:
        address = parse_address(identity.login)
    except MssError:
        address = None
    if address is not None and address.key in identity.may_read:
        return address
    if len(identity.may_read) == 1:
        return parse_address(next(iter(identity.may_read)))
    return None


def _is_shown(role: Role | None) -> bool:
    """Tell whether a folder is subscribed for whoever has not chosen."""
    return role is not None


def _listed(boxes: list[tuple[str | None, Box]], chosen: dict[str, bool]) -> tuple[Listed, ...]:
    found: dict[str, Listed] = {}
    for named, box in boxes:
        seen = [(folder, box.rights(folder.folder_id)) for folder in box.folders]
        seen = [(folder, rights) for folder, rights in seen if "l" in rights]
        above = {level for folder, _rights in seen for level in levels_above(name_in(named, folder))}
        for folder, rights in seen:
            name = name_in(named, folder)
            shown = chosen.get(name, _is_shown(folder.role))
            found[name] = Listed(
                name,
                folder,
                rights,
                is_subscribed=shown,
                has_children=name in above,
                is_other=named is not None,
            )
        for name in sorted(above - found.keys()):
            found[name] = no_folder(name, is_subscribed=chosen.get(name, False), has_children=True)
    wanted = {name for name, is_wanted in chosen.items() if is_wanted}
    gone = (wanted | {level for name in wanted for level in levels_above(name)}) - found.keys()
    return (*found.values(), *(no_folder(name, is_subscribed=chosen.get(name, False)) for name in sorted(gone)))

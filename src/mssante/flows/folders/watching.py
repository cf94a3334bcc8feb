"""What a session is told of everything but the folder that it has open: names, counters of other folders, notes.

Pictures of the list are compared, so that a missed bell makes a session late, never wrong; what happened twice between
two looks is told once.

Source: RFC 5465 sections 3.1, 5 and 6.
"""

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mssante.flows.folders.names import SEPARATOR, levels_above
from mssante.flows.folders.values import Listed, no_folder
from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import FolderId, MailboxId, Role

if TYPE_CHECKING:
    from mssante.flows.folders.reader import Reader

WATCHED_MAX: Final = 4000
"""Most names that one session watches; each look reads the list of them."""


class Event(enum.Enum):
    """What a session may ask to be told, as the standard names it."""

    NEW = "MessageNew"
    EXPUNGE = "MessageExpunge"
    FLAGS = "FlagChange"
    NAME = "MailboxName"
    SUBSCRIPTION = "SubscriptionChange"
    NOTES = "ServerMetadataChange"


MESSAGE_EVENTS: Final = frozenset({Event.NEW, Event.EXPUNGE, Event.FLAGS})


class Scope(enum.Enum):
    """Which names are meant."""

    INBOXES = "INBOXES"
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    MAILBOXES = "MAILBOXES"


@dataclass(frozen=True, slots=True)
class Interest:
    """Events of some names.

    Attributes:
        folders: names, for SUBTREE and MAILBOXES.
    """

    scope: Scope
    events: frozenset[Event]
    folders: tuple[str, ...] = ()

    def covers(self, one: Listed) -> bool:
        """Tell whether a name is meant."""
        match self.scope:
            case Scope.PERSONAL:
                return not one.is_other
            case Scope.INBOXES:
                return not one.is_other and one.role is Role.INBOX
            case Scope.SUBSCRIBED:
                return one.is_subscribed
            case Scope.SUBTREE:
                return any(one.name == name or one.name.startswith(name + SEPARATOR) for name in self.folders)
            case Scope.MAILBOXES:
                return one.name in self.folders


@dataclass(frozen=True, slots=True)
class NameNews:
    """A name of which something changed, as it is now; `old_name` when it was renamed."""

    listed: Listed
    old_name: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the last look.

    Attributes:
        names: made, removed, renamed, subscribed or not.
        messages: folders whose messages changed, with the events that say how.
        notes: entries that were set or removed.
    """

    names: tuple[NameNews, ...] = ()
    messages: tuple[tuple[Listed, frozenset[Event]], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Picture:
    names: dict[str, Listed]
    notes: dict[str, bytes]


class Watching:
    """Guards what the session was told last; use `Reader.watch`, then `begin` once, then `look` at each bell."""

    def __init__(self, reader: "Reader", interests: tuple[Interest, ...]) -> None:
        """Keep what is asked for."""
        self._reader = reader
        self._interests = interests
        self._events = frozenset[Event]().union(*(one.events for one in interests))
        self._told = _Picture({}, {})

    @property
    def mailboxes(self) -> frozenset[MailboxId]:
        """Return the boxes that the reader saw at the last look."""
        return frozenset(one.folder.mailbox_id for one in self._told.names.values() if one.folder is not None)

    async def begin(self) -> Refusal | None:
        """Look for the first time; the refusal when that is too much to watch."""
        self._told = await self._look()
        if len(self._told.names) > WATCHED_MAX:
            public = f"More than {WATCHED_MAX} mailboxes to watch"
            french = f"On ne peut pas surveiller plus de {WATCHED_MAX} dossiers à la fois."
            return Refusal(Kind.TOO_COSTLY, "watched", public, french=french)
        return None

    def watched(self) -> list[tuple[Listed, frozenset[Event]]]:
        """Return the folders of which events of messages are told, with those events."""
        found = [(one, self._of(one) & MESSAGE_EVENTS) for one in self._told.names.values() if one.folder is not None]
        return [(one, events) for one, events in found if events and "r" in one.rights]

    def shut(self) -> list[Listed]:
        """Return the folders that are asked for and may be listed, not read: nothing of their messages is told."""
        found = [one for one in self._told.names.values() if one.folder is not None and "r" not in one.rights]
        return [one for one in found if self._of(one) & MESSAGE_EVENTS]

    async def look(self, selected: FolderId | None) -> News:
        """Return what is new since the last look, without messages of the folder that the session has open."""
        before, self._told = self._told, await self._look()
        notes: tuple[str, ...] = ()
        if Event.NOTES in self._events:
            was, now = before.notes, self._told.notes
            notes = tuple(sorted(entry for entry in was | now if was.get(entry) != now.get(entry)))
        messages = [] if not self._events & MESSAGE_EVENTS else self._messages(before.names, selected)
        return News(tuple(self._names(before.names)), tuple(messages), notes)

    async def accept(self, *names: str) -> None:
        """Take names as they are now for told: the session changed them itself."""
        now = (await self._look()).names
        mine = {*names, *(levels[-1] for levels in map(levels_above, names) if levels)}
        below = tuple(name + SEPARATOR for name in names)
        for name in {*self._told.names, *now}:
            if name in mine or name.startswith(below):
                self._told.names.pop(name, None)
                if name in now:
                    self._told.names[name] = now[name]

    def accept_notes(self, entries: dict[str, bytes | None]) -> None:
        """Take notes for told: the session wrote them itself."""
        for entry, value in entries.items():
            self._told.notes.pop(entry, None)
            if value is not None:
                self._told.notes[entry] = value

    # -- comparisons -------------------------------------------------------------------------------------------------

    def _of(self, one: Listed) -> frozenset[Event]:
        return frozenset[Event]().union(*(interest.events for interest in self._interests if interest.covers(one)))

    async def _look(self) -> _Picture:
        names = {one.name: one for one in await self._reader.folders()}
        notes = await self._reader.metadata(("/private", "/shared"), -1) if Event.NOTES in self._events else {}
        return _Picture(names, notes)

    def _messages(self, before: dict[str, Listed], selected: FolderId | None) -> list[tuple[Listed, frozenset[Event]]]:
        was = {one.folder.folder_id: one.folder for one in before.values() if one.folder is not None}
        found: list[tuple[Listed, frozenset[Event]]] = []
        for one, events in self.watched():
            folder = one.folder
            if folder is None or folder.folder_id == selected or folder.folder_id not in was:
                continue
            old = was[folder.folder_id]
            if folder.highest_modseq == old.highest_modseq:
                continue
            moved = (folder.messages, folder.uid_next) != (old.messages, old.uid_next)
            told = events if moved else events & {Event.FLAGS}
            if told:
                found.append((one, told))
        return found

    def _names(self, before: dict[str, Listed]) -> list[NameNews]:
        if not self._events & {Event.NAME, Event.SUBSCRIPTION}:
            return []
        now = self._told.names
        renamed = _renamed(before, now)
        affected = _made_or_gone(before, now, renamed)
        found: list[NameNews] = []
        for name in sorted({*before, *now}):
            one = now.get(name) or no_folder(name)
            events = self._of(one) | (self._of(before[name]) if name in before else frozenset())
            # Who follows a renaming takes the choice along; the choice stays with the old name.
            was = before.get(renamed.get(name, name))
            is_chosen = Event.SUBSCRIPTION in events and one.is_subscribed != (was is not None and was.is_subscribed)
            if Event.NAME in events and name in renamed and not _went_along(name, renamed):
                found.append(NameNews(one, renamed[name]))
            elif is_chosen or (Event.NAME in events and name in affected):
                found.append(NameNews(one))
        return found


def _renamed(before: dict[str, Listed], now: dict[str, Listed]) -> dict[str, str]:
    """Return new name -> old name of the folders that have another one."""
    old = {one.folder_id: name for name, one in before.items() if one.folder is not None}
    pairs = ((name, old.get(one.folder_id, name)) for name, one in now.items() if one.folder is not None)
    return {name: old_name for name, old_name in pairs if name != old_name}


def _went_along(name: str, renamed: dict[str, str]) -> bool:
    """Tell whether a folder was renamed only because one above it was: nothing is told of it (RFC 5465 section 5.4)."""
    return any(
        level in renamed and name[len(level) :] == renamed[name].removeprefix(renamed[level])
        for level in levels_above(name)
    )


def _made_or_gone(before: dict[str, Listed], now: dict[str, Listed], renamed: dict[str, str]) -> set[str]:
    """Return the names that are a folder now and were not, or the other way round, with the names right above them."""
    was = {name: one.folder_id for name, one in before.items() if one.folder is not None}
    are = {name: one.folder_id for name, one in now.items() if one.folder is not None}
    made = {name for name, folder_id in are.items() if was.get(name) != folder_id and name not in renamed}
    gone = was.keys() - are.keys() - set(renamed.values())
    above = {levels[-1] for levels in map(levels_above, made | gone) if levels}
    return made | gone | above

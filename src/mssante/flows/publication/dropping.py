"""Put every mailbox of ours in one file of the 31-column form, for a directory whose interface is not public.

The file says all that is in service and not on the red list; who is not in it has left. Nobody answers: what is in it
stays "sent". Each file replaces the one before.

Source: operators.md 4.1 (publication operations: unknown), 4.4 (columns), 11 U8.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from mssante.flows.ports import Clock
from mssante.flows.publication.announcing import Planned, plan
from mssante.flows.publication.ports import DropFolder, LineWriter
from mssante.model.address import for_trace
from mssante.model.audit import AuditEvent
from mssante.model.directory import ListedMailbox, Professional, Structure
from mssante.model.publication import PublicationState
from mssante.rules.naming import split_holder
from mssante.store import audit, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

_PAGE_BOXES: Final = 1000


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a file holds.

    Attributes:
        name: of the file, or "" when nothing had changed and none was put.
        lines: mailboxes in it.
        left_out: in service, but on the red list or without an identifier.
        changed: mailboxes that had something new.
    """

    name: str
    lines: int = 0
    left_out: int = 0
    changed: int = 0


class Dropping:
    """Puts files of our mailboxes in a folder."""

    def __init__(
        self,
        *,
        store: Store,
        folder: DropFolder,
        header: bytes,
        line: LineWriter,
        actor: str,
        trace_key: bytes,
        clock: Clock,
    ) -> None:
        """Keep what every file needs.

        Args:
            store, trace_key, clock: shared.
            folder: where somebody else fetches the file.
            header: first line, with its line end.
            line: writes one entry.
            actor: for the audit.
        """
        self._store = store
        self._folder = folder
        self._header = header
        self._line = line
        self._actor = actor
        self._trace_key = trace_key
        self._clock = clock

    async def drop(self) -> Dropped:
        """Put a file when a mailbox has something new; return what it holds.

        Raises:
            LinkError: the folder cannot be written; everything is still to be published.
        """
        now = self._clock()
        lines = [self._header]
        changed: list[Planned] = []
        left_out = after = 0
        while page := await self._store.read_long(partial(_page, after=after)):
            after = page[-1].announced.mailbox.mailbox_id
            changed += [one for one in page if one.announced.due_at is not None]
            some = [line for one in page if (line := self._line_of(one))]
            left_out += sum(1 for one in page if one.wanted is not None or one.code) - len(some)
            lines += some
        if not changed:
            return Dropped("")
        name = f"Publication_MSSante_{now:%Y%m%d%H%M%S}.txt"
        await self._folder.put(name, b"".join(lines))
        done = Dropped(name, len(lines) - 1, left_out, len(changed))
        await self._record(done, changed, now)
        return done

    def _line_of(self, planned: Planned) -> bytes:
        """Return the line of a mailbox, b"" for one that nobody may find."""
        if planned.wanted is None or planned.wanted.mailbox.is_red:
            return b""
        mailbox = planned.wanted.mailbox
        return self._line(mailbox, *_people(planned.announced.mailbox.holder, mailbox))

    async def _record(self, done: Dropped, changed: list[Planned], now: datetime) -> None:
        """Write down what the file says; after a crash before that the next file says it again."""
        for start in range(0, len(changed), _PAGE_BOXES):
            some = changed[start : start + _PAGE_BOXES]
            await self._store.write_long(partial(self._mark, page=some, now=now))
        facts: dict[str, str | int] = {"lines": done.lines, "left_out": done.left_out, "changed": done.changed}
        event = AuditEvent("publication.file", self._actor, done.name, "ok", "publication", facts)
        await self._store.write(lambda tx: audit.append(tx, event, now))

    async def _mark(self, tx: Tx, page: list[Planned], now: datetime) -> None:
        for one in page:
            state = PublicationState.SENT if one.wanted is not None else PublicationState.WITHDRAWN
            if one.code:
                state = PublicationState.REFUSED
            if await publication.mark_dropped(tx, one.announced, state, one.code, now):
                subject = for_trace(one.announced.mailbox.address, self._trace_key)
                facts: dict[str, str | int] = {"version": one.announced.version}
                event = AuditEvent(
                    f"publication.{state.value}", self._actor, subject, one.code or "ok", "publication", facts
                )
                await audit.append(tx, event, now)


async def _page(tx: Tx, after: int) -> list[Planned]:
    return [plan(one) for one in await publication.list_announced(tx, after=after, limit=_PAGE_BOXES)]


def _people(holder: str, mailbox: ListedMailbox) -> tuple[Professional | None, Structure | None]:
    """Return what we know of the holder and of the place; the receiver knows more by the identifiers."""
    professional = Professional(mailbox.professional, *split_holder(holder)) if mailbox.professional else None
    structure = Structure(mailbox.structure, "" if professional else holder) if mailbox.structure else None
    return professional, structure

"""The mailboxes of ours that a staff file does not name: reported, and suspended only when that was asked for.

Never closed here: a suspended mailbox is out of the directory and keeps what it holds; closing is left to the rule of
inactivity (`mssante.rules.life_cycle`), which tells the holder first.

Source: users.md 7.1 DSI-5 (leavers; a box is not shut with unread results in it); operators.md 5 (suspension, closing).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from mssante.flows.mailboxes import Administering
from mssante.flows.publication.bulk import ImportOrder, LineOutcome, LineReport
from mssante.flows.publication.staff_file import StaffLine
from mssante.flows.publication.wanted import Wanted, wanted_of
from mssante.model.address import Address, parse_address
from mssante.model.mailbox import MailboxState, MailboxType, Role
from mssante.model.publication import Announced
from mssante.rules.absentees import AbsenceGuard, absence_fault
from mssante.rules.attributes import PLACES, structure_identifier
from mssante.store import publication
from mssante.store.engine import Store
from mssante.store.mailboxes import folder_by_role
from mssante.store.tx import Tx

_PAGE_BOXES = 500


@dataclass(frozen=True, slots=True)
class Absentee:
    """A mailbox in service that no line of the file means; `unread`: messages of its inbox that nobody has seen."""

    address: Address
    holder: str
    unread: int


@dataclass(frozen=True, slots=True)
class Absentees:
    """Who is in no line.

    Attributes:
        found: by address.
        in_scope: mailboxes in service of the types and structures of the file, named or not.
        refused: lines of which it is not sure whom they mean.
    """

    found: tuple[Absentee, ...]
    in_scope: int
    refused: int

    @property
    def to_suspend(self) -> tuple[Absentee, ...]:
        """Return those with nothing unread; the others are first to be read by somebody."""
        return tuple(one for one in self.found if not one.unread)

    def fault(self, guard: AbsenceGuard) -> str:
        """Return why they may not be suspended at once, in French with the fix; "" when they may."""
        return absence_fault(len(self.found), self.in_scope, self.refused, guard)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Of which mailboxes a file speaks."""

    domain: str
    kinds: frozenset[MailboxType]
    structures: frozenset[str]

    def has(self, one: Announced) -> bool:
        """Tell whether a mailbox in service is of a type and a structure that the file has; a CAB has no structure."""
        box = one.mailbox
        if box.state is not MailboxState.ACTIVE or box.address.domain != self.domain or box.kind not in self.kinds:
            return False
        number = box.identifier if box.kind in PLACES else one.listing.structure
        return box.kind is MailboxType.CAB or structure_identifier(number) in self.structures


async def absentees(
    lines: Sequence[StaffLine],
    order: ImportOrder,
    reports: Sequence[LineReport],
    *,
    store: Store,
    spared: Collection[str] = (),
) -> Absentees:
    """Return the mailboxes in service that the file does not name, among those of its types and structures.

    Args:
        lines: of the file.
        order: how it was taken.
        reports: what became of its lines, dry or not.
        store: of this operator.
        spared: keys of addresses that are never meant, the postmaster's.
    """
    wanted = [one for one in (wanted_of(line, order.structure) for line in lines) if isinstance(one, Wanted)]
    scope = _Scope(
        order.domain,
        frozenset(one.kind for one in wanted),
        frozenset(_structure(one) for one in wanted if one.kind is not MailboxType.CAB),
    )
    named = {parse_address(one.address).key for one in reports if one.address} | set(spared)
    found: list[Absentee] = []
    in_scope = after = 0
    while page := await store.read_long(partial(_page, after=after)):
        after = page[-1][0].mailbox.mailbox_id
        for one, unread in page:
            if scope.has(one):
                in_scope += one.mailbox.address.key not in spared
                if one.mailbox.address.key not in named:
                    found.append(Absentee(one.mailbox.address, one.mailbox.holder, unread))
    unsure = sum(1 for one in reports if one.outcome is LineOutcome.REFUSED and not one.address)
    return Absentees(tuple(sorted(found, key=lambda one: one.address.key)), in_scope, unsure)


async def suspend(found: Absentees, agreed: Collection[str], administering: Administering) -> tuple[LineReport, ...]:
    """Suspend those with nothing unread, each in a transaction with its audit row; return the report of all.

    Args:
        found: who is in no line now.
        agreed: keys of addresses that may be suspended; nobody else is, whatever has happened since.
        administering: acts.
    """
    going = frozenset(one.address.key for one in found.to_suspend) & frozenset(agreed)
    for one in found.found:
        if one.address.key in going:
            await administering.change_state(one.address, MailboxState.SUSPENDED)
    return reports_of(found, going)


def reports_of(found: Absentees, suspended: Collection[str] = ()) -> tuple[LineReport, ...]:
    """Return one line of the report for each; `suspended` are address keys."""
    return tuple(_report(one, is_suspended=one.address.key in suspended) for one in found.found)


def _report(one: Absentee, *, is_suspended: bool) -> LineReport:
    if is_suspended:
        return LineReport(0, LineOutcome.SUSPENDED, one.holder, str(one.address))
    reason = "`--close-absent` la suspend"
    if one.unread:
        unread = f"{one.unread} message{'s' if one.unread > 1 else ''} non lu{'s' if one.unread > 1 else ''}"
        reason = f"{unread} : faites lire d'abord, puis `mssante mailbox suspend {one.address}`"
    return LineReport(0, LineOutcome.LEFT, one.holder, str(one.address), reason)


def _structure(wanted: Wanted) -> str:
    return structure_identifier(wanted.identifier if wanted.kind in PLACES else wanted.listing.structure)


async def _page(tx: Tx, after: int) -> list[tuple[Announced, int]]:
    """Return some mailboxes with the messages of their inbox that nobody has seen."""
    some = await publication.list_announced(tx, after=after, limit=_PAGE_BOXES)
    return [(one, (await folder_by_role(tx, one.mailbox.mailbox_id, Role.INBOX)).unseen) for one in some]

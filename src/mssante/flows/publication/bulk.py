"""Bring a hospital's mailboxes to what its staff file says: some lines in one transaction, each line with its report.

Opens what is missing, changes what differs, leaves the rest. Run again on the same file it changes nothing: nobody gets
a second mailbox (`mssante.rules.naming` has the written rule), and of lines that mean the same one the first counts.
Who is in no line is `mssante.flows.publication.absentees`.

Source: users.md 7.1 DSI-5; operators.md 1.3 (types), 5 (an address is never given again).
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mssante.flows.amending import BoxChange, Draft, draft
from mssante.flows.mailboxes import Administering, MailboxOrder, vet
from mssante.flows.ports import Clock
from mssante.flows.publication.finding import (
    Doubt,
    Known,
    Seen,
    bare_number,
    find,
    free_address,
    login_of,
    opened,
    whole,
)
from mssante.flows.publication.staff_file import StaffLine
from mssante.flows.publication.wanted import Wanted, kind_of, wanted_of
from mssante.model.errors import MssError, StoreError
from mssante.model.mailbox import Mailbox, MailboxState, MailboxType
from mssante.model.national import is_rpps, practitioner_number
from mssante.store import accounts
from mssante.store.engine import Store
from mssante.store.tx import Tx

BATCH_LINES: Final = 50


class LineOutcome(enum.Enum):
    """What becomes of a line, or of a mailbox that no line means."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    LEFT = "left"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class LineReport:
    """One line of the report.

    Attributes:
        number: of the line in the file; 0 for a mailbox that is in none.
        who: whose mailbox it is, as shown to others, or "".
        address: made or found, or "".
        reason: why it was refused or left, with the fix; in French.
        fields: names of what changes (see `mssante.flows.amending.Draft`).
    """

    number: int
    outcome: LineOutcome
    who: str = ""
    address: str = ""
    reason: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """How a file is to be taken.

    Attributes:
        domain: of the mailboxes.
        quota_bytes: of each that is opened; those that are there keep theirs.
        structure: FINESS or SIRET of lines that name none, or "".
        dry_run: say what would be done, change nothing.
    """

    domain: str
    quota_bytes: int
    structure: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """The first password of a mailbox: as shown once, and its keyed hash as stored."""

    password: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told while it goes on.

    Attributes:
        new_password: makes the first password of a mailbox with an account of its own; None: it gets none.
        keep: called after each commit with the login and the password of each mailbox that it opened.
        progress: called with the lines done and the lines in all.
    """

    new_password: Callable[[], FirstPassword] | None = None
    keep: Callable[[Sequence[tuple[str, str]]], None] | None = None
    progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one transaction came to."""

    reports: list[LineReport]
    passwords: list[tuple[str, str]]
    seen: Seen


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a line comes to: its report, what it opens or changes, and the mailbox to remember."""

    report: LineReport
    work: MailboxOrder | Draft | None = None
    box: Known | None = None


async def import_all(
    lines: Sequence[StaffLine],
    order: ImportOrder,
    watching: Watching,
    *,
    store: Store,
    administering: Administering,
    clock: Clock,
) -> tuple[LineReport, ...]:
    """Take the lines, `BATCH_LINES` in one transaction; return what became of each, in the order of the file.

    People first and then teams, whose members they are. A dry run asks the same questions and gives the same report.

    Raises:
        StoreError: the store cannot go on; the batches before are kept, and running again goes on from there.
    """
    reports: list[LineReport] = []
    seen = Seen()
    turns = sorted(lines, key=lambda line: (kind_of(line) not in {None, MailboxType.PER}, line.number))
    for start in range(0, len(turns), BATCH_LINES):
        work = partial(
            _take_batch,
            lines=turns[start : start + BATCH_LINES],
            order=order,
            new_password=watching.new_password,
            seen=seen,
            administering=administering,
            clock=clock,
        )
        batch = await (store.read_long(work) if order.dry_run else store.write(work))
        seen = batch.seen
        reports += batch.reports
        if batch.passwords and watching.keep is not None:
            watching.keep(batch.passwords)
        if watching.progress is not None:
            watching.progress(len(reports), len(lines))
    return tuple(sorted(reports, key=lambda one: one.number))


async def _take_batch(
    tx: Tx,
    *,
    lines: Sequence[StaffLine],
    order: ImportOrder,
    new_password: Callable[[], FirstPassword] | None,
    seen: Seen,
    administering: Administering,
    clock: Clock,
) -> _Batch:
    done = _Batch([], [], seen.copy())
    for line in lines:
        wanted = wanted_of(line, order.structure)
        if isinstance(wanted, str):
            done.reports.append(LineReport(line.number, LineOutcome.REFUSED, _name(line), "", wanted))
            continue
        taken = await _take(tx, wanted, order, done.seen)
        done.reports.append(taken.report)
        if taken.box is not None:
            done.seen.add(taken.box)
        if order.dry_run:
            continue
        match taken.work:
            case MailboxOrder() as opening:
                secret = None if new_password is None or opening.members else new_password()
                if secret is not None:
                    done.passwords.append((str(opening.address), secret.password))
                await administering.open_box(tx, _with_digest(opening, secret), clock())
            case Draft() as change:
                await administering.amend_box(tx, change, clock())
    return done


async def _take(tx: Tx, wanted: Wanted, order: ImportOrder, seen: Seen) -> _Taken:
    """Return what a line comes to; nothing is written."""
    domain = whole(wanted.address or wanted.local, order.domain).domain
    found = await find(tx, wanted, domain, seen)
    address = "" if found is None else str(found.address)
    try:
        match found:
            case None:
                return await _opening(tx, wanted, order, domain, seen)
            case Doubt(reason=reason):
                return _refused(wanted, address, reason)
            case Known(line=line) if line:
                same = f"même boîte que la ligne {line}, qui compte seule"
                return _Taken(LineReport(wanted.number, LineOutcome.UNCHANGED, found.holder, address, same))
            case Known(mailbox=Mailbox() as mailbox):
                return await _changing(tx, wanted, mailbox, found, domain, seen)
    except StoreError:
        raise
    except MssError as error:
        return _refused(wanted, address, str(error))
    msg = f"line {wanted.number}: a mailbox is neither in the store nor of an earlier line (a bug)"
    raise AssertionError(msg)


async def _opening(tx: Tx, wanted: Wanted, order: ImportOrder, domain: str, seen: Seen) -> _Taken:
    address = await free_address(tx, wanted, domain, seen)
    if isinstance(address, str):
        return _refused(wanted, "", address)
    box = MailboxOrder(
        address=address,
        kind=wanted.kind,
        holder=wanted.holder,
        identifier=wanted.identifier,
        quota_bytes=order.quota_bytes,
        members=await _members(tx, wanted, domain, seen),
        listing=wanted.listing,
    )
    await vet(tx, box, seen.logins)
    known = opened(address, wanted, has_account=not box.members, count=len(seen.boxes))
    return _Taken(LineReport(wanted.number, LineOutcome.CREATED, wanted.holder, str(address)), box, known)


async def _changing(tx: Tx, wanted: Wanted, mailbox: Mailbox, found: Known, domain: str, seen: Seen) -> _Taken:
    identifier = wanted.identifier if wanted.identifier != bare_number(mailbox.kind, mailbox.identifier) else ""
    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    if "members" in wanted.says:
        members = await _members(tx, wanted, domain, seen)
        kept = {login.casefold() for login in members}
        now = await accounts.members(tx, mailbox.mailbox_id)
        joining, leaving = members, tuple(login for login in now if login.casefold() not in kept)
    change = BoxChange(
        holder=wanted.holder_after(mailbox.holder),
        identifier=identifier or None,
        amend=wanted.amended,
        joining=joining,
        leaving=leaving,
    )
    done = await draft(tx, mailbox, change, seen.logins)
    outcome = LineOutcome.CHANGED if done.fields else LineOutcome.UNCHANGED
    reason = ""
    if mailbox.state is MailboxState.SUSPENDED:
        reason = f"suspendue ; `mssante mailbox resume {mailbox.address}` la remet en service"
    box = replace(
        found,
        holder=done.holder,
        number=bare_number(mailbox.kind, done.identifier),
        local_id=done.listing.local_id,
        line=wanted.number,
    )
    report = LineReport(wanted.number, outcome, done.holder, str(mailbox.address), reason, done.fields)
    return _Taken(report, done if done.fields else None, box)


async def _members(tx: Tx, wanted: Wanted, domain: str, seen: Seen) -> tuple[str, ...]:
    """Return the logins of the members that a line names; of a practice, whoever answers for it is one of them.

    Raises:
        MssError: an RPPS has no mailbox in the domain.

    Source: operators.md 1.3 (CAB: a practitioner in charge, with co-holders).
    """
    found: list[str] = []
    for member in wanted.members:
        number = practitioner_number(member)
        login = await login_of(tx, number, domain, seen) if is_rpps(number) else member
        if not login:
            msg = f"le membre {member} n'a pas de boîte dans {domain} ; ouvrez-la d'abord, ou donnez son compte"
            raise MssError(msg)
        found.append(login)
    if wanted.kind is MailboxType.CAB:
        found.append(await login_of(tx, wanted.identifier, domain, seen))
    return tuple({login.casefold(): login for login in found if login}.values())


def _refused(wanted: Wanted, address: str, reason: str) -> _Taken:
    return _Taken(LineReport(wanted.number, LineOutcome.REFUSED, wanted.holder, address, reason))


def _with_digest(order: MailboxOrder, secret: FirstPassword | None) -> MailboxOrder:
    return order if secret is None else replace(order, password_digest=secret.digest)


def _name(line: StaffLine) -> str:
    return " ".join(part for part in (line["prenom"], line["nom"]) if part) or line["libelle"] or line["service"]

"""Open the mailboxes of a hospital from its staff file: some lines in one transaction, each line with its report.

Run again it finds what it made: nobody gets a second mailbox (`mssante.rules.naming` has the written rule).

Source: users.md 7.1 DSI-5; operators.md 5 (an address is never given again).
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from mssante.flows.mailboxes import Administering, MailboxOrder, vet
from mssante.flows.ports import Clock
from mssante.flows.publication.staff_file import StaffLine
from mssante.flows.publication.wanted import Wanted, wanted_of
from mssante.model.address import Address, parse_address
from mssante.model.errors import MssError, StoreError
from mssante.model.mailbox import Mailbox, MailboxState, MailboxType
from mssante.rules.naming import candidates
from mssante.store import publication
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx

BATCH_LINES: Final = 50


class LineOutcome(enum.Enum):
    """What becomes of a line."""

    CREATED = "created"
    PRESENT = "present"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LineReport:
    """One line of the report.

    Attributes:
        number: of the line in the file.
        who: whose mailbox it is, as shown to others, or "".
        address: made or found, or "".
        reason: why it was refused, with the fix; in French.
    """

    number: int
    outcome: LineOutcome
    who: str = ""
    address: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """How a file is to be taken.

    Attributes:
        domain: of the mailboxes.
        quota_bytes: of each.
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
class _Made:
    """What earlier lines of the file made, or would make.

    Attributes:
        numbers: RPPS -> address. staff: number of the register -> address and RPPS. places: address key -> box.
    """

    numbers: dict[str, str] = field(default_factory=dict)
    staff: dict[str, tuple[str, str]] = field(default_factory=dict)
    places: dict[str, MailboxOrder] = field(default_factory=dict)

    def add(self, box: MailboxOrder) -> None:
        """Remember a mailbox."""
        self.places[box.address.key] = box
        if box.kind is MailboxType.PER:
            self.staff.setdefault(box.listing.local_id, (str(box.address), box.identifier))
            self.numbers[box.identifier] = str(box.address)

    def copy(self) -> "_Made":
        """Return a copy: a transaction may be begun a second time."""
        return _Made(dict(self.numbers), dict(self.staff), dict(self.places))


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one transaction came to."""

    reports: list[LineReport]
    passwords: list[tuple[str, str]]
    made: _Made


async def open_all(
    lines: Sequence[StaffLine],
    order: ImportOrder,
    watching: Watching,
    *,
    store: Store,
    administering: Administering,
    clock: Clock,
) -> tuple[LineReport, ...]:
    """Take the lines in their order, `BATCH_LINES` in one transaction; return what became of each.

    A dry run asks the same questions and gives the same report.

    Raises:
        StoreError: the store cannot go on; the batches before are kept, and running again goes on from there.
    """
    reports: list[LineReport] = []
    made = _Made()
    for start in range(0, len(lines), BATCH_LINES):
        work = partial(
            _take_batch,
            lines=lines[start : start + BATCH_LINES],
            order=order,
            new_password=watching.new_password,
            made=made,
            administering=administering,
            clock=clock,
        )
        batch = await (store.read_long(work) if order.dry_run else store.write(work))
        made = batch.made
        reports += batch.reports
        if batch.passwords and watching.keep is not None:
            watching.keep(batch.passwords)
        if watching.progress is not None:
            watching.progress(len(reports), len(lines))
    return tuple(reports)


async def _take_batch(
    tx: Tx,
    *,
    lines: Sequence[StaffLine],
    order: ImportOrder,
    new_password: Callable[[], FirstPassword] | None,
    made: _Made,
    administering: Administering,
    clock: Clock,
) -> _Batch:
    made = made.copy()
    reports: list[LineReport] = []
    passwords: list[tuple[str, str]] = []
    for line in lines:
        wanted = wanted_of(line, order.structure)
        if isinstance(wanted, str):
            reports.append(LineReport(line.number, LineOutcome.REFUSED, _name(line), "", wanted))
            continue
        found = await _decide(tx, wanted, order, made)
        if isinstance(found, LineReport):
            reports.append(found)
            continue
        made.add(found)
        reports.append(LineReport(line.number, LineOutcome.CREATED, wanted.holder, str(found.address)))
        if order.dry_run:
            continue
        secret = None if new_password is None or found.members else new_password()
        if secret is not None:
            passwords.append((str(found.address), secret.password))
        await administering.open_box(tx, _with_digest(found, secret), clock())
    return _Batch(reports, passwords, made)


async def _decide(tx: Tx, wanted: Wanted, order: ImportOrder, made: _Made) -> MailboxOrder | LineReport:
    """Return the mailbox to open, or the report of a line that opens none."""
    domain = _address(wanted.address or wanted.local, order.domain).domain
    present = await _present(tx, wanted, domain, made)
    if present:
        return LineReport(wanted.number, LineOutcome.PRESENT, wanted.holder, present)
    try:
        address = await _free_address(tx, wanted, domain, made)
        if isinstance(address, str):
            return LineReport(wanted.number, LineOutcome.REFUSED, wanted.holder, "", address)
        box = MailboxOrder(
            address=address,
            kind=wanted.kind,
            holder=wanted.holder,
            identifier=wanted.identifier,
            quota_bytes=order.quota_bytes,
            members=wanted.members,
            listing=wanted.listing,
        )
        await vet(tx, box, {key for key, earlier in made.places.items() if not earlier.members} if box.members else ())
    except StoreError:
        raise
    except MssError as error:
        return LineReport(wanted.number, LineOutcome.REFUSED, wanted.holder, "", str(error))
    return box


async def _present(tx: Tx, wanted: Wanted, domain: str, made: _Made) -> str:
    """Return the address of the mailbox that this person or this team has already, or "" (rule 5 of naming)."""
    number, local_id = wanted.identifier, wanted.listing.local_id
    if wanted.kind is not MailboxType.PER:
        address = _address(wanted.address or wanted.local, domain)
        ordered = made.places.get(address.key)
        found = ordered or await mailbox_by_key(tx, address.key)
        is_closed = isinstance(found, Mailbox) and found.state is MailboxState.CLOSED
        is_same = found is not None and (found.kind, found.identifier) == (wanted.kind, number)
        return str(address) if is_same and not is_closed else ""
    if number:
        known = made.numbers.get(number) or await publication.address_of_person(tx, number, domain)
        if known:
            return known
    address_found, theirs = ("", "")
    if local_id:
        address_found, theirs = await publication.address_of_staff(tx, local_id, wanted.kind, domain)
        if not address_found:
            address_found, theirs = made.staff.get(local_id, ("", ""))
    # The same number of the register with another RPPS is somebody else: hospitals give numbers again.
    return address_found if not (theirs and number) or theirs == number else ""


async def _free_address(tx: Tx, wanted: Wanted, domain: str, made: _Made) -> Address | str:
    """Return the address to give by rules 1 to 4 of naming, or why there is none, in French with the fix."""
    asked = wanted.address or ("" if wanted.kind is MailboxType.PER else wanted.local)
    for local in (asked,) if asked else candidates(wanted.local):
        address = _address(local, domain)
        if address.key not in made.places and await mailbox_by_key(tx, address.key) is None:
            return address
    if asked:
        return f"l'adresse {_address(asked, domain)} est ou a été à quelqu'un d'autre ; donnez-en une autre"
    return f"plus aucun numéro libre pour {wanted.local} ; donnez la colonne adresse"


def _address(text: str, domain: str) -> Address:
    return parse_address(text if "@" in text else f"{text}@{domain}")


def _with_digest(order: MailboxOrder, secret: FirstPassword | None) -> MailboxOrder:
    return order if secret is None else replace(order, password_digest=secret.digest)


def _name(line: StaffLine) -> str:
    return " ".join(part for part in (line["prenom"], line["nom"]) if part) or line["libelle"] or line["service"]

"""Which mailbox a line of a staff file means: in the store, or of an earlier line of the same file.

Rule 5 of `mssante.rules.naming`: the number RPPS says who somebody is, else the hospital's own number with the same
name. A team is its address with its structure, else the hospital's own number with its structure.

Source: users.md 7.1 DSI-5; operators.md 5 (an address is never given again).
"""

from dataclasses import dataclass, field
from typing import Final

from mssante.flows.publication.wanted import Wanted
from mssante.model.address import Address, parse_address
from mssante.model.mailbox import Mailbox, MailboxState, MailboxType
from mssante.model.national import practitioner_number
from mssante.rules.attributes import PLACES, structure_identifier
from mssante.rules.naming import candidates, is_same_name
from mssante.store import publication
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx

_NEW: Final = 2**62
"""Above every number of a mailbox: what earlier lines opened comes after what was there."""


@dataclass(frozen=True, slots=True)
class Known:
    """A mailbox that is there, or will be by then.

    Attributes:
        number: national one of its holder, without the digit of its type, or "".
        local_id: the holder's in the hospital's register, or "".
        line: of the file that spoke of it, 0 when none did.
        has_account: of its own.
        mailbox: in the store; None when it is of this file.
        order: the older ones first.
    """

    address: Address
    kind: MailboxType
    holder: str
    number: str
    local_id: str
    line: int = 0
    has_account: bool = False
    mailbox: Mailbox | None = None
    order: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """It is not sure whose mailbox it is; `reason` says why with the fix, in French."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The mailboxes that earlier lines of the file spoke of.

    Attributes:
        boxes: address key -> mailbox. numbers: RPPS -> address key of the PER. staff: number of the register -> keys.
    """

    boxes: dict[str, Known] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    staff: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, box: Known) -> None:
        """Remember a mailbox."""
        key = box.address.key
        self.boxes[key] = box
        if box.local_id:
            self.staff[box.local_id] = (*self.staff.get(box.local_id, ()), key)
        if box.kind is MailboxType.PER and box.number:
            self.numbers[box.number] = key

    def copy(self) -> "Seen":
        """Return a copy: a transaction may be begun a second time."""
        return Seen(dict(self.boxes), dict(self.numbers), dict(self.staff))

    @property
    def logins(self) -> frozenset[str]:
        """Return the logins that will be there by then, case-folded."""
        return frozenset(key for key, box in self.boxes.items() if box.has_account)


async def find(tx: Tx, wanted: Wanted, domain: str, seen: Seen) -> Known | Doubt | None:
    """Return the mailbox that a line means; None when it is to be opened."""
    if wanted.kind is MailboxType.PER:
        return await _person(tx, wanted, domain, seen)
    return await _team(tx, wanted, domain, seen)


async def free_address(tx: Tx, wanted: Wanted, domain: str, seen: Seen) -> Address | str:
    """Return the address to give by rules 1 to 4 of naming, or why there is none, in French with the fix."""
    asked = wanted.address or ("" if wanted.kind is MailboxType.PER else wanted.local)
    for local in (asked,) if asked else candidates(wanted.local):
        address = whole(local, domain)
        if address.key not in seen.boxes and await mailbox_by_key(tx, address.key) is None:
            return address
    if asked:
        return f"l'adresse {whole(asked, domain)} est ou a été à quelqu'un d'autre ; donnez-en une autre"
    return f"plus aucun numéro libre pour {wanted.local} ; donnez la colonne adresse"


async def login_of(tx: Tx, number: str, domain: str, seen: Seen) -> str:
    """Return the login of whom an RPPS names: the address of their mailbox in the domain; "" when they have none."""
    key = seen.numbers.get(number)
    return str(seen.boxes[key].address) if key else await publication.address_of_person(tx, number, domain)


def whole(text: str, domain: str) -> Address:
    """Return an address from a local part of the domain, or from a whole address."""
    return parse_address(text if "@" in text else f"{text}@{domain}")


def bare_number(kind: MailboxType, identifier: str) -> str:
    """Return a national number without the digit of its type."""
    if kind in PLACES:
        return structure_identifier(identifier)[1:] or identifier
    return practitioner_number(identifier)


async def _person(tx: Tx, wanted: Wanted, domain: str, seen: Seen) -> Known | Doubt | None:
    if wanted.identifier:
        login = await login_of(tx, wanted.identifier, domain, seen)
        found = await _known(tx, parse_address(login).key, seen) if login else None
        if found is not None:
            return found
    doubtful: Known | None = None
    for one in await _of_staff(tx, wanted, domain, seen):
        if one.number and wanted.identifier:
            # The same number of the register with another RPPS is somebody else.
            continue
        if is_same_name(one.holder, wanted.holder):
            return one
        doubtful = doubtful or one
    if doubtful is None:
        return None
    address = doubtful.address
    return Doubt(
        str(address),
        f"le matricule {wanted.listing.local_id} est celui de {doubtful.holder} : si c'est la même personne, "
        f'`mssante mailbox change {address} --holder "{wanted.holder}"` ; sinon donnez un RPPS, ou retirez-lui ce '
        "matricule avec `--local-id ''`",
    )


async def _team(tx: Tx, wanted: Wanted, domain: str, seen: Seen) -> Known | None:
    """Return a team's mailbox; with another structure, or another practitioner in charge, it is another team's."""
    named = await _known(tx, whole(wanted.address or wanted.local, domain).key, seen)
    if named is not None and (named.kind, named.number) == (wanted.kind, wanted.identifier):
        return named
    staff = await _of_staff(tx, wanted, domain, seen)
    return next((one for one in staff if one.number == wanted.identifier), None)


async def _of_staff(tx: Tx, wanted: Wanted, domain: str, seen: Seen) -> list[Known]:
    """Return the mailboxes of whom the register names so, oldest first; what the file changed counts as changed."""
    local_id = wanted.listing.local_id
    if not local_id:
        return []
    keys = await publication.boxes_of_staff(tx, local_id, wanted.kind, domain)
    found = [await _known(tx, key, seen) for key in dict.fromkeys((*keys, *seen.staff.get(local_id, ())))]
    there = [one for one in found if one is not None and (one.kind, one.local_id) == (wanted.kind, local_id)]
    return sorted((one for one in there if one.address.domain == domain), key=lambda one: one.order)


async def _known(tx: Tx, key: str, seen: Seen) -> Known | None:
    """Return a mailbox that is not closed, as the file left it so far."""
    if key in seen.boxes:
        return seen.boxes[key]
    mailbox = await mailbox_by_key(tx, key)
    if mailbox is None or mailbox.state is MailboxState.CLOSED:
        return None
    listed = await publication.announced(tx, mailbox.mailbox_id)
    local_id = "" if listed is None else listed.listing.local_id
    number = bare_number(mailbox.kind, mailbox.identifier)
    return Known(
        mailbox.address, mailbox.kind, mailbox.holder, number, local_id, mailbox=mailbox, order=mailbox.mailbox_id
    )


def opened(address: Address, wanted: Wanted, *, has_account: bool, count: int) -> Known:
    """Return the mailbox that a line opens; `count` were seen before it."""
    listing = wanted.listing
    return Known(
        address=address,
        kind=wanted.kind,
        holder=wanted.holder,
        number=wanted.identifier,
        local_id=listing.local_id,
        line=wanted.number,
        has_account=has_account,
        order=_NEW + count,
    )

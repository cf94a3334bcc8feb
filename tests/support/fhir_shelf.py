"""A directory of people, situations and structures in memory, with real changes; what the FHIR and REST doors stand on."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx2
from directory_shelf import ANNE, HOSPITAL, JEAN, PAUL, UPDATED, holds
from starlette.applications import Starlette

from mssante.doors.directory.app import build_app
from mssante.doors.directory.credentials import ApiKey, ApiKeys, Basic, Bearer, read_credentials
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import (
    AddMailbox,
    Caller,
    ChangeMailbox,
    Coded,
    Condition,
    Entry,
    EntryId,
    Holder,
    ListedMailbox,
    MailboxChange,
    Person,
    Place,
    PostalAddress,
    Professional,
    RemoveMailbox,
    Role,
    Situation,
    Structure,
    Target,
)
from mssante.model.directory_search import Filters, Ranked, RankedEntry
from mssante.model.folding import fold
from mssante.model.mailbox import MailboxType
from mssante.model.peer import PeerFacts
from mssante.wire.fhir.ids import resource_id

Found = Person | Role | Place
PUBLIC = "https://annuaire.test"
PROGRAM = Caller("cle-1", operator="chu")
NAMELESS = Professional("10personne@domain.mssante.fr", "M", "SANSRPPS", "Luc")
SITUATION = Situation(
    JEAN.identifier, HOSPITAL.identifier, "F58000880311022013", JEAN.profession, Coded("S", "Salarié")
)
CLINIC = Structure(
    "326440013600471", "CLINIQUE DU LAC", address=PostalAddress(town="ANNECY", postcode="74000", department="74")
)
NO_FILTERS = Filters()
UNKNOWN = Refusal(Kind.ENTRY_UNKNOWN, "directory", "No such entry")


def box(address: str, kind: MailboxType, **more: object) -> ListedMailbox:
    return replace(ListedMailbox(address, kind), **more)  # type: ignore[arg-type] # the parts are named in tests


def sample() -> tuple[Found, ...]:
    """Return two people with boxes and one without, a situation, a hospital with two boxes, a clinic with none."""
    cardiology = box("cardiologie@chu-nantes.mssante.fr", MailboxType.ORG, structure=HOSPITAL.identifier,
                     service="Pôle cœur", description="Secrétariat de cardiologie", responsible="Dr Nom Secret")  # fmt: skip
    robot = box("robot@chu-nantes.mssante.fr", MailboxType.APP, structure=HOSPITAL.identifier)
    jean = box("jean.dupont@chu-nantes.mssante.fr", MailboxType.PER, service="Cardiologie", is_paperless=True, rank=1)
    own = (
        box("jean.dupont@medecin.mssante.fr", MailboxType.PER),
        box("cabinet.dupont@medecin.mssante.fr", MailboxType.CAB),
    )
    return (
        Person(JEAN, own, (SITUATION,), UPDATED),
        Person(ANNE, (box("anne.dete@infirmier.mssante.fr", MailboxType.PER),), (), UPDATED - timedelta(days=40)),
        Person(PAUL, ()),
        Person(NAMELESS, (box("personne@domain.mssante.fr", MailboxType.PER),)),
        Role(SITUATION, JEAN, HOSPITAL, (jean,), UPDATED),
        Place(HOSPITAL, (cardiology, robot), UPDATED),
        Place(CLINIC, ()),
    )


@dataclass(frozen=True, slots=True)
class ShelfPage:
    """A page, as the use case gives it."""

    items: tuple[Found, ...]
    after: int | None
    was_cut: bool = False


@dataclass
class FhirShelf:
    """The use cases of the directory that the door asks; changes are made for good.

    Attributes:
        refusal: when not None, the answer to everything.
        cut_after: matches after which a search stops; 0: never.
        budget: resources that may still be read; None: as many as one likes.
        asked: what was asked, in order.
    """

    held: list[Found] = field(default_factory=lambda: list(sample()))
    refusal: Refusal | None = None
    cut_after: int = 0
    budget: int | None = None
    asked: list[tuple[str, object]] = field(default_factory=list)

    async def people(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> ShelfPage | Refusal:
        return self._page(Person, condition, limit, after)

    async def roles(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> ShelfPage | Refusal:
        return self._page(Role, condition, limit, after)

    async def places(
        self, caller: Caller, condition: Condition, *, limit: int, after: int | None = None
    ) -> ShelfPage | Refusal:
        return self._page(Place, condition, limit, after)

    async def one(self, caller: Caller, target: Target) -> Found | Refusal:
        self.asked.append(("one", target))
        return self.refusal or next((one for _, one in self._named(target)), UNKNOWN)

    async def change(self, caller: Caller, target: Target, changes: tuple[MailboxChange, ...]) -> Found | Refusal:
        self.asked.append(("change", changes))
        place, found = next(self._named(target), (-1, None))
        if self.refusal is not None or found is None:
            return self.refusal or UNKNOWN
        boxes = list(found.mailboxes)
        for change in changes:
            refusal = self._changed(boxes, change)
            if refusal is not None:
                return refusal
        self.held[place] = replace(found, mailboxes=tuple(boxes), updated_at=datetime(2026, 11, 20, tzinfo=UTC))
        return self.held[place]

    async def search(
        self, caller: Caller, words: str, filters: Filters = NO_FILTERS, *, limit: int = 20
    ) -> Ranked | Refusal:
        self.asked.append(("search", filters))
        if self.refusal is not None:
            return self.refusal
        wanted = set(fold(f"{words} {filters.name} {filters.town} {filters.postcode}").split())
        lines = [entry for one in self.held for entry in entries_of(one) if wanted <= set(_words(entry).split())]
        ranked = [RankedEntry(one, 10.0 - at, ("Nom exact",)) for at, one in enumerate(lines)]
        return Ranked(tuple(ranked[:limit]), "", len(ranked) > limit)

    async def complete(self, caller: Caller, words: str, *, limit: int = 8) -> tuple[str, ...] | Refusal:
        if self.refusal is not None:
            return self.refusal
        begun = fold(words)
        known = sorted({word for one in self.held for entry in entries_of(one) for word in _words(entry).split()})
        return tuple(word for word in known if len(begun) >= 2 and word.startswith(begun))[:limit]

    def _page(self, kind: type[Found], condition: Condition, limit: int, after: int | None) -> ShelfPage | Refusal:
        self.asked.append((kind.__name__, condition))
        if self.refusal is not None:
            return self.refusal
        found: list[tuple[int, Found]] = []
        for place, one in enumerate(self.held):
            if place > (-1 if after is None else after) and isinstance(one, kind) and matches(condition, one):
                if self.cut_after and len(found) == self.cut_after:
                    return ShelfPage(tuple(item for _, item in found), None, was_cut=True)
                if len(found) == limit:
                    return self._paid(found, found[-1][0])
                found.append((place, one))
        return self._paid(found, None)

    def _paid(self, found: list[tuple[int, Found]], after: int | None) -> ShelfPage | Refusal:
        if self.budget is not None:
            self.budget -= len(found)
            if self.budget < 0:
                return Refusal(Kind.BUDGET_SPENT, "directory-budget", "Too many entries asked for today")
        return ShelfPage(tuple(item for _, item in found), after)

    def _named(self, target: Target) -> Iterable[tuple[int, Found]]:
        return iter([(place, one) for place, one in enumerate(self.held) if named(target, one)])

    def _changed(self, boxes: list[ListedMailbox], change: MailboxChange) -> Refusal | None:
        everywhere = {one.address.lower() for holder in self.held for one in holder.mailboxes} | {
            one.address.lower() for one in boxes
        }
        address = change.mailbox.address if isinstance(change, AddMailbox) else change.address
        place = next((at for at, one in enumerate(boxes) if one.address.lower() == address.lower()), None)
        match change:
            case AddMailbox(mailbox):
                if address.lower() in everywhere:
                    return Refusal(Kind.ADDRESS_TAKEN, "directory", "The address is known already")
                boxes.append(mailbox)
            case _ if place is None:
                return UNKNOWN
            case RemoveMailbox():
                del boxes[place]
            case ChangeMailbox():
                told = {
                    name: getattr(change, name) for name in ("is_red", "description", "service", "responsible", "rank")
                }
                boxes[place] = replace(
                    boxes[place], **{name: value for name, value in told.items() if value is not None}
                )
                if boxes[place].rank == 0:
                    boxes[place] = replace(boxes[place], rank=None)
        return None


def named(target: Target, one: Found) -> bool:
    """Tell whether it is the target: by its identifier, or by the id of its resource."""
    match target.holder, one:
        case Holder.PERSON, Person():
            identifier = one.professional.identifier
        case Holder.ROLE, Role():
            identifier = one.situation.identifier
        case Holder.PLACE, Place():
            identifier = one.structure.identifier
        case _:
            return False
    return target.identifier in {identifier, resource_id(identifier)}


def matches(condition: Condition, one: Found) -> bool:
    """Tell whether it holds of one of the mailboxes with their holder, or of the holder alone."""
    return any(holds(condition, entry) for entry in entries_of(one))


def entries_of(one: Found) -> tuple[Entry, ...]:
    """Return one line a mailbox, or one without."""
    who = None if isinstance(one, Place) else one.professional
    where = None if isinstance(one, Person) else one.structure
    return tuple(Entry(EntryId(1), mailbox, who, where) for mailbox in one.mailboxes or (None,))


def many_people(count: int) -> list[Found]:
    """Return that many people with one box each."""
    made: Callable[[int], Found] = lambda number: Person(  # noqa: E731 - one line a person
        replace(JEAN, identifier=f"8{10_000_000_000 + number}", given=f"Jean-{number}"),
        (box(f"jean.dupont.{number}@medecin.mssante.fr", MailboxType.PER, is_paperless=True, rank=1),),
        (),
        UPDATED,
    )
    return [made(number) for number in range(1, count + 1)]


def _words(entry: Entry) -> str:
    where = entry.structure
    at = (
        ""
        if where is None
        else f"{where.name} {where.address.town} {where.address.postcode} {where.address.department}"
    )
    return fold(f"{entry.name} {entry.address} {at}")


KEYS = {"cle-du-chu": PROGRAM, "cle-d-un-autre": Caller("cle-2", operator="autre")}


class Gatekeeper:
    """Knows two keys, one login, and whoever shows a client certificate."""

    def __init__(self) -> None:
        self.keys = ApiKeys({hashlib.sha256(key.encode()).digest(): caller for key, caller in KEYS.items()})

    async def __call__(self, headers: Mapping[str, str], peer: PeerFacts) -> Caller | Refusal:
        shown = read_credentials(headers)
        found = None
        match shown:
            case ApiKey(key):
                found = self.keys.caller(key)
            case Basic("jean", "mot-de-passe"):
                found = Caller("jean")
            case Bearer("jeton"):
                found = Caller("jeton-de-jean")
            case None if peer.certificate is not None:
                found = Caller(str(peer.certificate.subject), operator="chu")
            case None:
                return Refusal(Kind.SIGN_IN_REQUIRED, "gate", "Sign in first")
        return found or Refusal(Kind.SIGN_IN_FAILED, "gate", "Authentication failed")


def directory_app(shelf: FhirShelf) -> Starlette:
    return build_app(shelf, Gatekeeper(), public_url=PUBLIC, token_key=b"k" * 32, version="1.0", date="2026-11-30")


@asynccontextmanager
async def directory_client(shelf: FhirShelf, key: str = "cle-du-chu") -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client that asks the application itself, with a key."""
    transport = httpx2.ASGITransport(app=directory_app(shelf))
    headers = {"ESANTE-API-KEY": key} if key else {}
    async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC, headers=headers) as client:
        yield client

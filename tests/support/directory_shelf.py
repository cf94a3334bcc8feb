"""A directory in memory for the tests of its doors: real entries, filtered by the condition itself, one after the other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mssante.model.decision import Kind, Refusal
from mssante.model.directory import (
    Caller,
    Coded,
    Condition,
    Entry,
    EntryId,
    ListedMailbox,
    PostalAddress,
    Professional,
    Selected,
    Structure,
    Subject,
)
from mssante.model.mailbox import MailboxType
from mssante.rules.directory_condition import holds

UPDATED = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
SPENT = Refusal(
    Kind.BUDGET_SPENT,
    "directory-budget",
    "Too many entries asked for today",
    "",
    "Trop de fiches lues aujourd'hui : réessayez demain.",
)
HOSPITAL = Structure(
    identifier="1440000289",
    name="CHU DE NANTES",
    sign="HÔTEL-DIEU",
    address=PostalAddress(street="1 PL ALEXIS RICORDEAU", postcode="44093", town="NANTES", department="44"),
    kind="EG",
    siret="26440013600471",
    phone="0240083333",
    category=Coded("355", "Centre Hospitalier (C.H.)"),
)
JEAN = Professional(
    "810001234567", "DR", "DUPONT", "Jean", Coded("10", "Médecin"), Coded("C", "Civil"), (Coded("SM04", "Cardiologie"),)
)
ANNE = Professional("810007654321", "DR", "D'ÉTÉ-DUPRÉ", "Anne Zoé", Coded("60", "Infirmier"), Coded("C", "Civil"))
PAUL = Professional("810009999999", "M", "SANSBOITE", "Paul", Coded("21", "Pharmacien"))
BOXES = (
    (ListedMailbox("jean.dupont@chu-nantes.mssante.fr", MailboxType.PER, JEAN.identifier, HOSPITAL.identifier,
                   service="Cardiologie", is_paperless=True, rank=1), JEAN, HOSPITAL),
    (ListedMailbox("anne.dete@infirmier.mssante.fr", MailboxType.PER, ANNE.identifier, phone="0611223344"), ANNE, None),
    (ListedMailbox("cardiologie@chu-nantes.mssante.fr", MailboxType.ORG, "", HOSPITAL.identifier,
                   service="Pôle cœur", description="Secrétariat de cardiologie"), None, HOSPITAL),
    (ListedMailbox("robot@chu-nantes.mssante.fr", MailboxType.APP, "", HOSPITAL.identifier,
                   description="Résultats d'analyses"), None, HOSPITAL),
    (ListedMailbox("cachee@chu-nantes.mssante.fr", MailboxType.PER, JEAN.identifier, HOSPITAL.identifier, is_red=True),
     JEAN, HOSPITAL),
)  # fmt: skip


def sample_entries() -> tuple[Entry, ...]:
    """Return two people with a box, one on the red list, one without box, two boxes of a hospital, the hospital."""
    boxes = [
        Entry(EntryId(number), box, person, place, UPDATED) for number, (box, person, place) in enumerate(BOXES, 1)
    ]
    return (
        *boxes,
        Entry(EntryId(len(boxes) + 1), None, PAUL, None),
        Entry(
            EntryId(len(boxes) + 2), None, None, replace(HOSPITAL, identifier="1440000271", name="CLINIQUE SANS BOITE")
        ),
    )


def many_entries(count: int, *, family: str = "DUPONT") -> Iterator[Entry]:
    """Yield that many personal boxes of homonyms in one hospital."""
    for number in range(1, count + 1):
        person = replace(JEAN, identifier=f"8{10_000_000_000 + number}", family=family, given=f"Jean-{number}")
        box = replace(
            BOXES[0][0], address=f"jean.dupont.{number}@chu-nantes.mssante.fr", professional=person.identifier
        )
        yield Entry(EntryId(number), box, person, HOSPITAL, UPDATED)


@dataclass
class DirectoryShelf:
    """Entries that are asked for; fulfils the `select` of `mssante.flows.directory`.

    Attributes:
        refusal: when not None, the answer to everything.
        cut_after: entries that are looked at before a selection is cut; 0: all.
        callers: who asked, in order.
    """

    entries: tuple[Entry, ...] = field(default_factory=sample_entries)
    refusal: Refusal | None = None
    cut_after: int = 0
    callers: list[Caller] = field(default_factory=list)

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected | Refusal:
        """Return one page of what holds."""
        self.callers.append(caller)
        if self.refusal is not None:
            return self.refusal
        found: list[Entry] = []
        for looked, entry in enumerate(self._entries(subject, after, sees_red=caller.sees_red)):
            if self.cut_after and looked >= self.cut_after:
                return Selected(tuple(found), None, was_cut=True)
            if not holds(condition, entry):
                continue
            if len(found) == limit:
                return Selected(tuple(found), found[-1].entry_id)
            found.append(entry)
        return Selected(tuple(found))

    def _entries(self, subject: Subject, after: EntryId | None, *, sees_red: bool) -> Iterator[Entry]:
        for entry in of_subject(self.entries, subject):
            is_red = entry.mailbox is not None and entry.mailbox.is_red
            if (after is None or entry.entry_id > after) and (sees_red or not is_red):
                yield entry


def of_subject(entries: Iterable[Entry], subject: Subject) -> Iterator[Entry]:
    """Yield what the subject is about; people and structures once each."""
    seen: set[str] = set()
    for entry in entries:
        if subject is Subject.EVERYTHING or (subject is Subject.MAILBOXES and entry.mailbox is not None):
            yield entry
        person = entry.professional if subject is Subject.PROFESSIONALS else None
        place = entry.structure if subject is Subject.STRUCTURES else None
        identifier = person.identifier if person else place.identifier if place else ""
        if identifier and identifier not in seen:
            seen.add(identifier)
            yield Entry(entry.entry_id, None, person, place, UPDATED)

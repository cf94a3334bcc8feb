"""Small national files of invented people, and a directory made of them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mssante.flows.directory.loading import Guard, Report, load
from mssante.flows.directory.reading import Directory
from mssante.flows.directory.rows import Source, in_order, pieces
from mssante.model.directory import Coded, ListedMailbox, PostalAddress, Professional, Structure
from mssante.model.mailbox import MailboxType
from mssante.model.national import with_luhn
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore
from mssante.store.directory.file import DirectoryFolder
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, extraction_line, read_extraction
from mssante.wire.annuaire.persons import ACTIVITY_HEADER, read_activities

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOCTOR, NURSE = Coded("10", "Médecin"), Coded("60", "Infirmier")
CARDIO, GENERAL = Coded("SM04", "Cardiologie et maladies vasculaires"), Coded("SM54", "Médecine générale")
NANTES = PostalAddress("", "", "1 RUE DE LA PAIX", "", "44000", "NANTES", "44", "France")
PARIS = PostalAddress("", "", "2 RUE DU BAC", "", "75007", "PARIS", "75", "France")
REZE = PostalAddress("", "", "3 RUE DU PORT", "", "44400", "REZE", "44", "France")
CHU = Structure("1440000289", "CENTRE HOSPITALIER UNIVERSITAIRE DE NANTES", "CHU NANTES", NANTES)
PRACTICE = Structure("1440000297", "CABINET DU PORT", "", REZE)
BAC = Structure("1750000305", "CABINET MEDICAL DU BAC", "", PARIS)


def rpps(number: int) -> str:
    """Return the IdNat_PS of an invented RPPS number."""
    return f"8{with_luhn(f'{1000000000 + number}')}"


def person(
    number: int, family: str, given: str, profession: Coded = DOCTOR, speciality: Coded = GENERAL
) -> Professional:
    """Return an invented professional."""
    specialities = (speciality,) if profession is DOCTOR else ()
    return Professional(rpps(number), "DR", family, given, profession, Coded("C", "Civil"), specialities)


DUPONT = person(1, "DUPONT", "Jean", DOCTOR, CARDIO)
DUPONT_PARIS = person(2, "DUPONT", "Jean")
DUPONT_MORETTI = person(3, "DUPONT-MORETTI", "Anne-Lise")
LE_GOFF = person(4, "LE GOFF", "Hélène", NURSE)
MARTIN = person(5, "MARTIN", "Paul", DOCTOR, CARDIO)

ANY_LOSS = Guard(0.0)

Line = tuple[ListedMailbox, Professional | None, Structure | None]


def box(address: str, who: Professional | None, where: Structure | None, **more: object) -> Line:
    """Return a line of the extraction."""
    kind = MailboxType.ORG if who is None else MailboxType.PER
    made = ListedMailbox(
        address,
        kind,
        who.identifier if who else "",
        where.identifier if where else "",
        **more,  # type: ignore[arg-type]
    )
    return made, who, where


LINES: tuple[Line, ...] = (
    box("jean.dupont@chu-nantes.mssante.fr", DUPONT, CHU, is_paperless=True),
    box("jean.dupont@medecin.mssante.fr", DUPONT_PARIS, BAC),
    box("annelise.dupont-moretti@medecin.mssante.fr", DUPONT_MORETTI, PRACTICE),
    box("helene.legoff@infirmier.mssante.fr", LE_GOFF, PRACTICE),
    box("secretariat.cardiologie@chu-nantes.mssante.fr", None, CHU, service="Secrétariat de cardiologie"),
    box("contact@chu-nantes.mssante.fr", None, CHU),
)


def extraction(lines: Sequence[Line] = LINES, *, more: bytes = b"") -> bytes:
    """Return an extraction file."""
    return EXTRACTION_HEADER + b"".join(extraction_line(*line) for line in lines) + more


def activities(known: Sequence[tuple[Professional, Structure]]) -> bytes:
    """Return a file of professionals and where they work."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="|", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
    columns = ACTIVITY_HEADER.decode().strip().split("|")
    writer.writerow(columns)
    for who, where in known:
        speciality = who.specialities[0] if who.specialities else Coded()
        fields = {
            "Type d'identifiant PP": "8",
            "Identification nationale PP": who.identifier,
            "Code civilité d'exercice": who.civility,
            "Nom d'exercice": who.family,
            "Prénom d'exercice": who.given,
            "Code profession": who.profession.code,
            "Libellé profession": who.profession.label,
            "Code savoir-faire": speciality.code,
            "Libellé savoir-faire": speciality.label,
            "Code mode exercice": "L",
            "Libellé mode exercice": "Libéral",
            "Numéro FINESS site": where.identifier[1:],
            "Raison sociale site": where.name,
            "Libellé Voie (coord. structure)": where.address.street,
            "Code postal (coord. structure)": where.address.postcode,
            "Libellé commune (coord. structure)": where.address.town,
            "Code Département (structure)": where.address.department,
        }
        writer.writerow([fields.get(name, "") for name in columns])
    return out.getvalue().encode()


def shelf_at(place: Path | DirectoryShelf) -> DirectoryShelf:
    """Return the place of a directory: any, or the folder of that path."""
    return DirectoryFolder(place) if isinstance(place, Path) else place


def loaded(folder: Path | DirectoryShelf, *, guard: Guard = ANY_LOSS, now: datetime = NOW, **files: bytes) -> Report:
    """Import files by kind: extraction=..., activities=...; returns the report."""
    readers = {"extraction": read_extraction, "activities": read_activities}
    sources = [Source(f"{kind}.txt", kind, readers[kind]([data])) for kind, data in files.items()]
    return load_sources(folder, sources, guard=guard, now=now)


def load_sources(
    folder: Path | DirectoryShelf, sources: list[Source], *, guard: Guard = ANY_LOSS, now: datetime = NOW
) -> Report:
    """Import sources, in this process."""
    ordered = in_order(sources)
    named = [(one.name, one.kind) for one in ordered]
    return load(shelf_at(folder), named, pieces(ordered), guard, now, lambda _step, _lines: None)


def opened(folder: Path | DirectoryShelf, *, daily_entries: int = 0) -> tuple[Directory, DirectoryStore]:
    """Return the directory of a folder, and its store to close."""
    store = shelf_at(folder).store()
    return Directory(store, lambda: NOW, daily_entries=daily_entries), store


def red(line: Line) -> Line:
    """Return a line with its mailbox on the red list."""
    return replace(line[0], is_red=True), line[1], line[2]

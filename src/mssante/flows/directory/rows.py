"""Rows of the directory out of rows of the national files: in bulk, so tuples all the way.

Each mapping keeps the order of the columns of ``store/directory/schema.sql``. A hundred thousand lines take about two
seconds here: no value objects, and what repeats (names, labels, towns) is folded once.

Source: operators.md 4.2, 4.3, 4.4.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from mssante.model.folding import fold, joined
from mssante.rules.directory_words import short_forms
from mssante.store.directory.numbers import box_number, number_of, number_of_situation, situation_id
from mssante.wire.annuaire.extraction import Column, address_of
from mssante.wire.annuaire.lines import BadLine, Batch
from mssante.wire.annuaire.persons import Activity, Speciality
from mssante.wire.annuaire.places import Place

Cell = str | int | float | None
Rows = dict[str, list[tuple[Cell, ...]]]
Mapped = Callable[[Iterable[tuple[str, ...]]], Rows]

ORDER: Final[Mapping[str, int]] = MappingProxyType(
    {"finess": 0, "hospitals": 1, "activities": 2, "specialities": 3, "extraction": 4}
)
"""Kinds of files in the order in which they are read."""

_folded: Final = lru_cache(maxsize=200_000)(fold)
_joined: Final = lru_cache(maxsize=50_000)(joined)
_place_number: Final = lru_cache(maxsize=50_000)(number_of)


def professional_row(
    identifier: str, civility: str, family: str, given: str, profession: str, category: str, specialities: str
) -> tuple[Cell, ...]:
    """Return a row of `professional`; profession, category: code and label; specialities: such, | between them."""
    compounds = f"{_joined(family)} {_joined(given)}".strip()
    return (
        number_of(identifier),
        identifier,
        civility,
        family,
        given,
        f"{_folded(family)} {_folded(given)}".strip(),
        compounds,
        profession,
        category,
        specialities,
        _work(profession, specialities),
        None,
    )


def structure_row(
    identifier: str,
    name: str,
    sign: str,
    address: tuple[str, ...],
    *,
    kind: str = "",
    parent: str = "",
    siret: str = "",
    phone: str = "",
    category: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
) -> tuple[Cell, ...]:
    """Return a row of `structure`.

    Args:
        address: complement, distribution, street, locality, postcode, town, department, country.
    """
    words = fold(f"{name} {sign}" if sign != name else name)
    return (
        number_of(identifier),
        identifier,
        name,
        sign,
        f"{words} {short_forms(words)}".strip(),
        _spot(*address[4:7]),
        *address,
        kind,
        parent,
        siret,
        phone,
        category,
        latitude,
        longitude,
        None,
    )


def situation_row(
    professional: str, structure: str, profession: str = "", mode: str = "", role: str = ""
) -> tuple[Cell, ...]:
    """Return a row of `situation`."""
    who, where = number_of(professional), _place_number(structure)
    return (number_of_situation(who, where), situation_id(professional, structure), who, where, profession, mode, role)


def mailbox_row(
    address: str, kind: str, professional: str, structure: str, service: str, description: str, paperless: str
) -> tuple[Cell, ...]:
    """Return a row of `mailbox` as the extraction tells of it: without red list, rank or operator."""
    holder, place = number_of(professional), _place_number(structure)
    is_paperless = {"O": 1, "N": 0}.get(paperless.upper()[:1])
    return (
        box_number(address, holder, place),
        address,
        kind,
        holder,
        place,
        service,
        description,
        "",
        "",
        _folded(f"{service} {description}".strip()),
        0,
        is_paperless,
        None,
        "",
        "extraction",
        None,
    )


def coded(code: str, label: str) -> str:
    """Return a code and its label as they are kept."""
    return f"{code} {label}" if code else ""


@lru_cache(maxsize=20_000)
def _work(profession: str, specialities: str) -> str:
    labels = [one.partition(" ")[2] for one in (profession, *specialities.split("|"))]
    return fold(" ".join(labels))


@lru_cache(maxsize=100_000)
def _spot(postcode: str, town: str, department: str) -> str:
    number = f" dep{department.lower()}" if department else ""
    return f"{fold(town)} {postcode}{number}".strip()


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import.

    Attributes:
        name: for the report.
        kind: of `ORDER`: extraction, activities, specialities, finess, hospitals.
        batches: its rows, read as they are asked for.
    """

    name: str
    kind: str
    batches: Iterable[Batch]


@dataclass(frozen=True, slots=True)
class Piece:
    """What some lines of a file gave.

    Attributes:
        source: place of the file in the order of the import.
        kept: lines that were usable.
        rows: table -> its new rows.
    """

    source: int
    lines: int
    kept: int
    bad: tuple[BadLine, ...]
    rows: Rows


def in_order(sources: Iterable[Source]) -> list[Source]:
    """Return the files in the order in which they must be read: of two that tell of a thing, the first one wins."""
    return sorted(sources, key=lambda one: ORDER[one.kind])


def pieces(sources: Sequence[Source]) -> Iterator[Piece]:
    """Yield the rows of files that are in order, each professional and each structure once."""
    mapper = _Mapper()
    for place, source in enumerate(sources):
        mapped = mapper.of(source.kind)
        for batch in source.batches:
            yield Piece(place, batch.lines, len(batch.rows), tuple(batch.bad), mapped(batch.rows))


class _Mapper:
    """Maps rows of files to rows of tables; keeps which professionals and structures it has given already."""

    def __init__(self) -> None:
        self._people: set[int] = set()
        self._places: set[int] = set()

    def of(self, kind: str) -> Mapped:
        """Return the mapping of a kind of file."""
        known: dict[str, Mapped] = {
            "finess": self._of_places,
            "hospitals": self._of_places,
            "activities": self._of_activities,
            "specialities": _of_specialities,
            "extraction": self._of_extraction,
        }
        return known[kind]

    def _is_new(self, seen: set[int], number: int) -> bool:
        if number in seen:
            return False
        seen.add(number)
        return True

    def _of_extraction(self, rows: Iterable[tuple[str, ...]]) -> Rows:
        people, places, boxes = [], [], []
        for row in rows:
            person, place = row[Column.PERSON], row[Column.STRUCTURE]
            if person and self._is_new(self._people, number_of(person)):
                people.append(
                    professional_row(
                        person,
                        row[Column.CIVILITY],
                        row[Column.FAMILY],
                        row[Column.GIVEN],
                        coded(row[Column.PROFESSION], row[Column.PROFESSION_LABEL]),
                        coded(row[Column.CATEGORY], row[Column.CATEGORY_LABEL]),
                        coded(row[Column.SPECIALITY], row[Column.SPECIALITY_LABEL]),
                    )
                )
            if place and self._is_new(self._places, _place_number(place)):
                at = address_of(row)
                where = (at.complement, at.distribution, at.street, at.locality, at.postcode, at.town, at.department)
                places.append(structure_row(place, row[Column.NAME], row[Column.SIGN], (*where, at.country)))
            kind, service = row[Column.KIND], row[Column.SERVICE]
            holder = person if kind in {"PER", "CAB"} else ""
            boxes.append(mailbox_row(row[Column.ADDRESS], kind, holder, place, service, "", row[Column.PAPERLESS]))
        return {"professional": people, "structure": places, "mailbox": boxes}

    def _of_activities(self, rows: Iterable[tuple[str, ...]]) -> Rows:
        people, places, situations = [], [], []
        for row in rows:
            person, place = row[Activity.PERSON], row[Activity.STRUCTURE]
            profession = coded(row[Activity.PROFESSION], row[Activity.PROFESSION_LABEL])
            if self._is_new(self._people, number_of(person)):
                people.append(
                    professional_row(
                        person,
                        row[Activity.CIVILITY],
                        row[Activity.FAMILY],
                        row[Activity.GIVEN],
                        profession,
                        coded(row[Activity.CATEGORY], row[Activity.CATEGORY_LABEL]),
                        coded(row[Activity.SPECIALITY], row[Activity.SPECIALITY_LABEL]),
                    )
                )
            if not place:
                continue
            if self._is_new(self._places, _place_number(place)):
                places.append(_place_of_activity(row))
            mode = coded(row[Activity.MODE], row[Activity.MODE_LABEL])
            role = coded(row[Activity.ROLE], row[Activity.ROLE_LABEL])
            situations.append(situation_row(person, place, profession, mode, role))
        return {"professional": people, "structure": places, "situation": situations}

    def _of_places(self, rows: Iterable[tuple[str, ...]]) -> Rows:
        places = [
            structure_row(
                row[Place.IDENTIFIER],
                row[Place.NAME],
                row[Place.SIGN],
                row[Place.COMPLEMENT : Place.PHONE],
                kind=row[Place.KIND],
                parent=row[Place.PARENT],
                siret=row[Place.SIRET],
                phone=row[Place.PHONE],
                category=coded(row[Place.CATEGORY], row[Place.CATEGORY_LABEL]),
                latitude=float(row[Place.LATITUDE]) if row[Place.LATITUDE] else None,
                longitude=float(row[Place.LONGITUDE]) if row[Place.LONGITUDE] else None,
            )
            for row in rows
            if self._is_new(self._places, _place_number(row[Place.IDENTIFIER]))
        ]
        return {"structure": places}


def _place_of_activity(row: tuple[str, ...]) -> tuple[Cell, ...]:
    street, town = row[Activity.COMPLEMENT : Activity.POSTCODE], row[Activity.POSTCODE : Activity.PHONE]
    return structure_row(
        row[Activity.STRUCTURE],
        row[Activity.NAME],
        row[Activity.SIGN],
        (*street, "", *town, "FR"),
        parent=f"1{row[Activity.FINESS_EJ]}" if row[Activity.FINESS_EJ] else "",
        siret=row[Activity.SIRET],
        phone=row[Activity.PHONE],
    )


def _of_specialities(rows: Iterable[tuple[str, ...]]) -> Rows:
    found: list[tuple[Cell, ...]] = [
        (number_of(row[0]), coded(row[Speciality.CODE], row[Speciality.LABEL]), _folded(row[Speciality.LABEL]))
        for row in rows
        if row[Speciality.CODE]
    ]
    return {"speciality": found}

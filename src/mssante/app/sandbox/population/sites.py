"""Places of FINESS: hospitals, clinics, homes, pharmacies, laboratories; how each stands in the three files.

Source: operators.md 4.4; etalab_cs1100507 (stock of FINESS with coordinates).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from mssante.app.sandbox.population.lists import drawer, lines_of, zipf
from mssante.app.sandbox.population.names import slug
from mssante.app.sandbox.population.numbers import finess, phone, siret
from mssante.app.sandbox.population.towns import Town, towns
from mssante.app.sandbox.population.vocabulary import (
    HOSPITAL,
    PLACE_KINDS,
    REGION_DOMAINS,
    STREET_KINDS,
    UNIVERSITY,
    PlaceKind,
)
from mssante.wire.annuaire.projection import to_lambert93

STAMP: Final = "202601010000"
DAY: Final = "2026-01-01"

_UNIVERSITY_FROM: Final = 5_000
_UNIVERSITIES_FROM: Final = 30_000
_DOMAIN_MAX_CHARS: Final = 40
_OWN_DOMAIN: Final = 0.2
_SCATTER_DEGREES: Final = 0.02
_UNPLACED: Final = 0.04
_MAINLAND_SOUTH: Final = 41.0

# The 29 columns of an exercise situation that tell of its structure, when there is none.
NO_PLACE: Final = "|" * 28


@dataclass(frozen=True, slots=True)
class Site:
    """A place where people work, and how it stands in the files.

    Attributes:
        identity: kind and IdNat_Struct, as columns 6 and 7 of the extraction.
        domain: of its mailboxes, with .mssante.fr.
        size: how many work there, to compare.
        is_main: the first place of its legal person.
        in_extraction: columns 19 to 31 of the extraction.
        in_activities: columns 20 to 48 of the activities.
        sector: code and label.
        in_finess: its two lines there; the second is "" when it is not placed.
    """

    kind: PlaceKind
    town: Town
    name: str
    identity: str
    domain: str
    size: float
    is_main: bool
    in_extraction: str
    in_activities: str
    sector: str
    in_finess: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Where:
    """A postal address in a town."""

    town: Town
    number: str
    way: tuple[str, str]
    street: str
    distribution: str = ""


class Places:
    """What draws towns and addresses, and makes the places of them."""

    def __init__(self, random: Random) -> None:
        """Read the lists."""
        self._random = random
        self.all_towns = towns()
        self.town = drawer(random, self.all_towns, [town.weight for town in self.all_towns])
        ways = [((code, label), share) for code, label, share in STREET_KINDS]
        self._way = drawer(random, [way for way, _ in ways], [share for _, share in ways], slots=100)
        streets = lines_of("streets.txt")
        self._street = drawer(random, streets, zipf(len(streets), 0.6), slots=1_024)
        self._names = lines_of("places.txt")
        self._domains: set[str] = set()
        self._numbers = 0

    def where(self, town: Town) -> Where:
        """Return an address in a town."""
        at = self._random.random()
        distribution = f"BP {int(at * 90_000) % 900 + 10}" if at < 0.06 else ""
        return Where(
            town, str(int(at * 10_000) % 140 + 1) if at > 0.03 else "", self._way(), self._street(), distribution
        )

    def sites(self, professionals: int) -> list[Site]:
        """Return the places of FINESS for so many professionals, the university hospitals first."""
        scale = professionals / 1_000_000
        found: list[Site] = []
        if professionals >= _UNIVERSITY_FROM:
            capitals = self._capitals()
            least = 3 if professionals >= _UNIVERSITIES_FROM else 1
            for index in range(max(least, round(UNIVERSITY.per_million * scale))):
                found += self._hospital(UNIVERSITY, capitals[index % len(capitals)], 4)
        for kind in PLACE_KINDS:
            for _ in range(max(1, round(kind.per_million * scale))):
                town = self.town()
                if kind.kind == HOSPITAL:
                    found += self._hospital(kind, town, 1 + (self._random.random() < 0.4))
                else:
                    found.append(self._site(kind, town, self._name(kind, town), self._next()))
        return found

    def _capitals(self) -> list[Town]:
        """Return the largest towns, each once."""
        largest = sorted(self.all_towns, key=lambda town: -town.weight)
        return list({town.name: town for town in reversed(largest[:40])}.values())[::-1]

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _name(self, kind: PlaceKind, town: Town) -> str:
        chance = self._random.random
        title = kind.titles[int(chance() * len(kind.titles))]
        name = self._names[int(chance() * len(self._names))]
        if kind.kind == HOSPITAL:
            return f"{title} {name} {_of(town.capitals)}"
        return f"{title} {name}" if chance() < 0.7 else f"{title} {_of(town.capitals)}"

    def _hospital(self, kind: PlaceKind, town: Town, places: int) -> Iterator[Site]:
        """Yield the places of one legal person: the main one, then smaller ones."""
        legal = self._next()
        name = self._name(kind, town)
        domain = self._own_domain(kind, name)
        for place in range(places):
            full = name if place == 0 else f"HOPITAL {self._names[(legal * 7 + place) % len(self._names)]} - {name}"
            yield self._site(kind, town, full[:60].rstrip(), legal, domain=domain, share=1 if place == 0 else 0.3)

    def _own_domain(self, kind: PlaceKind, name: str) -> str:
        words = slug(name, "-").removeprefix("centre-hospitalier-").removeprefix(f"{kind.prefix}-")
        words = (
            words.removeprefix("intercommunal-").removeprefix("specialise-").replace("-de-", "-").replace("-d-", "-")
        )
        base = f"{kind.prefix}-{words}"[:_DOMAIN_MAX_CHARS].strip("-")
        domain, again = base, 1
        while domain in self._domains:
            again += 1
            domain = f"{base}-{again}"
        self._domains.add(domain)
        return f"{domain}.mssante.fr"

    def _site(self, kind: PlaceKind, town: Town, name: str, legal: int, *, domain: str = "", share: float = 1) -> Site:
        random = self._random
        number = self._next()
        if not domain:
            domain = self._domain(kind, town, name)
        where = self.where(town)
        place = finess(town.department, number)
        owner = finess(town.department, legal, legal=True)
        return Site(
            kind=kind,
            town=town,
            name=name,
            identity=f"1|1{place}",
            domain=domain,
            is_main=share == 1,
            size=share * (kind.boxes[0] + kind.boxes[1] + 1) * random.uniform(0.6, 1.4),
            in_extraction=in_extraction(name, "", where),
            in_activities=in_activities(
                name=name, where=where, siret=siret(number), finess=place, owner=owner, technical=f"F{place}",
                older=f"1{place}", phone=phone(town.department, number),
            ),
            sector=kind.sector,
            in_finess=(_structureet(kind, name, where, place, owner, number), self._geolocalisation(place, town)),
        )  # fmt: skip

    def _domain(self, kind: PlaceKind, town: Town, name: str) -> str:
        """Return the domain of a smaller place: its own, or one of a regional operator."""
        if kind.prefix:
            return self._own_domain(kind, name)
        region = f"{REGION_DOMAINS[town.postcode[0]]}.mssante.fr"
        if self._random.random() >= _OWN_DOMAIN:
            return region
        words = slug(name, "-")[: 51 - len(region)].strip("-")
        return f"{words}.{region}"

    def _geolocalisation(self, place: str, town: Town) -> str:
        random = self._random
        if town.latitude < _MAINLAND_SOUTH or random.random() < _UNPLACED:
            return ""
        north = town.latitude + random.uniform(-_SCATTER_DEGREES, _SCATTER_DEGREES)
        x, y = to_lambert93(north, town.longitude + random.uniform(-_SCATTER_DEGREES, _SCATTER_DEGREES))
        system = "1,ATLASANTE,96,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole)"
        return f"geolocalisation;{place};{x:.1f};{y:.1f};{system};{DAY}\n"


def _of(town: str) -> str:
    """Return "DE NANTES", "D'ANGERS", "DU MANS", "DES ABYMES"."""
    for article, of in (("LE ", "DU "), ("LES ", "DES ")):
        if town.startswith(article):
            return of + town.removeprefix(article)
    return f"D'{town}" if town[0] in "AEIOUYH" else f"DE {town}"


def in_extraction(name: str, sign: str, where: Where) -> str:
    """Return columns 19 to 31 of the extraction."""
    town = where.town
    return (
        f"{name}|{sign}||{where.distribution}|{where.number}||{where.way[0]}|{where.street}||"
        f"{town.postcode} {town.capitals}|{town.postcode}|{town.department}|FRANCE"
    )


def in_activities(
    *, name: str, where: Where, siret: str, finess: str, owner: str, technical: str, older: str, phone: str
) -> str:
    """Return columns 20 to 48 of the activities."""
    town = where.town
    way_code, way_label = where.way
    return (
        f"{siret}|{siret[:9]}|{finess}|{owner}|{technical}|{name}||{name}||{where.number}||{way_code}|{way_label}|"
        f"{where.street}|{where.distribution}|{town.postcode} {town.capitals}|{town.postcode}||{town.name}|"
        f"99100|France|{phone}||||{town.department}|{town.department_name}|{older}|ARS/ARS/ARS"
    )


def _structureet(kind: PlaceKind, name: str, where: Where, place: str, owner: str, number: int) -> str:
    town = where.town
    head = f"structureet;{place};{owner};{name[:38].rstrip()};{name if len(name) > 38 else ''};;"
    street = f"{where.number};{where.way[0]};{where.street};;{where.distribution}"
    lines = f"{number % 900:03d};{town.department};{town.department_name.upper()};{town.postcode} {town.capitals}"
    contact = f"{phone(town.department, number)};;{kind.category};{siret(number)};8610Z"
    return f"{head};{street};{lines};{contact};03;;;;{DAY};{DAY};{DAY};\n"

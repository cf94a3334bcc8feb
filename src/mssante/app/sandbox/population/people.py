"""The people: one after the other, each with situations, savoir-faire and mailboxes, as lines of the three files.

Everything of a line that belongs to a place or a profession is put together once, so that a person costs little.

Source: users.md 4.1 (shares of boxes); operators.md 1.4 (addresses), 4.3, 4.4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from mssante.app.sandbox.population.lists import drawer, lines_of, table_of
from mssante.app.sandbox.population.names import Name, names
from mssante.app.sandbox.population.numbers import phone, rpps, siret
from mssante.app.sandbox.population.sites import NO_PLACE, Places, Site, in_activities, in_extraction
from mssante.app.sandbox.population.vocabulary import (
    EMPLOYEE,
    HOME,
    HOSPITAL,
    LIBERAL,
    NOWHERE,
    PAPERLESS_SHARE,
    PHARMACY,
    PRACTICE,
    PRACTICE_SECTORS,
    PROFESSIONS,
    SECOND_SPECIALITIES,
    SOFTWARE_DOMAINS,
    Profession,
)

_SECOND_SPECIALITY: Final = 0.16
_SECOND_PLACE: Final = 0.19
_THIRD_PLACE: Final = 0.2
_SHARED_PRACTICE: Final = 0.62
_SECOND_BOX: Final = 0.09
_SAME_BOX_TWICE: Final = 0.0004
_NATIONAL_SERVICE: Final = 0.6
_BOX_WITHOUT_PLACE: Final = 0.4
_HOMONYM: Final = 0.004
_HOMONYM_EVERY: Final = 2_500
_HOMONYMS_MOST: Final = 40
_PROFESSOR: Final = 0.06
_STUDENT, _MILITARY = 0.02, 0.024
_FIRST_PRACTICE_SIRET: Final = 100_000
_NO_STRUCTURE: Final = "|" * 12
_MARTIN: Final = (("MARTIN", "martin"), ("Jean", "jean"))


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where somebody works, as the files have it.

    Attributes:
        identity: columns 6 and 7 of the extraction.
        in_extraction: columns 19 to 31.
        in_activities: columns 20 to 50.
        domain: of the place, or "".
        mode: code and label.
    """

    identity: str
    in_extraction: str
    in_activities: str
    domain: str
    mode: str


@dataclass(slots=True)
class Lines:
    """The lines of some people."""

    activities: list[str] = field(default_factory=list)
    specialities: list[str] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A profession, ready to be drawn from."""

    profession: Profession
    settings: Callable[[], int]
    specialities: Callable[[], tuple[str, str]]
    section: str
    domain: str


_NOWHERE: Final = Workplace("|", _NO_STRUCTURE, f"{NO_PLACE}||", "", "|")


class People:
    """What makes the people of a population."""

    def __init__(self, random: Random, places: Places, sites: list[Site], professionals: int) -> None:
        """Get the tables ready for so many people."""
        self._random = random
        self._martin_every = max(_HOMONYM_EVERY, professionals // _HOMONYMS_MOST)
        self._places = places
        self._names = names(random)
        self._kinds = drawer(random, [_kind(random, one) for one in PROFESSIONS], [one.share for one in PROFESSIONS])
        self._sites = _by_kind(sites)
        self._practices: dict[tuple[str, str], tuple[Workplace, int]] = {}
        self._practice_count = 0
        self._taken: set[str] = set()
        self._namesakes: list[tuple[Name, Name, _Kind]] = []

    def make(self, first: int, count: int) -> Lines:
        """Return the lines of the people with these numbers."""
        lines = Lines()
        for index in range(first, first + count):
            self._person(index, lines)
        return lines

    def _person(self, index: int, lines: Lines) -> None:
        chance = self._random.random
        kind, is_woman, family, given = self._who(index)
        profession = kind.profession
        number = rpps(index)
        workplaces = self._workplaces(kind, number, family[0], given[0])
        civility = "MME|Madame" if is_woman else "M|Monsieur"
        exercise = "|"
        if profession.doctor:
            is_professor = workplaces[0].mode == EMPLOYEE and chance() < _PROFESSOR
            exercise = "PR|Professeur" if is_professor else "DR|Docteur"
        at = chance()
        category = "C|Civil" if at > _MILITARY else "M|Militaire" if at > _STUDENT else "E|Etudiant"
        code, label = kind.specialities()
        trade = f"{profession.code}|{profession.label}"
        identity = f"8|{number}|8{number}"
        skill = f"S|Spécialité ordinale|{code}|{label}" if code else "|||"
        head = f"{identity}|{exercise}|{civility}|{family[0]}|{given[0]}|{trade}|{category}|{skill}"
        for place in workplaces:
            lines.activities.append(
                f"{head}|{place.mode}|{place.in_activities}|{kind.section}|||GENR01|Activité standard|\n"
            )
        if code:
            start = f"{identity}|{family[0]}|{given[0]}|{trade}|{category}"
            lines.specialities.append(f"{start}|{skill}|\n")
            if profession.doctor and chance() < _SECOND_SPECIALITY:
                group, second, name = SECOND_SPECIALITIES[int(chance() * len(SECOND_SPECIALITIES))]
                lines.specialities.append(f"{start}|{group}|{second}|{name}|\n")
        if chance() < profession.boxed:
            shown = exercise if exercise != "|" else civility
            who = f"{shown.partition('|')[0]}|{family[0]}|{given[0]}|{category}|{trade}|{code}|{label}"
            self._boxes(kind, workplaces, f"{given[1]}.{family[1]}", f"|{identity}|", f"||{who}|", lines.mailboxes)

    def _who(self, index: int) -> tuple[_Kind, bool, Name, Name]:
        """Return profession, sex and names; now and then the names and the profession of somebody before."""
        chance = self._random.random
        at = chance()
        if at < _HOMONYM and self._namesakes:
            family, given, kind = self._namesakes[int(chance() * len(self._namesakes))]
            return kind, False, family, given
        kind = self._kinds()
        if index % self._martin_every == 17:
            while not kind.profession.doctor:
                kind = self._kinds()
            return kind, False, *_MARTIN
        is_woman = chance() < kind.profession.women
        family, given = self._names.family(), self._names.given(is_woman)
        if at > 0.99 and not is_woman and len(self._namesakes) < 400:
            self._namesakes.append((family, given, kind))
        return kind, is_woman, family, given

    # -- where they work -----------------------------------------------------------------------------------------

    def _workplaces(self, kind: _Kind, number: str, family: str, given: str) -> list[Workplace]:
        chance = self._random.random
        setting = kind.settings()
        if setting == NOWHERE:
            return [_NOWHERE]
        found = [self._workplace(kind, setting, number, 1, f"{given} {family}".upper())]
        while chance() < (_SECOND_PLACE if len(found) == 1 else _THIRD_PLACE) and len(found) < 4:
            setting = kind.settings()
            if setting != NOWHERE:
                place = self._workplace(kind, setting, number, len(found) + 1, f"{given} {family}".upper())
                if all(one.identity != place.identity for one in found):
                    found.append(place)
        return found

    def _workplace(self, kind: _Kind, setting: int, number: str, rank: int, name: str) -> Workplace:
        if setting == PRACTICE:
            return self._practice(kind, number, rank, name)
        table = self._sites[setting]
        return table[int(self._random.random() * len(table))]

    def _practice(self, kind: _Kind, number: str, rank: int, name: str) -> Workplace:
        """Return a practice of its own, or one that a colleague of the town has opened."""
        chance = self._random.random
        town = self._places.town()
        key = (town.postcode, kind.profession.code)
        open_one, left = self._practices.get(key, (_NOWHERE, 0))
        if left:
            self._practices[key] = (open_one, left - 1)
            return open_one
        is_shared = chance() < _SHARED_PRACTICE
        where = self._places.where(town)
        self._practice_count += 1
        legal, older = "", f"4{number}{rank:03d}"
        if chance() < 0.5:
            legal = siret(_FIRST_PRACTICE_SIRET + self._practice_count)
            older = f"3{legal}"
        title = f"CABINET {'DU DR ' if kind.profession.doctor else ''}{name}"
        if is_shared:
            title = f"CABINET {kind.profession.label.upper()} {where.street}"
        columns = in_activities(
            name=title, where=where, siret=legal, finess="", owner="", technical=f"R{number}{rank:03d}", older=older,
            phone=phone(town.department, self._practice_count),
        )  # fmt: skip
        place = Workplace(
            identity=f"{older[0]}|{older}",
            in_extraction=in_extraction(title, "", where),
            in_activities=f"{columns}|{PRACTICE_SECTORS[is_shared]}",
            domain="",
            mode=LIBERAL,
        )
        if is_shared:
            self._practices[key] = (place, 1 + int(chance() * 4))
        return place

    # -- their mailboxes -----------------------------------------------------------------------------------------

    def _boxes(
        self, kind: _Kind, workplaces: list[Workplace], local: str, identity: str, who: str, lines: list[str]
    ) -> None:
        chance = self._random.random
        for turn, place in enumerate(workplaces[:2]):
            if turn and chance() > 0.3:
                break
            paperless = "O" if chance() < PAPERLESS_SHARE else "N"
            is_of_place = bool(place.domain) and chance() < 0.8
            address = self._address(local, place.domain if is_of_place else self._operator(kind))
            shown = place if is_of_place or chance() > _BOX_WITHOUT_PLACE else _NOWHERE
            lines.append(f"PER|{address}{identity}{shown.identity}{who}{paperless}|{shown.in_extraction}\n")
            if chance() < _SAME_BOX_TWICE and shown is not _NOWHERE:
                lines.append(f"PER|{address}{identity}|{who}{paperless}|{_NOWHERE.in_extraction}\n")
        if chance() < _SECOND_BOX:
            address = self._address(local, self._operator(kind))
            lines.append(f"PER|{address}{identity}|{who}O|{_NOWHERE.in_extraction}\n")

    def _operator(self, kind: _Kind) -> str:
        """Return the domain of the national service, or of one of the operators that software comes with."""
        chance = self._random.random
        if chance() < _NATIONAL_SERVICE:
            return kind.domain
        return f"{SOFTWARE_DOMAINS[int(chance() ** 2 * len(SOFTWARE_DOMAINS))]}.mssante.fr"

    def _address(self, local: str, domain: str) -> str:
        address = f"{local}@{domain}"
        again = 1
        while address in self._taken:
            again += 1
            address = f"{local}{again}@{domain}"
        self._taken.add(address)
        return address


def _kind(random: Random, profession: Profession) -> _Kind:
    skills = [line.split("|") for line in lines_of("skills.txt")]
    entries = [(code, label, int(share)) for of, code, label, share in skills if of == profession.code] or [("", "", 1)]
    return _Kind(
        profession=profession,
        settings=drawer(random, list(profession.settings), list(profession.settings.values()), slots=100),
        specialities=drawer(
            random, [(code, label) for code, label, _ in entries], [share for _, _, share in entries], 4_096
        ),
        section="A|Pharmaciens titulaires d'officine" if profession.code == "21" else "|",
        domain=f"{profession.domain or 'pro'}.mssante.fr",
    )


def _by_kind(sites: list[Site]) -> dict[int, list[Workplace]]:
    """Return, for each kind of place, a table in which each place stands as often as people work there."""
    found: dict[int, list[Workplace]] = {}
    for kind in {site.kind.kind for site in sites}:
        chosen = [site for site in sites if site.kind.kind == kind]
        is_liberal = kind not in {HOSPITAL, HOME, PHARMACY}
        workplaces = [
            Workplace(
                site.identity,
                site.in_extraction,
                f"{site.in_activities}|{site.sector}",
                site.domain,
                LIBERAL if is_liberal else EMPLOYEE,
            )
            for site in chosen
        ]
        slots = max(1_024, 4 * len(chosen))
        found[kind] = table_of(workplaces, [site.size for site in chosen], slots)
    return found


def groups(professionals: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the first number and the count of each group of people."""
    for first in range(0, professionals, size):
        yield first, min(size, professionals - first)

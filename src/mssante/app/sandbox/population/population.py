"""Write an invented national population to a folder, in the formats of the real files; the same for the same seed.

Source: issue 4 (`mssante directory generate`).
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO, Final

from mssante.app.sandbox.population.boxes import organisation_lines
from mssante.app.sandbox.population.numbers import RPPS_MOST
from mssante.app.sandbox.population.people import People, groups
from mssante.app.sandbox.population.sites import DAY, STAMP, Places, Site
from mssante.model.errors import ConfigError
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER
from mssante.wire.annuaire.persons import ACTIVITY_HEADER, SPECIALITY_HEADER

EXTRACTION: Final = f"Extraction_Correspondance_MSSante_{STAMP}.txt"
ACTIVITIES: Final = f"PS_LibreAcces_Personne_activite_{STAMP}.txt"
SPECIALITIES: Final = f"PS_LibreAcces_SavoirFaire_{STAMP}.txt"
FINESS: Final = f"etalab-cs1100507-stock-{DAY.replace('-', '')}-0000.csv"

_GROUP: Final = 10_000
_ZIP_LEVEL: Final = 3
_ZIP_MOMENT: Final = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Report:
    """What was written.

    Attributes:
        structures: places of FINESS; the practices of private professionals are not among them.
        files: the extraction as text and zipped, activities, savoir-faire, FINESS.
    """

    professionals: int
    activities: int
    specialities: int
    personal_boxes: int
    organisation_boxes: int
    structures: int
    files: tuple[Path, ...]

    @property
    def mailboxes(self) -> int:
        """Return how many lines the extraction has below its header."""
        return self.personal_boxes + self.organisation_boxes


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of people, open."""

    extraction: IO[bytes]
    zipped: IO[bytes]
    activities: IO[bytes]
    specialities: IO[bytes]

    def mailboxes(self, lines: list[str]) -> int:
        """Write lines to both extractions; returns how many."""
        data = "".join(lines).encode()
        self.extraction.write(data)
        self.zipped.write(data)
        return len(lines)


def write_population(folder: Path, *, professionals: int, seed: int, progress: Callable[[int], None]) -> Report:
    """Write the files of so many people; what is there under the same names is replaced.

    Args:
        folder: must exist.
        progress: told how many people are written, now and then and at the end.

    Raises:
        ConfigError: more people than there are numbers for, fewer than one, or the folder cannot be written.
    """
    if not 1 <= professionals <= RPPS_MOST // 2:
        msg = f"le nombre de professionnels doit être de 1 à {RPPS_MOST // 2}"
        raise ConfigError(msg)
    random = Random(seed)  # noqa: S311 - the same population for the same seed is what is wanted
    places = Places(random)
    sites = places.sites(professionals)
    people = People(random, places, sites, professionals)
    try:
        counts = _write(folder, random, people, sites, professionals, progress)
        _write_finess(folder / FINESS, sites)
    except OSError as error:
        msg = f"impossible d'écrire la population dans {folder} : {error}"
        raise ConfigError(msg) from error
    names = (EXTRACTION, f"{EXTRACTION[:-4]}.zip", ACTIVITIES, SPECIALITIES, FINESS)
    return Report(professionals, *counts, len(sites), tuple(folder / name for name in names))


def _write(
    folder: Path,
    random: Random,
    people: People,
    sites: list[Site],
    professionals: int,
    progress: Callable[[int], None],
) -> tuple[int, int, int, int]:
    """Write people and their mailboxes, then those of the places; returns what `Report` counts, in its order."""
    activities = specialities = personal = 0
    member = zipfile.ZipInfo(EXTRACTION, _ZIP_MOMENT)
    member.compress_type = zipfile.ZIP_DEFLATED
    with (
        (folder / EXTRACTION).open("wb") as extraction,
        zipfile.ZipFile(
            folder / f"{EXTRACTION[:-4]}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=_ZIP_LEVEL
        ) as archive,
        archive.open(member, "w", force_zip64=True) as zipped,
        (folder / ACTIVITIES).open("wb") as activity_file,
        (folder / SPECIALITIES).open("wb") as speciality_file,
    ):
        files = _Files(extraction, zipped, activity_file, speciality_file)
        extraction.write(EXTRACTION_HEADER)
        zipped.write(EXTRACTION_HEADER)
        activity_file.write(ACTIVITY_HEADER)
        speciality_file.write(SPECIALITY_HEADER)
        for first, count in groups(professionals, _GROUP):
            lines = people.make(first, count)
            activity_file.write("".join(lines.activities).encode())
            speciality_file.write("".join(lines.specialities).encode())
            activities += len(lines.activities)
            specialities += len(lines.specialities)
            personal += files.mailboxes(lines.mailboxes)
            progress(first + count)
        organisations = files.mailboxes(list(organisation_lines(random, sites)))
    return activities, specialities, personal, organisations


def _write_finess(path: Path, sites: list[Site]) -> None:
    with path.open("wb") as file:
        file.write(f"finess;etalab;111;{DAY}\n".encode())
        for turn in (0, 1):
            file.write("".join([site.in_finess[turn] for site in sites]).encode())

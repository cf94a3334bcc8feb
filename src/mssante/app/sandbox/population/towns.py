"""Towns where people practise; the large ones by arrondissement."""

from dataclasses import dataclass
from typing import Final

from mssante.app.sandbox.population.lists import lines_of
from mssante.app.sandbox.population.names import slug
from mssante.model.folding import fold
from mssante.wire.annuaire.postal import department_of

# Towns whose postcodes count arrondissements: how many.
_ARRONDISSEMENTS: Final = {"75001": 20, "69001": 9, "13001": 16}


@dataclass(frozen=True, slots=True)
class Town:
    """A town, or an arrondissement of one.

    Attributes:
        name: as in the official list.
        capitals: as on an envelope.
        weight: thousands of inhabitants.
        word: as in a domain.
    """

    postcode: str
    name: str
    capitals: str
    department: str
    department_name: str
    weight: float
    word: str
    latitude: float
    longitude: float


def towns() -> tuple[Town, ...]:
    """Return all towns."""
    names = dict(line.split("|") for line in lines_of("departments.txt"))
    found: list[Town] = []
    for line in lines_of("towns.txt"):
        postcode, name, thousands, latitude, longitude = line.split("|")
        department = department_of(postcode)
        parts = _ARRONDISSEMENTS.get(postcode, 1)
        found += [
            Town(
                postcode=f"{int(postcode) + part:05d}",
                name=name,
                capitals=fold(name).upper(),
                department=department,
                department_name=names.get(department, ""),
                weight=float(thousands) / parts,
                word=slug(name, "-"),
                latitude=float(latitude),
                longitude=float(longitude),
            )
            for part in range(parts)
        ]
    return tuple(found)

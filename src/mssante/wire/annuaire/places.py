"""The row that every list of structures gives, and the structure that it is."""

import enum
from typing import Final

from mssante.model.directory import Coded, PostalAddress, Structure
from mssante.wire.annuaire.lines import Row

EG: Final = "EG"
EJ: Final = "EJ"


class Place(enum.IntEnum):
    """Layout of a row of `read_finess` and `read_hospitals`.

    `IDENTIFIER` and `PARENT` are IdNat_Struct; `LATITUDE` and `LONGITUDE` are degrees with a point, or "".
    """

    IDENTIFIER = 0
    PARENT = 1
    KIND = 2
    NAME = 3
    SIGN = 4
    SIRET = 5
    CATEGORY = 6
    CATEGORY_LABEL = 7
    COMPLEMENT = 8
    DISTRIBUTION = 9
    STREET = 10
    LOCALITY = 11
    POSTCODE = 12
    TOWN = 13
    DEPARTMENT = 14
    COUNTRY = 15
    PHONE = 16
    LATITUDE = 17
    LONGITUDE = 18


def structure_of_place(row: Row) -> Structure:
    """Return the structure of a row."""
    return Structure(
        identifier=row[Place.IDENTIFIER],
        name=row[Place.NAME],
        sign=row[Place.SIGN],
        address=PostalAddress(*row[Place.COMPLEMENT : Place.PHONE]),
        kind=row[Place.KIND],
        parent=row[Place.PARENT],
        siret=row[Place.SIRET],
        phone=row[Place.PHONE],
        category=Coded(row[Place.CATEGORY], row[Place.CATEGORY_LABEL]),
        latitude=float(row[Place.LATITUDE]) if row[Place.LATITUDE] else None,
        longitude=float(row[Place.LONGITUDE]) if row[Place.LONGITUDE] else None,
    )


def degrees(value: float) -> str:
    """Return an angle as it stands in a row: six digits are ten centimetres."""
    return f"{value:.6f}"

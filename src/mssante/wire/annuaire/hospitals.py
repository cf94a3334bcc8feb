"""The list of French hospital sites of Eurostat GISCO (`fr-hospitals.csv`): made from FINESS, with coordinates.

Commas, now and then in quotes; the FINESS number lost its leading zero, the telephone number too.

Source: issue 4; the README of the reference data.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from operator import itemgetter
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.annuaire.identifiers import structure_id
from mssante.wire.annuaire.lines import Batch, Row, columns_of, header_of, in_batches, read_lines, wrong_count
from mssante.wire.annuaire.places import EG, degrees
from mssante.wire.annuaire.postal import department_of, joined, town_of

_WHAT: Final = "liste des hôpitaux"
_NEEDED: Final = (
    "id", "hospital_name", "site_name", "lat", "lon", "street", "house_number", "postcode", "city", "facility_type",
    "tel",
)  # fmt: skip


def read_hospitals(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the hospital sites; the layout of a row is `places.Place`; its category has a label and no code.

    Raises:
        TheirProtocolError: a column that is needed is missing (when the first batch is asked for).
    """
    lines = read_lines(chunks, fallback="latin-1")
    header = _fields(header_of(lines, _WHAT))
    if header is None:
        msg = f"{_WHAT} : guillemets mal fermés dans l'en-tête"
        raise TheirProtocolError(msg)
    needed = itemgetter(*columns_of(header, _NEEDED, _WHAT))
    yield from in_batches(lines, _parser(len(header), needed), 2)


def _fields(line: str) -> list[str] | None:
    """Return the fields of a line, or None when its quotes do not close."""
    try:
        return [field.strip() for field in next(csv.reader([line], strict=True), [""])]
    except csv.Error:
        return None


def _parser(width: int, needed: Callable[[list[str]], Row]) -> Callable[[str], Row | str]:
    """Return what makes a row of a line of as many columns."""

    def parse(line: str) -> Row | str:
        fields = _fields(line)
        if fields is None:
            return "guillemets mal fermés"
        if len(fields) != width:
            return wrong_count(fields, width)
        number, hospital, site, latitude, longitude, street, house, postcode, city, category, phone = needed(fields)
        identifier = structure_id("1", number.zfill(9))
        if identifier is None or len(number) > 9:
            return "numéro FINESS de forme inconnue"
        if not hospital:
            return "établissement sans nom"
        point = _point(latitude, longitude)
        if point is None:
            return "coordonnées qui ne sont pas des degrés"
        return (
            identifier, "", EG, hospital, site if site != hospital else "", "", "", category, "", "",
            joined(house, street) if street else "", "", postcode, town_of(city), department_of(postcode), "",
            phone.zfill(10) if phone else "", *point,
        )  # fmt: skip

    return parse


def _point(latitude: str, longitude: str) -> tuple[str, str] | None:
    """Return both angles as they stand in a row, ("", "") when there are none, None when they are none."""
    if not latitude and not longitude:
        return "", ""
    try:
        north, east = float(latitude), float(longitude)
    except ValueError:
        return None
    if not (isfinite(north) and isfinite(east) and abs(north) <= 90 and abs(east) <= 180):
        return None
    return degrees(north), degrees(east)

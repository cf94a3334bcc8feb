"""The open stock of FINESS: places (`structureet`), legal persons (`structureej`), coordinates (`geolocalisation`).

No header but a first line `finess;etalab;<n>;<date>`; fields by position, between semicolons, now and then in quotes.

Source: DREES, etalab_cs1100501, cs1100502 and cs1100507 (descriptions of the files); issue 4.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.annuaire.identifiers import structure_id
from mssante.wire.annuaire.lines import (
    BATCH_LINES,
    BadLine,
    Batch,
    Line,
    Row,
    Unreadable,
    bad_line,
    fields_of,
    header_of,
    read_lines,
    wrong_count,
)
from mssante.wire.annuaire.places import EG, EJ, degrees
from mssante.wire.annuaire.postal import department_of, joined, postcode_of, town_of
from mssante.wire.annuaire.projection import to_degrees

HELD_MAX_LINES: Final = 250_000

_WHAT: Final = "stock FINESS"
_PLACE_FIELDS: Final = 31
_LEGAL_FIELDS: Final = 23
_POINT_FIELDS: Final = 6
_NOWHERE: Final = ("", "", 0)

_Point = tuple[str, str, int]


def read_finess(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the structures of a stock; the layout of a row is `places.Place`.

    Coordinates come after the places in the file: lines of places are held, up to `HELD_MAX_LINES`, until it ends. A
    line of coordinates gives no row of its own, so that a batch may have more lines than rows and bad ones.

    Args:
        chunks: the bytes of the .csv file in order, in UTF-8 or ISO-8859-1.

    Raises:
        TheirProtocolError: the first line is not that of a stock (when the first batch is asked for).
    """
    lines = read_lines(chunks, fallback="latin-1")
    if fields_of(header_of(lines, _WHAT), ";")[0].lower() != "finess":
        msg = f"{_WHAT} : la première ligne ne commence pas par « finess; »"
        raise TheirProtocolError(msg)
    held = _Held()
    for number, line in enumerate(lines, 2):
        held.take(number, line)
        if len(held.bad) >= BATCH_LINES:
            yield held.spoiled()
        if held.is_full:
            yield from held.release()
    yield from held.release()


class _Held:
    """Lines of structures that wait for their coordinates, and what else was read meanwhile."""

    __slots__ = ("_lines", "_points", "_waiting", "bad")

    def __init__(self) -> None:
        """Hold nothing."""
        self._waiting: list[tuple[int, str]] = []
        self._points: dict[str, _Point] = {}
        self._lines = 0
        self.bad: list[BadLine] = []

    @property
    def is_full(self) -> bool:
        """Tell whether no more may be held."""
        return max(len(self._waiting), len(self._points)) >= HELD_MAX_LINES

    def take(self, number: int, line: Line) -> None:
        """Sort a line: kept for later, coordinates, or bad."""
        self._lines += 1
        if isinstance(line, Unreadable):
            self.bad.append(BadLine(number, line.reason, line.text))
            return
        kind = line.partition(";")[0].strip()
        if kind in {"structureet", "structureej"}:
            self._lines -= 1
            self._waiting.append((number, line))
        elif kind == "geolocalisation":
            found = _point(number, line)
            if isinstance(found, str):
                self.bad.append(bad_line(number, found, line))
            else:
                self._points[found[0]] = found[1]
        else:
            self.bad.append(bad_line(number, "type de ligne inconnu" if line.strip() else "ligne vide", line))

    def spoiled(self) -> Batch:
        """Give away the lines that gave no row."""
        batch = Batch([], self.bad, self._lines)
        self.bad, self._lines = [], 0
        return batch

    def release(self) -> Iterator[Batch]:
        """Give everything away: structures with their coordinates, then what is left over."""
        for start in range(0, len(self._waiting), BATCH_LINES):
            part = self._waiting[start : start + BATCH_LINES]
            rows: list[Row] = []
            bad: list[BadLine] = []
            for number, line in part:
                found = _structure(line, self._points)
                if isinstance(found, str):
                    bad.append(bad_line(number, found, line))
                else:
                    rows.append(found)
            yield Batch(rows, bad, len(part))
        for finess, (_, _, number) in self._points.items():
            reason = "coordonnées d'un établissement absent du fichier ou écarté"
            self.bad.append(bad_line(number, reason, f"geolocalisation;{finess}"))
        if self._lines:
            yield self.spoiled()
        self._waiting, self._points = [], {}


def _fields(line: str) -> list[str] | str:
    """Return the fields of a line, or why it has none."""
    if '"' not in line:
        return fields_of(line, ";")
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=";", strict=True), [""])]
    except csv.Error:
        return "guillemets mal fermés"


def _point(number: int, line: str) -> tuple[str, _Point] | str:
    """Return the FINESS number of a line of coordinates and where it is, or why there is none."""
    fields = _fields(line)
    if isinstance(fields, str):
        return fields
    if len(fields) < _POINT_FIELDS:
        return wrong_count(fields, _POINT_FIELDS)
    try:
        x, y = float(fields[2]), float(fields[3])
    except ValueError:
        return "coordonnées qui ne sont pas des nombres"
    found = to_degrees(x, y, ";".join(fields[4:]))
    if found is None:
        return "système de coordonnées inconnu, ou point hors de la Terre"
    return fields[1], (degrees(found[0]), degrees(found[1]), number)


def _structure(line: str, points: dict[str, _Point]) -> Row | str:
    """Return the row of a structure, or why it has none; what it uses of the points is taken out of them."""
    fields = _fields(line)
    if isinstance(fields, str):
        return fields
    wanted = _PLACE_FIELDS if fields[0] == "structureet" else _LEGAL_FIELDS
    if not wanted <= len(fields) <= wanted + 1 or (len(fields) > wanted and fields[-1]):
        return wrong_count(fields, wanted)
    identifier = structure_id("1", fields[1])
    if identifier is None or len(fields[1]) != 9:
        return "numéro FINESS de forme inconnue"
    return _place(identifier, fields, points) if wanted == _PLACE_FIELDS else _legal(identifier, fields)


def _place(identifier: str, fields: list[str], points: dict[str, _Point]) -> Row | str:
    """Return the row of a place (EG)."""
    name = fields[4] or fields[3]
    if not name:
        return "établissement sans nom"
    latitude, longitude, _ = points.pop(fields[1], _NOWHERE)
    postcode = postcode_of(fields[15])
    return (
        identifier, structure_id("1", fields[2]) or "", EG, name, fields[3] if fields[3] != name else "", fields[22],
        fields[18], fields[19], fields[5], fields[6], joined(fields[7], fields[8], fields[9], fields[10]), fields[11],
        postcode, town_of(fields[15]), department_of(postcode, fields[13]), "", fields[16], latitude, longitude,
    )  # fmt: skip


def _legal(identifier: str, fields: list[str]) -> Row | str:
    """Return the row of a legal person (EJ)."""
    name = fields[3] or fields[2]
    if not name:
        return "entité juridique sans nom"
    postcode = postcode_of(fields[12])
    return (
        identifier, "", EJ, name, fields[2] if fields[2] != name else "", "", fields[18], fields[19], fields[4],
        fields[9], joined(fields[5], fields[6], fields[7], fields[8]), fields[10], postcode, town_of(fields[12]),
        department_of(postcode, fields[13]), "", fields[15], "", "",
    )  # fmt: skip

"""Read an export of a hospital's staff: CSV with French column names, as human-resources programs write it.

Separator (``;``, ``,`` or a tabulation) and encoding (UTF-8 or Windows-1252) are found by themselves. Says what a line
asks for, not what becomes of it (see `mssante.flows.publication.bulk`).

Source: users.md 7.1 DSI-5; RFC 4180.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from mssante.model.errors import TheirProtocolError
from mssante.model.folding import fold

FILE_MAX_BYTES: Final = 20 * 1024 * 1024
LINES_MAX: Final = 50_000
COLUMNS_MAX: Final = 100
VALUE_MAX_CHARS: Final = 500

# What each column may be called, compared without case, accents and signs; the first name is the one we write.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("type", "type de boite", "type bal", "type de bal"),
    "civilite": ("civilite", "civilite d exercice", "titre"),
    "nom": ("nom", "nom d exercice", "nom usuel", "nom d usage", "nom de famille"),
    "prenom": ("prenom", "prenom d exercice", "prenom usuel", "prenoms"),
    "rpps": ("rpps", "n rpps", "no rpps", "numero rpps", "identifiant rpps"),
    "matricule": ("matricule", "matricule rh", "numero agent", "n agent", "identifiant rh"),
    "finess": ("finess", "structure", "n finess", "numero finess", "finess structure", "finess geographique", "siret"),
    "libelle": ("libelle", "titulaire", "nom de la boite", "intitule"),
    "service": ("service", "service de rattachement", "unite"),
    "description": ("description", "fonction"),
    "responsable": ("responsable",),
    "telephone": ("telephone", "tel", "n de telephone"),
    "liste_rouge": ("liste rouge",),
    "zero_papier": ("zero papier", "dematerialisation"),
    "rang": ("rang", "rang de preference", "boite preferee"),
    "adresse": ("adresse", "adresse bal", "adresse mss", "adresse mssante", "bal"),
    "membres": ("membres", "comptes"),
}
NOTHING: Final = "-"
"""What takes a value away; an empty field leaves it as it is."""
_BY_NAME: Final = {name: column for column, names in COLUMNS.items() for name in names}


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One line of the file: known column -> value, trimmed; `number` is its line in the file, the header being line 1.

    `values` has "" as a column when the line has more fields than the header.
    """

    number: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return the value of a column, "" when the file does not have it or says that there is none."""
        value = self.values.get(column, "")
        return "" if value == NOTHING else value

    def says(self, column: str) -> bool:
        """Tell whether the line says anything of a column: a value, or that there is none."""
        return bool(self.values.get(column, ""))


@dataclass(frozen=True, slots=True)
class StaffFile:
    """A whole file.

    Attributes:
        lines: those that hold anything.
        ignored: names of columns that mean nothing here, as written.
        encoding, separator: as found.
    """

    lines: tuple[StaffLine, ...]
    ignored: tuple[str, ...]
    encoding: str
    separator: str


def read_staff(data: bytes) -> StaffFile:
    """Return what the file asks for.

    Raises:
        TheirProtocolError: too large, no text, no line of column names, or a quote that never ends; nothing of a file
            that is broken somewhere is taken.

    Source: RFC 4180 section 2.
    """
    if len(data) > FILE_MAX_BYTES:
        _refuse(f"plus de {FILE_MAX_BYTES // 1024 // 1024} Mio ; coupez-le en plusieurs")
    text, encoding = _decode(data)
    first = text.split("\n", 1)[0]
    separator = max(";,\t", key=first.count)
    rows = _rows(text, separator)
    _number, names = next(rows, (1, []))
    columns = [_BY_NAME.get(fold(name), "") for name in names]
    known = [column for column in columns if column]
    if not known:
        _refuse(f"aucune colonne connue en première ligne ; il en faut parmi {', '.join(COLUMNS)}")
    if len(set(known)) < len(known):
        twice = next(column for column in known if known.count(column) > 1)
        _refuse(f"deux colonnes pour « {twice} » ; gardez-en une")
    lines = tuple(StaffLine(number, _values(columns, row)) for number, row in rows if any(row))
    ignored = tuple(name for name, column in zip(names, columns, strict=True) if not column and name)
    return StaffFile(lines, ignored, encoding, separator)


def _values(columns: list[str], row: list[str]) -> dict[str, str]:
    """Return the values of the columns that are known; with "" as a column when there are more than the file has."""
    if len(row) > len(columns):
        return {"": "trop"}
    return {column: value for column, value in zip(columns, row, strict=False) if column}


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start, count = 1, 0
    try:
        for row in reader:
            count += 1
            if count > LINES_MAX + 1:
                _refuse(f"plus de {LINES_MAX} lignes ; coupez-le en plusieurs")
            if len(row) > COLUMNS_MAX:
                _refuse(f"ligne {start} : plus de {COLUMNS_MAX} colonnes")
            yield start, [" ".join(value.split())[:VALUE_MAX_CHARS] for value in row]
            start = reader.line_num + 1
    except csv.Error as error:
        _refuse(f"ligne {start} : guillemets mal fermés ou champ trop long ({error})", error)


def _decode(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        _refuse("ce n'est pas du texte UTF-8 ou Windows-1252 ; enregistrez-le en « CSV UTF-8 »")
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError as error:
        _refuse("ni UTF-8 ni Windows-1252 ; enregistrez-le en « CSV UTF-8 »", error)


def _refuse(text: str, cause: Exception | None = None) -> NoReturn:
    msg = f"fichier du personnel : {text}"
    raise TheirProtocolError(msg) from cause

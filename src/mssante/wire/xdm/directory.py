"""Read the central directory of a zip file, strictly: what it lists is what is there, once, and nowhere twice.

The standard library's reader trusts this table more than we may: it opens overlapping entries, and believes sizes.

Source: reliability.md C05, C06; PKWARE APPNOTE 6.3 sections 4.3 and 4.4 (general knowledge of it).
"""

import struct
from dataclasses import dataclass
from typing import Final, NoReturn

from mssante.model.errors import TheirProtocolError
from mssante.wire.xdm.names import check_apart, check_name, refused

STORED: Final = 0
DEFLATED: Final = 8
# What mail programs and signing tools put around a file, at most.
AROUND_MAX_BYTES: Final = 4096

_END: Final = b"PK\x05\x06"
_END_FIELDS: Final = struct.Struct("<4x4H2IH")
_LOCATOR: Final = struct.Struct("<4sIQI")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_COMMENT_MAX: Final = 0xFFFF
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x2041
_PATCHED: Final = 0x0020
_LATER: Final = 0x0008
_UTF8: Final = 0x0800
_KINDS: Final = 0xF000
_FOLDER: Final = 0x4000
_REGULAR: Final = 0x8000
_ZIP64_EXTRA: Final = 0x0001
_UNIX_EXTRA: Final = 0x000D
_PATH_EXTRA: Final = 0x7075


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive, as its table says it.

    Attributes:
        packed, size: bytes before and after expansion; `size` is a claim.
        header, start: where its own header and its bytes begin, in the whole file.
    """

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int
    start: int = 0

    @property
    def is_folder(self) -> bool:
        """Tell whether it only names a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class Directory:
    """The table of an archive, and how many bytes stand around the archive."""

    entries: tuple[Entry, ...]
    before: int
    after: int


def read_directory(data: bytes, entries_max: int) -> Directory:
    """Return what a zip file holds; each entry's header was compared with the table, none overlaps another.

    Raises:
        TheirProtocolError: not a zip file, damaged, ambiguous, or with an entry that is refused; in French.

    Source: reliability.md C05, C06.
    """
    end = _find_end(data)
    if end is None:
        msg = "ce fichier n'est pas une archive zip : faites-la produire de nouveau"
        raise TheirProtocolError(msg)
    count, size, offset, stop = _read_end(data, end)
    if count > entries_max:
        msg = f"archive refusée : {count} entrées, plus que {entries_max}"
        raise TheirProtocolError(msg)
    table = stop - size
    before = table - offset
    if before < 0 or (count and data[table : table + 4] != b"PK\x01\x02"):
        _damaged("la table des fichiers n'est pas là où elle est annoncée")
    after = len(data) - end - 22 - _END_FIELDS.unpack_from(data, end)[-1]
    if max(before, after) > AROUND_MAX_BYTES:
        _damaged(f"plus de {AROUND_MAX_BYTES} octets étrangers autour de l'archive")
    found = _read_table(data, table, stop, count, before)
    check_apart(entry.name for entry in found)
    entries = tuple(_located(data, entry, table) for entry in found)
    _check_overlaps(entries)
    return Directory(entries, before, after)


def _damaged(why: str) -> NoReturn:
    msg = f"archive zip abîmée ou trompeuse : {why}"
    raise TheirProtocolError(msg)


def _find_end(data: bytes) -> int | None:
    """Return where the end record is: the one that ends with the file, or the last one when bytes follow it.

    A second one inside the comment of the first is refused: some programs take the first, others the last.
    """
    floor = max(0, len(data) - 22 - _COMMENT_MAX - AROUND_MAX_BYTES)
    place = data.rfind(_END, floor)
    last: int | None = None
    while place >= 0:
        if place + 22 <= len(data):
            stop = place + 22 + _END_FIELDS.unpack_from(data, place)[-1]
            if stop == len(data) and last is not None:
                _damaged("elle a deux fins, et deux programmes y liraient deux contenus")
            if stop == len(data):
                return _only(data, floor, place)
            if last is None and stop < len(data):
                last = place
        place = data.rfind(_END, floor, place + 3)
    return last


def _only(data: bytes, floor: int, end: int) -> int:
    """Return the end record, once no earlier one takes it for its comment."""
    place = data.rfind(_END, floor, end + 3)
    while place >= 0:
        if place + 22 + _END_FIELDS.unpack_from(data, place)[-1] == len(data):
            _damaged("elle a deux fins, et deux programmes y liraient deux contenus")
        place = data.rfind(_END, floor, place + 3)
    return end


def _read_end(data: bytes, end: int) -> tuple[int, int, int, int]:
    """Return count, size and offset of the table, and where the table ends."""
    disk, table_disk, here, count, size, offset, _ = _END_FIELDS.unpack_from(data, end)
    stop = end
    if _FULL16 in (here, count) or _FULL32 in (size, offset):
        wide = _read_end64(data, end)
        if wide is not None:
            disk, table_disk, here, count, size, offset, stop = wide
    if (disk, table_disk) != (0, 0) or here != count:
        _damaged("elle est en plusieurs morceaux")
    if size > stop:
        _damaged("sa table est plus longue qu'elle-même")
    return count, size, offset, stop


def _read_end64(data: bytes, end: int) -> tuple[int, int, int, int, int, int, int] | None:
    if end < 20 or data[end - 20 : end - 16] != b"PK\x06\x07":
        return None
    # The record stands just before its locator: where the locator points is only true without bytes in front.
    place = data.rfind(b"PK\x06\x06", max(0, end - 20 - 4096), end - 20)
    if place < 0 or place + 56 > end - 20:
        _damaged("sa fin zip64 manque")
    _, length, _, _, disk, table_disk, here, count, size, offset = _END64.unpack_from(data, place)
    if place + 12 + length != end - 20:
        _damaged("sa fin zip64 est fausse")
    return disk, table_disk, here, count, size, offset, place


def _read_table(data: bytes, table: int, stop: int, count: int, before: int) -> list[Entry]:
    found: list[Entry] = []
    place = table
    for _ in range(count):
        if place + 46 > stop or data[place : place + 4] != b"PK\x01\x02":
            _damaged("sa table des fichiers est coupée")
        entry, place = _read_central(data, place, stop, before)
        found.append(entry)
    if place != stop:
        _damaged("sa table annonce moins de fichiers qu'elle n'en contient")
    return found


def _read_central(data: bytes, place: int, stop: int, before: int) -> tuple[Entry, int]:
    fields = _CENTRAL.unpack_from(data, place)
    flags, method = fields[3], fields[4]
    crc, packed, size = fields[7:10]
    name_bytes, extra_bytes, comment_bytes, disk = fields[10:14]
    attributes, header = fields[15:17]
    after_name = place + 46 + name_bytes
    after = after_name + extra_bytes + comment_bytes
    if after > stop:
        _damaged("sa table des fichiers est coupée")
    raw = data[place + 46 : after_name]
    name = _read_name(raw, is_utf8=bool(flags & _UTF8))
    check_name(name, name_bytes)
    extras = _read_extras(data[after_name : after_name + extra_bytes], name)
    size, packed, header = _widened(extras.get(_ZIP64_EXTRA, b""), size, packed, header, name)
    entry = Entry(name, method, crc, packed, size, header + before)
    if disk not in (0, _FULL16):
        raise refused(name, "elle est sur un autre disque")
    _check_kind(entry, flags, attributes)
    _check_extras(extras, raw, name)
    return entry, after


def _read_name(raw: bytes, *, is_utf8: bool) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = raw.decode("cp437")
        if is_utf8:
            raise refused(shown, "nom qui n'est pas en UTF-8 comme annoncé") from error
        return shown


def _check_kind(entry: Entry, flags: int, attributes: int) -> None:
    if flags & _ENCRYPTED:
        raise refused(entry.name, "elle est chiffrée ; demandez l'archive sans mot de passe")
    if flags & _PATCHED or entry.method not in {STORED, DEFLATED}:
        raise refused(entry.name, f"méthode de compression {entry.method}, ni 0 ni 8")
    # The upper half is the mode on Unix and macOS; other systems leave it at 0.
    kind = (attributes >> 16) & _KINDS
    if kind not in {0, _REGULAR, _FOLDER}:
        raise refused(entry.name, "lien symbolique, périphérique ou fichier spécial")
    if kind == _FOLDER and not entry.is_folder:
        raise refused(entry.name, "dossier dont le nom est celui d'un fichier")
    if entry.is_folder and entry.size:
        raise refused(entry.name, "dossier qui a un contenu")


def _read_extras(raw: bytes, name: str) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    place = 0
    while place + 4 <= len(raw):
        kind, length = struct.unpack_from("<HH", raw, place)
        if place + 4 + length > len(raw):
            break
        if kind in found and kind in {_ZIP64_EXTRA, _PATH_EXTRA}:
            raise refused(name, "deux champs de même nature, qui se contredisent")
        found[kind] = raw[place + 4 : place + 4 + length]
        place += 4 + length
    return found


def _check_extras(extras: dict[int, bytes], raw: bytes, name: str) -> None:
    if extras.get(_PATH_EXTRA, b"-----" + raw)[5:] != raw:
        raise refused(name, "elle porte deux noms différents")
    # Fields of the old Unix field: 12 bytes of times and owners, then the target of a link.
    if len(extras.get(_UNIX_EXTRA, b"")) > 12:
        raise refused(name, "lien ou périphérique Unix")


def _widened(extra: bytes, size: int, packed: int, header: int, name: str) -> tuple[int, int, int]:
    """Return the three numbers, each from the zip64 field when its own is full."""
    found: list[int] = []
    place = 0
    for number in (size, packed, header):
        if number != _FULL32:
            found.append(number)
            continue
        if place + 8 > len(extra):
            raise refused(name, "taille zip64 absente")
        found.append(struct.unpack_from("<Q", extra, place)[0])
        place += 8
    return found[0], found[1], found[2]


def _located(data: bytes, entry: Entry, table: int) -> Entry:
    """Return the entry with where its bytes start, once its own header said the same as the table."""
    if entry.header < 0 or entry.header + 30 > table or data[entry.header : entry.header + 4] != b"PK\x03\x04":
        raise refused(entry.name, "son en-tête n'est pas là où il est annoncé")
    fields = _LOCAL.unpack_from(data, entry.header)
    flags, method, crc, packed, size, name_bytes, extra_bytes = fields[2], fields[3], *fields[6:11]
    name_end = entry.header + 30 + name_bytes
    start = name_end + extra_bytes
    if flags & _ENCRYPTED or method != entry.method:
        raise refused(entry.name, "son en-tête dit autre chose que la table")
    if _read_name(data[entry.header + 30 : name_end], is_utf8=False) != entry.name:
        raise refused(entry.name, "elle porte deux noms différents")
    if not flags & _LATER and (
        crc != entry.crc or packed not in {entry.packed, _FULL32} or size not in {entry.size, _FULL32}
    ):
        raise refused(entry.name, "elle annonce deux tailles ou deux empreintes différentes")
    if start + entry.packed > table:
        raise refused(entry.name, "elle dépasse la fin de l'archive")
    return Entry(entry.name, entry.method, entry.crc, entry.packed, entry.size, entry.header, start)


def _check_overlaps(entries: tuple[Entry, ...]) -> None:
    reached = 0
    for entry in sorted(entries, key=lambda one: one.header):
        if entry.header < reached:
            raise refused(entry.name, "elle recouvre une autre entrée (bombe de décompression)")
        reached = entry.start + entry.packed

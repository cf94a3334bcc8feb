"""Expand entries of an archive, counting: what the table claims is checked, never believed.

Source: reliability.md C05 (streaming count; ratio; CPU under one second).
"""

import io
import zlib
from dataclasses import dataclass
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.xdm.directory import STORED, Entry
from mssante.wire.xdm.names import refused

_STEP_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may cost.

    Attributes:
        entries: most entries, folders included.
        total_bytes: of all entries once expanded.
        ratio: expanded bytes for one packed byte, asked beyond `ratio_from_bytes`.
    """

    entries: int = 200
    total_bytes: int = 100_000_000
    ratio: int = 200
    ratio_from_bytes: int = 1_000_000


def check_claims(entries: tuple[Entry, ...], limits: ArchiveLimits) -> None:
    """Refuse an archive that itself says that it is too big: nothing is expanded then.

    Raises:
        TheirProtocolError: in French.
    """
    claimed = 0
    for entry in entries:
        claimed += entry.size
        if entry.size > limits.ratio_from_bytes and entry.size > limits.ratio * entry.packed:
            raise refused(entry.name, f"elle annonce plus de {limits.ratio} fois sa taille (bombe de décompression)")
    if claimed > limits.total_bytes:
        msg = f"archive refusée : {claimed} octets une fois ouverte, plus que {limits.total_bytes}"
        raise TheirProtocolError(msg)


def expand(data: bytes, entry: Entry, limits: ArchiveLimits) -> bytes:
    """Return the bytes of one entry; their count and checksum are those of the table.

    Raises:
        TheirProtocolError: more or fewer bytes than claimed, a ratio above the limit, damaged; in French.
    """
    packed = memoryview(data)[entry.start : entry.start + entry.packed]
    if entry.method == STORED:
        if entry.packed != entry.size:
            raise refused(entry.name, "taille annoncée fausse")
        found = bytes(packed)
    else:
        found = _inflate(packed, entry, limits)
    if zlib.crc32(found) != entry.crc:
        raise refused(entry.name, "empreinte CRC différente : elle est abîmée, demandez un nouvel envoi")
    return found


def _inflate(packed: memoryview, entry: Entry, limits: ArchiveLimits) -> bytes:
    # BytesIO hands its buffer over without a copy: one copy of each document at a time.
    out = io.BytesIO()
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    count = 0
    rest: memoryview | bytes = packed
    try:
        while not machine.eof:
            piece = machine.decompress(rest[:_STEP_BYTES], _STEP_BYTES)
            taken = min(len(rest), _STEP_BYTES) - len(machine.unconsumed_tail) - len(machine.unused_data)
            rest = rest[taken:]
            count += len(piece)
            if count > entry.size:
                raise refused(entry.name, f"elle annonce {entry.size} octets et en contient davantage")
            if count > limits.ratio_from_bytes and count > limits.ratio * entry.packed:
                raise refused(entry.name, f"plus de {limits.ratio} fois sa taille (bombe de décompression)")
            out.write(piece)
            if not piece and not taken and not machine.eof:
                break
    except zlib.error as error:
        raise refused(entry.name, "ses données compressées sont abîmées") from error
    if not machine.eof or len(rest) or count != entry.size:
        raise refused(entry.name, "taille annoncée fausse ou données coupées")
    return out.getvalue()

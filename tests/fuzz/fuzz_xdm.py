"""Fuzz target: archives and METADATA.XML of any bytes. Runs under atheris or hypothesis."""

import zlib

from mssante.model.errors import TheirProtocolError
from mssante.wire.xdm.archive import read_archive
from mssante.wire.xdm.contents import read_contents
from mssante.wire.xdm.expand import ArchiveLimits
from mssante.wire.xdm.metadata import MetadataLimits, read_metadata
from mssante.wire.xdm.write import write_metadata

LIMITS = ArchiveLimits(entries=20, total_bytes=1_000_000, ratio=100, ratio_from_bytes=10_000)
METADATA = MetadataLimits(bytes=100_000, elements=1000)


def archive(data: bytes) -> None:
    try:
        found = read_archive(data, LIMITS)
    except TheirProtocolError:
        return
    files = [file for subset in found.subsets for file in (subset.metadata, *subset.files)]
    assert len(files) <= LIMITS.entries
    assert not any(".." in file.path.split("/") or file.path.startswith("/") for file in files)
    try:
        contents = read_contents(found, METADATA)
    except TheirProtocolError:
        return
    assert all(held.entry or held.file for held in contents.documents)


def metadata(data: bytes) -> None:
    try:
        found = read_metadata(data, METADATA)
    except TheirProtocolError:
        return
    again = read_metadata(write_metadata(found))
    assert [entry.unique_id for entry in again.entries] == [entry.unique_id for entry in found.entries]
    assert [entry.patient for entry in again.entries] == [entry.patient for entry in found.entries]
    assert len(again.associations) == len(found.associations)


def mended(data: bytes) -> bytes:
    """Give the stored entries of a file the checksum that they should have: mutations must get past it."""
    out = bytearray(data)
    place = data.find(b"PK\x01\x02")
    while 0 <= place <= len(data) - 46:
        header = int.from_bytes(data[place + 42 : place + 46], "little")
        packed = int.from_bytes(data[place + 20 : place + 24], "little")
        if header + 30 <= len(data):
            start = header + 30 + data[header + 26] + data[header + 28]
            sum_ = zlib.crc32(data[start : start + packed]).to_bytes(4, "little")
            out[place + 16 : place + 20] = out[header + 14 : header + 18] = sum_
        place = data.find(b"PK\x01\x02", place + 4)
    return bytes(out[: len(data)])


def one_input(data: bytes) -> None:
    archive(data)
    archive(mended(data))
    metadata(data)

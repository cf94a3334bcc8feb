"""Zip files made byte by byte, so that they can lie where no library would."""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

METADATA = "IHE_XDM/SUBSET01/METADATA.XML"
DOCUMENT = "IHE_XDM/SUBSET01/DOC0001.XML"


@dataclass
class Raw:
    """An entry; what is None is told as it is.

    `local` changes fields of the local header only.
    """

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    crc: int | None = None
    packed: int | None = None
    size: int | None = None
    offset: int | None = None
    attributes: int = 0
    system: int = 3
    extra: bytes = b""
    local_extra: bytes = b""
    disk: int = 0
    body: bytes | None = None
    descriptor: bool = False
    local: dict[str, Any] | None = None

    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        if self.method != 8:
            return self.data
        return packed(self.data)


@cache
def packed(data: bytes) -> bytes:
    machine = zlib.compressobj(1, zlib.DEFLATED, -15)
    return machine.compress(data) + machine.flush()


def numbers(raw: Raw) -> tuple[int, int, int]:
    body = raw.content()
    crc = zlib.crc32(raw.data) if raw.crc is None else raw.crc
    return crc, len(body) if raw.packed is None else raw.packed, len(raw.data) if raw.size is None else raw.size


def local_part(raw: Raw) -> bytes:
    told = replace(raw, **(raw.local or {}))
    crc, packed, size = (0, 0, 0) if raw.descriptor else numbers(told)
    flags = told.flags | (8 if raw.descriptor else 0)
    head = struct.pack(
        "<4s5H3I2H",
        b"PK\x03\x04",
        20,
        flags,
        told.method,
        0,
        33,
        crc,
        packed,
        size,
        len(told.name),
        len(raw.local_extra),
    )
    tail = struct.pack("<4s3I", b"PK\x07\x08", *numbers(raw)) if raw.descriptor else b""
    return head + told.name + raw.local_extra + raw.content() + tail


def central_part(raw: Raw, offset: int) -> bytes:
    crc, packed, size = numbers(raw)
    flags = raw.flags | (8 if raw.descriptor else 0)
    head = struct.pack(
        "<4s2B5H3I5H2I", b"PK\x01\x02", 20, raw.system, 20, flags, raw.method, 0, 33, crc, packed, size,
        len(raw.name), len(raw.extra), 0, raw.disk, 0, raw.attributes, offset if raw.offset is None else raw.offset,
    )  # fmt: skip
    return head + raw.name + raw.extra


def end_part(count: int, size: int, offset: int, comment: bytes = b"", disk: int = 0) -> bytes:
    return struct.pack("<4s4H2IH", b"PK\x05\x06", disk, disk, count, count, size, offset, len(comment)) + comment


def forged(*entries: Raw, before: bytes = b"", after: bytes = b"", comment: bytes = b"", **end: int) -> bytes:
    """Return a zip file of these entries; `end` changes count, size, offset or disk in its last record."""
    body = b""
    offsets = []
    for raw in entries:
        offsets.append(len(body))
        body += local_part(raw)
    table = b"".join(central_part(raw, offset) for raw, offset in zip(entries, offsets, strict=True))
    told = {"count": len(entries), "size": len(table), "offset": len(body)} | end
    return before + body + table + end_part(comment=comment, **told) + after


def wide_forged(*entries: Raw, **lies: int) -> bytes:
    """Return the same with a zip64 end; `lies` changes count, size, offset or length in it."""
    body = b""
    offsets = []
    for raw in entries:
        offsets.append(len(body))
        body += local_part(raw)
    table = b"".join(central_part(raw, offset) for raw, offset in zip(entries, offsets, strict=True))
    told = {"count": len(entries), "size": len(table), "offset": len(body), "length": 44} | lies
    record = struct.pack(
        "<4sQ2H2I4Q",
        b"PK\x06\x06",
        told["length"],
        45,
        45,
        0,
        0,
        told["count"],
        told["count"],
        told["size"],
        told["offset"],
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body) + len(table), 1)
    return body + table + record + locator + end_part(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def good(*more: Raw) -> tuple[Raw, ...]:
    """Return the entries of a small archive, and others."""
    return (Raw(METADATA.encode(), b"<m/>"), Raw(DOCUMENT.encode(), b"<d/>"), *more)


def by_library(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file as the standard library writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()

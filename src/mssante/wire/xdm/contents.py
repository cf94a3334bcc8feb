"""Bring together the files of an archive and what METADATA.XML says of them, for whoever judges or files them.

Source: clients.md 5.5.
"""

import hashlib
from dataclasses import dataclass

from mssante.model.document import Finding
from mssante.model.xds import DocumentEntry, Metadata
from mssante.wire.xdm.archive import Archive, File, Subset
from mssante.wire.xdm.metadata import LIMITS, MetadataLimits, read_metadata


@dataclass(frozen=True, slots=True)
class Held:
    """A document: its metadata, its file, or both.

    Attributes:
        where: path in the archive, the URI when there is no file.
        entry: None for a file that METADATA.XML does not name.
        file: None when METADATA.XML names a file that is not there.
        sha1: of the file, hexadecimal digits; "" without a file.
    """

    where: str
    entry: DocumentEntry | None
    file: File | None
    sha1: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """All documents of an archive, in the order of its subsets, entries first; `metadata` one for each subset."""

    documents: tuple[Held, ...]
    metadata: tuple[Metadata, ...]
    findings: tuple[Finding, ...]


def read_contents(archive: Archive, limits: MetadataLimits = LIMITS) -> Contents:
    """Return the documents of an archive.

    Raises:
        TheirProtocolError: a METADATA.XML cannot be read.

    Source: clients.md 5.5.
    """
    documents: list[Held] = []
    metadata = tuple(read_metadata(subset.metadata.data, limits) for subset in archive.subsets)
    for subset, said in zip(archive.subsets, metadata, strict=True):
        documents.extend(_held(subset, said))
    findings = tuple(finding for said in metadata for finding in said.findings)
    return Contents(tuple(documents), metadata, (*archive.findings, *findings))


def _held(subset: Subset, said: Metadata) -> list[Held]:
    found: list[Held] = []
    for entry in said.entries:
        file = subset.file(entry.uri)
        found.append(Held(file.path if file else f"{subset.folder}/{entry.uri}", entry, file, _sha1(file)))
    named = {held.file.path for held in found if held.file}
    found.extend(
        Held(file.path, None, file, _sha1(file))
        for file in subset.files
        if file.path not in named and not file.is_accessory
    )
    return found


def _sha1(file: File | None) -> str:
    return "" if file is None else hashlib.sha1(file.data, usedforsecurity=False).hexdigest()

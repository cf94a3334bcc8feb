"""Open an IHE_XDM.zip: its files in memory, sorted into subsets with their METADATA.XML. Never writes to disk.

Not for what METADATA.XML says (see `mssante.wire.xdm.metadata`), nor for judging it (see `mssante.rules.documents`).

Source: clients.md 5.5; IHE ITI TF-2 section 3.32 (general knowledge of it); reliability.md C05, C06.
"""

import posixpath
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from mssante.model.document import Finding, Severity
from mssante.model.errors import TheirProtocolError
from mssante.wire.xdm.directory import Directory, read_directory
from mssante.wire.xdm.expand import ArchiveLimits, check_claims, expand
from mssante.wire.xdm.names import folded

ROOT: Final = "IHE_XDM"
METADATA: Final = "METADATA.XML"
LIMITS: Final = ArchiveLimits()

_ACCESSORIES: Final = (".xsl", ".xslt", ".css", ".htm", ".html", ".txt", ".png", ".gif", ".jpg", ".svg", ".ico")


@dataclass(frozen=True, slots=True)
class File:
    """A file of an archive; `path` as the archive writes it."""

    path: str
    data: bytes

    @property
    def is_accessory(self) -> bool:
        """Tell whether it helps to show documents, by its name: a style sheet, a page, an image, a text."""
        return self.path.lower().endswith(_ACCESSORIES)


@dataclass(frozen=True, slots=True)
class Subset:
    """One folder of IHE_XDM: its METADATA.XML, and the other files in it and below.

    Attributes:
        folder: path in the archive, without a last "/".
    """

    folder: str
    metadata: File
    files: tuple[File, ...]

    def file(self, uri: str) -> File | None:
        """Return the file that a URI of METADATA.XML names, whatever the case; None outside the folder or missing."""
        inner = posixpath.normpath(unquote(uri.strip()))
        if not uri.strip() or inner.startswith(("/", "..")):
            return None
        wanted = folded(f"{self.folder}/{inner}")
        return next((file for file in self.files if folded(file.path) == wanted), None)


@dataclass(frozen=True, slots=True)
class Archive:
    """An open archive.

    Attributes:
        subsets: in the order of their folders' names; one or more.
        readme, index: README.TXT and INDEX.HTM at the root, None when missing.
        others: files outside the subsets, those two excepted.
        findings: what is unusual and was tolerated.
    """

    subsets: tuple[Subset, ...]
    readme: File | None = None
    index: File | None = None
    others: tuple[File, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_archive(data: bytes, limits: ArchiveLimits = LIMITS) -> Archive:
    """Return what an XDM archive holds; archives inside it stay closed files.

    Raises:
        TheirProtocolError: not a zip file, one that is damaged, hostile or too big, or not an XDM archive; the text is
            French, names the entry and says why.

    Source: clients.md 5.5; reliability.md C05, C06.
    """
    directory = read_directory(data, limits.entries)
    check_claims(directory.entries, limits)
    files = tuple(File(entry.name, expand(data, entry, limits)) for entry in directory.entries if not entry.is_folder)
    return _sorted_out(files, _around(directory))


def _around(directory: Directory) -> tuple[Finding, ...]:
    if not directory.before and not directory.after:
        return ()
    return (
        Finding(
            Severity.WARNING,
            "archive-surrounded",
            "IHE_XDM.zip",
            f"{directory.before + directory.after} octets étrangers entourent l'archive.",
            "Vérifiez auprès de l'expéditeur que son logiciel produit une archive zip ordinaire.",
        ),
    )


def _sorted_out(files: tuple[File, ...], findings: tuple[Finding, ...]) -> Archive:
    heads = sorted((file for file in files if _is_metadata(file.path)), key=lambda file: folded(file.path))
    if not heads:
        msg = (
            f"archive refusée : pas de {ROOT}/SUBSET01/{METADATA} ; ce n'est pas une archive IHE XDM, "
            "ouvrez-la comme une pièce jointe ordinaire"
        )
        raise TheirProtocolError(msg)
    subsets = tuple(_subset(head, files) for head in heads)
    inside = {file.path for subset in subsets for file in (subset.metadata, *subset.files)}
    outside = [file for file in files if file.path not in inside]
    base = posixpath.dirname(posixpath.dirname(subsets[0].folder))
    readme = _named(outside, posixpath.join(base, "README.TXT"))
    index = _named(outside, posixpath.join(base, "INDEX.HTM"))
    others = tuple(file for file in outside if file not in {readme, index})
    return Archive(subsets, readme, index, others, (*findings, *_layout(base, readme, index)))


def _is_metadata(path: str) -> bool:
    parts = folded(path).split("/")
    return len(parts) in {3, 4} and parts[-1] == METADATA.lower() and parts[-3] == ROOT.lower()


def _subset(head: File, files: tuple[File, ...]) -> Subset:
    folder = posixpath.dirname(head.path)
    start = folded(folder) + "/"
    return Subset(
        folder, head, tuple(file for file in files if file is not head and folded(file.path).startswith(start))
    )


def _named(files: list[File], path: str) -> File | None:
    return next((file for file in files if folded(file.path) == folded(path)), None)


def _layout(base: str, readme: File | None, index: File | None) -> list[Finding]:
    fix = "L'archive reste utilisable ; signalez-le à l'éditeur du logiciel qui l'a produite."
    found: list[Finding] = []
    if base:
        text = f"Le dossier {ROOT} n'est pas à la racine de l'archive, mais dans « {base} »."
        found.append(Finding(Severity.WARNING, "archive-nested", base, text, fix))
    for name, file in (("README.TXT", readme), ("INDEX.HTM", index)):
        if file is None:
            found.append(Finding(Severity.NOTE, "archive-no-page", name, f"L'archive n'a pas de fichier {name}.", fix))
    return found

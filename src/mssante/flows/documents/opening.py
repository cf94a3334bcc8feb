"""Open what came: an archive with its documents, or a message that carries one, and everything that is wrong with it.

Nothing is written anywhere and nothing raises for what a document holds: what cannot be read is a finding. Only an
archive that is none, or a hostile one, is refused whole.

Source: clients.md 5.1, 5.5, 5.6; reliability.md C05 to C07.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mssante.model.document import DocumentHeader, Finding, Severity
from mssante.model.errors import WireError
from mssante.model.xds import DocumentEntry, Metadata
from mssante.rules.document_message import MessageFacts, check_message
from mssante.rules.documents import DocumentFacts, check_documents
from mssante.rules.ins import check_ins
from mssante.wire.cda.read import CdaDocument, read_document
from mssante.wire.mime.decode import decode_transfer
from mssante.wire.mime.headers import summarize
from mssante.wire.mime.parameters import parameter
from mssante.wire.mime.parts import Part, parse_parts, walk
from mssante.wire.xdm.archive import Archive, read_archive
from mssante.wire.xdm.contents import Held, read_contents

ARCHIVE_NAME = "ihe_xdm.zip"
_CDA_TYPES = frozenset({"text/xml", "application/xml", ""})


@dataclass(frozen=True, slots=True, eq=False)
class OpenedDocument:
    """One document of an archive.

    Attributes:
        where: its path in the archive.
        data: its bytes, b"" when it is missing.
        entry: what METADATA.XML says of it, None when nothing.
        cda: read, None when it is another kind of file or cannot be read.
    """

    where: str
    data: bytes
    entry: DocumentEntry | None
    cda: CdaDocument | None


@dataclass(frozen=True, slots=True, eq=False)
class OpenedArchive:
    """An archive with its documents, and what is wrong with both."""

    archive: Archive
    metadata: tuple[Metadata, ...]
    documents: tuple[OpenedDocument, ...]
    findings: tuple[Finding, ...]

    @property
    def headers(self) -> tuple[DocumentHeader, ...]:
        """Return the header of each CDA document that could be read."""
        return tuple(one.cda.header for one in self.documents if one.cda is not None)

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing keeps a program from filing it."""
        return all(one.severity is not Severity.ERROR for one in self.findings)


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message, decoded."""

    name: str
    media_type: str
    data: bytes


def open_archive(data: bytes, *, allow_test: bool = False, message: MessageFacts | None = None) -> OpenedArchive:
    """Return an archive with its documents and its findings.

    Args:
        allow_test: identities of the national test domain count as qualified.
        message: what the message says that carried it, None when it came alone.

    Raises:
        WireError: it is no XDM archive, or a hostile one; in French.
    """
    archive = read_archive(data)
    contents = read_contents(archive)
    findings = [*contents.findings]
    documents = tuple(_opened(held, findings) for held in contents.documents)
    facts = [_facts(held, one) for held, one in zip(contents.documents, documents, strict=True)]
    findings.extend(check_documents(facts, contents.metadata, allow_test=allow_test))
    if message is not None:
        headers = tuple(one.cda.header for one in documents if one.cda is not None)
        findings.extend(check_message(message, headers, allow_test=allow_test))
    return OpenedArchive(archive, contents.metadata, documents, tuple(findings))


def open_document(data: bytes) -> CdaDocument:
    """Return a CDA document that came alone.

    Raises:
        WireError: it is none, or a hostile one; in French.
    """
    return read_document(data)


def check_alone(header: DocumentHeader, *, allow_test: bool = False) -> tuple[Finding, ...]:
    """Return what is wrong with the header of a document that came alone: the identity of its patient."""
    return check_ins(header.patient, "recordTarget", allow_test=allow_test)


def open_message(data: bytes, *, allow_test: bool = False) -> OpenedArchive | None:
    """Return the archive that a message carries, judged with what the message says; None when it carries none.

    Raises:
        WireError: the archive is none, or a hostile one; in French.
    """
    root = parse_parts(data)
    attached = list(attachments(root, data, only_archives=True))
    if not attached:
        return None
    summary = summarize(data[: root.body])
    pdf_names = tuple(name_of(part) for part in walk(root) if (part.type_, part.subtype) == ("application", "pdf"))
    facts = MessageFacts(
        subject=summary.subject,
        codes=summary.national.get("x-mss-codecda"),
        ins=summary.national.get("x-mss-ins"),
        pdf_names=pdf_names,
    )
    return open_archive(attached[0].data, allow_test=allow_test, message=facts)


def attachments(root: Part, data: bytes, *, only_archives: bool = False) -> Iterator[Attached]:
    """Give the files of a message, decoded; XDM archives only when these are wanted."""
    for part in walk(root):
        name = name_of(part)
        if part.children or not name or (only_archives and name.lower() != ARCHIVE_NAME):
            continue
        decoded = decode_transfer(data[part.body : part.end], part.encoding)
        if decoded is not None:
            yield Attached(name, f"{part.type_}/{part.subtype}", decoded)


def name_of(part: Part) -> str:
    """Return the file name of a part, "" when it has none."""
    return parameter(part.disposition_params, "filename") or parameter(part.params, "name")


def _opened(held: Held, findings: list[Finding]) -> OpenedDocument:
    data = b"" if held.file is None else held.file.data
    cda: CdaDocument | None = None
    if _may_be_cda(held, data):
        try:
            cda = read_document(data)
        except WireError as error:
            findings.append(_unreadable(held.where, str(error)))
    return OpenedDocument(held.where, data, held.entry, cda)


def _may_be_cda(held: Held, data: bytes) -> bool:
    is_said = held.entry is None or held.entry.mime.lower() in _CDA_TYPES
    return is_said and data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _facts(held: Held, one: OpenedDocument) -> DocumentFacts:
    size = None if held.file is None else len(held.file.data)
    return DocumentFacts(one.where, one.entry, size, held.sha1, None if one.cda is None else one.cda.header)


def _unreadable(where: str, text: str) -> Finding:
    fix = "N'intégrez pas ce fichier : demandez à l'expéditeur de le renvoyer."
    return Finding(Severity.ERROR, "unreadable", where, text[:1].upper() + text[1:], fix)


def worst(findings: Sequence[Finding]) -> Severity | None:
    """Return the worst severity among findings, None when there are none."""
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    return next((one for one in order if any(finding.severity is one for finding in findings)), None)

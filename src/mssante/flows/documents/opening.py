"""Open what came: an archive with its documents, or a message that carries one, and everything that is wrong with it.

Nothing is written anywhere and nothing raises for what a document holds: what cannot be read is a finding. Only an
archive that is none, or a hostile one, is refused whole.

Source: clients.md 5.1, 5.5, 5.6; reliability.md C05 to C07.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from mssante.model.document import DocumentHeader, Finding, Severity
from mssante.model.errors import TheirProtocolError, WireError
from mssante.model.xds import DocumentEntry
from mssante.rules.document_message import MessageFacts, check_message
from mssante.rules.documents import DocumentFacts, check_documents
from mssante.wire.cda.read import CdaDocument, read_document
from mssante.wire.mime.decode import decode_transfer
from mssante.wire.mime.headers import summarize
from mssante.wire.mime.parameters import parameter
from mssante.wire.mime.parts import Part, parse_parts, walk
from mssante.wire.xdm.archive import read_archive
from mssante.wire.xdm.build import NAME
from mssante.wire.xdm.contents import Contents, Held, read_contents

ARCHIVE_NAME: Final = NAME.lower()
ARCHIVES_MAX: Final = 5
_CDA_TYPES: Final = frozenset({"text/xml", "application/xml", ""})


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
    """The documents of an archive, or of all archives of a message, and what is wrong with them."""

    documents: tuple[OpenedDocument, ...]
    findings: tuple[Finding, ...]

    @property
    def headers(self) -> tuple[DocumentHeader, ...]:
        """Return the header of each CDA document that could be read."""
        return tuple(one.cda.header for one in self.documents if one.cda is not None)

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing keeps a program from filing it."""
        return worst(self.findings) is not Severity.ERROR


def open_archive(data: bytes, *, allow_test: bool = False) -> OpenedArchive:
    """Return an archive with its documents and its findings.

    Args:
        allow_test: identities of the national test domain count as qualified.

    Raises:
        WireError: it is no XDM archive, or a hostile one; in French.
    """
    return _judged([read_contents(read_archive(data))], None, allow_test=allow_test)


def carries_archive(data: bytes) -> bool:
    """Tell whether a message has an archive, by the name of an attachment however it is written."""
    return bool(_archives(walk(parse_parts(data))))


def open_message(data: bytes, *, allow_test: bool = False) -> OpenedArchive | None:
    """Return what the archives of a message hold, judged together and with what the message says; None without any.

    Raises:
        WireError: an archive is none, cannot be decoded, is a hostile one, or there are too many; in French.
    """
    return open_parts(parse_parts(data), data, allow_test=allow_test)


def open_parts(root: Part, data: bytes, *, allow_test: bool = False) -> OpenedArchive | None:
    """Do as `open_message`, for a message whose parts are known."""
    parts = walk(root)
    archives = _archives(parts)
    if not archives:
        return None
    if len(archives) > ARCHIVES_MAX:
        msg = f"le message porte {len(archives)} archives IHE_XDM.zip ; au plus {ARCHIVES_MAX} sont ouvertes"
        raise TheirProtocolError(msg)
    contents = [read_contents(read_archive(_decoded(part, data))) for part in archives]
    summary = summarize(data[: root.body])
    facts = MessageFacts(
        subject=summary.subject,
        codes=summary.national.get("x-mss-codecda"),
        ins=summary.national.get("x-mss-ins"),
        pdf_names=tuple(_name_of(part) for part in parts if (part.type_, part.subtype) == ("application", "pdf")),
    )
    return _judged(contents, facts, allow_test=allow_test)


def worst(findings: Sequence[Finding]) -> Severity | None:
    """Return the worst severity among findings, None when there are none."""
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    return next((one for one in order if any(finding.severity is one for finding in findings)), None)


def _archives(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if not part.children and _name_of(part).lower() == ARCHIVE_NAME]


def _name_of(part: Part) -> str:
    return parameter(part.disposition_params, "filename") or parameter(part.params, "name")


def _decoded(part: Part, data: bytes) -> bytes:
    decoded = decode_transfer(data[part.body : part.end], part.encoding)
    if decoded is None:
        msg = "l'archive IHE_XDM.zip du message ne peut pas être décodée : demandez à l'expéditeur de la renvoyer"
        raise TheirProtocolError(msg)
    return decoded


def _judged(contents: Sequence[Contents], message: MessageFacts | None, *, allow_test: bool) -> OpenedArchive:
    """Read the documents and judge all of them together: several archives make one message about one patient."""
    findings = [finding for one in contents for finding in one.findings]
    held = [each for one in contents for each in one.documents]
    documents = tuple(_opened(each, findings) for each in held)
    facts = [_facts(each, one) for each, one in zip(held, documents, strict=True)]
    metadata = [each for one in contents for each in one.metadata]
    findings.extend(check_documents(facts, metadata, allow_test=allow_test))
    opened = OpenedArchive(documents, tuple(findings))
    if message is None:
        return opened
    return replace(opened, findings=(*opened.findings, *check_message(message, opened.headers, allow_test=allow_test)))


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

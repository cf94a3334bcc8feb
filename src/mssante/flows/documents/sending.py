"""Put a message with health documents together: archive, PDF copies, subject and national fields, from the documents.

What it makes is then submitted as any message is (see `mssante.flows.submit`): no rule is passed by.

Source: clients.md 5.1 to 5.5; clients.md 5.10; issue 6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.address import Address
from mssante.model.document import DocumentHeader, Severity
from mssante.model.errors import TheirProtocolError
from mssante.rules.document_message import national_fields
from mssante.rules.documents import same_patient
from mssante.rules.ins import check_ins, citizen_address
from mssante.wire.cda.extract import attached_file
from mssante.wire.cda.names import pdf_name, subject_of
from mssante.wire.cda.read import CdaDocument, read_document
from mssante.wire.cda.show import show_html
from mssante.wire.mime.compose import compose
from mssante.wire.xdm.build import NAME, SubmissionIds, build_archive
from mssante.wire.xdm.entry import XdmDocument
from mssante.wire.xdm.pages import Sender

PDF: Final = "application/pdf"
PdfOfPage = Callable[[str], bytes]
"""Makes a PDF/A-1 of an HTML page (see `mssante.links.pdf`)."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What somebody wants to send.

    Attributes:
        sender: mailbox that writes; `label` is shown beside it, "" for none (ECO.2.2.7).
        to: recipients; several are allowed, each about the same patient.
        documents: CDA documents, as bytes.
        text: what the reader sees first; "" takes a sentence of ours.
        reply_to: where humans answer, when an application writes.
        wants_receipt: ask for a disposition notification (RFC 8098).
        closes: end the exchange with a citizen (X-MSS-MES: FIN).
        in_reply_to: identifier of the message that is answered, without brackets, "" for none.
    """

    sender: Address
    to: tuple[Address, ...]
    documents: tuple[bytes, ...]
    label: str = ""
    text: str = ""
    reply_to: Address | None = None
    wants_receipt: bool = False
    closes: bool = False
    in_reply_to: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """What stands in every archive of this operator.

    Attributes:
        application: reference number of the product (X-MSS-NIL); "" leaves the field out.
        source_id: OID of this system.
        who: sender of the archives.
        allow_test: identities of the national test domain count as qualified.
    """

    source_id: str
    who: Sender
    application: str = ""
    allow_test: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """A whole message, ready to be submitted; `headers` of the documents in it."""

    data: bytes
    headers: tuple[DocumentHeader, ...]


def build_xdm(documents: Sequence[bytes], who: Sender, *, now: datetime, source_id: str, reference: str) -> bytes:
    """Return the archive of some CDA documents of one patient.

    Args:
        source_id: OID of this system.
        reference: like no other's.

    Raises:
        WireError: a document cannot be read, they are of several patients, or lack what metadata need; in French.
    """
    read = [XdmDocument(data, read_document(data).header) for data in documents]
    return _archive(read, who, now, source_id, reference)


def compose_parcel(parcel: Parcel, house: House, *, now: datetime, reference: str, make_pdf: PdfOfPage) -> Composed:
    """Return the message: text, IHE_XDM.zip, one PDF for each document, and every national field.

    Args:
        reference: like no other's; names the message and the set of documents.
        make_pdf: for a document that holds no PDF itself.

    Raises:
        WireError: a document cannot be read, they are of several patients, or lack what metadata need; in French.
        LinkError: a PDF cannot be made.
    """
    documents = [read_document(data) for data in parcel.documents]
    headers = tuple(one.header for one in documents)
    _check(parcel, headers, house)
    read = [XdmDocument(data, header) for data, header in zip(parcel.documents, headers, strict=True)]
    archive = _archive(read, house.who, now, house.source_id, reference)
    copies = [(name, PDF, _copy(one, make_pdf)) for name, one in zip(_names(headers), documents, strict=True)]
    data = compose(
        sender=parcel.sender,
        label=parcel.label,
        to=parcel.to,
        subject=subject_of(headers),
        text=parcel.text or _sentence(headers),
        attachments=((NAME, "application/zip", archive), *copies),
        message_id=f"{reference}@{parcel.sender.domain}",
        now=now,
        in_reply_to=parcel.in_reply_to,
        references=(parcel.in_reply_to,) if parcel.in_reply_to else (),
        headers=_fields(parcel, headers, house),
    )
    return Composed(data, headers)


def _archive(documents: Sequence[XdmDocument], who: Sender, now: datetime, source_id: str, reference: str) -> bytes:
    ids = SubmissionIds(_set_id(source_id, reference, now), source_id)
    return build_archive(documents, who, now=now, ids=ids)


def _check(parcel: Parcel, headers: Sequence[DocumentHeader], house: House) -> None:
    """Refuse several patients, an INS that is false, and a citizen's address that is not this patient's."""
    first = headers[0].patient if headers else None
    if first is None:
        msg = "aucun document à envoyer : donnez au moins un fichier CDA"
        raise TheirProtocolError(msg)
    for header in headers[1:]:
        if not same_patient(first, header.patient):
            msg = "les documents concernent plusieurs patients : faites un envoi par patient"
            raise TheirProtocolError(msg)
    wrong = [one for one in check_ins(first, "INS", allow_test=house.allow_test) if one.code == "ins-key"]
    if wrong:
        msg = f"{wrong[0].text} {wrong[0].fix}"
        raise TheirProtocolError(msg)
    for address in parcel.to:
        if not address.is_citizen:
            continue
        theirs = citizen_address(first, allow_test=house.allow_test)
        if not isinstance(theirs, Address):
            why = next((one.text for one in theirs if one.severity is Severity.ERROR), "INS non qualifiée")
            msg = f"{address} : on n'écrit à un patient qu'avec son INS qualifiée ; {why}"
            raise TheirProtocolError(msg)
        if theirs.key != address.key:
            msg = f"{address} n'est pas l'adresse du patient des documents, qui est {theirs} : vérifiez le destinataire"
            raise TheirProtocolError(msg)


def _fields(parcel: Parcel, headers: Sequence[DocumentHeader], house: House) -> dict[str, str]:
    found = national_fields(headers, allow_test=house.allow_test)
    if house.application:
        found["X-MSS-NIL"] = house.application
    if parcel.closes:
        found["X-MSS-MES"] = "FIN"
    if parcel.reply_to is not None:
        found["Reply-To"] = str(parcel.reply_to)
    if parcel.wants_receipt:
        found["Disposition-Notification-To"] = str(parcel.sender)
    return found


def _sentence(headers: Sequence[DocumentHeader]) -> str:
    titles = "\n".join(f"- {header.title or header.code.label or 'document'}" for header in headers)
    return (
        "Bonjour,\n\nVeuillez trouver ci-joint, en PDF et au format structuré (IHE_XDM.zip) :\n"
        f"{titles}\n\nBien cordialement.\n"
    )


def _names(headers: Sequence[DocumentHeader]) -> list[str]:
    """Return the names of the copies, each like no other's."""
    found: list[str] = []
    for header in headers:
        name, number = pdf_name(header), 2
        while name in found:
            name, number = pdf_name(header, file_number=str(number)), number + 1
        found.append(name)
    return found


def _copy(document: CdaDocument, make_pdf: PdfOfPage) -> bytes:
    """Return the PDF that a document holds, else one of its page."""
    held = attached_file(document)
    if held is not None and held[0] == PDF:
        return held[1]
    return make_pdf(show_html(document))


def _set_id(source_id: str, reference: str, now: datetime) -> str:
    """Return an OID of our own below that of this system: the moment, and a number made of the reference."""
    number = int.from_bytes(reference.encode()[-7:], "big")
    return f"{source_id}.{now:%Y%m%d%H%M%S}.{number}"

"""Build an IHE_XDM.zip from documents and their headers; the same values give the same bytes.

Source: clients.md 5.5 (ECO.2.1.1, ECO.2.1.2).
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from mssante.model.document import Actor, Coded, Organization, PersonName
from mssante.model.errors import TheirProtocolError
from mssante.model.xds import APPROVED, HAS_MEMBER, REPLACES, Association, DocumentEntry, Metadata, SubmissionSet
from mssante.wire.xdm.entry import Choices, XdmDocument, author_of, entry_id, entry_of
from mssante.wire.xdm.hl7 import is_oid, write_recipient
from mssante.wire.xdm.pages import Page, Sender, index, readme
from mssante.wire.xdm.write import write_metadata

NAME: Final = "IHE_XDM.zip"
SUBSET: Final = "IHE_XDM/SUBSET01"
DOCUMENTS_MAX: Final = 100
CHOICES: Final = Choices()

_ENDINGS: Final = {"text/xml": "XML", "application/xml": "XML", "application/pdf": "PDF", "image/jpeg": "JPG"}
_SET: Final = "SubmissionSet01"
_FIRST_YEAR: Final = 1980
_STEP_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class SubmissionIds:
    """What names a set of documents in the world.

    Attributes:
        unique_id: OID, new for each archive.
        source_id: OID of the system that makes it.
    """

    unique_id: str
    source_id: str


def build_archive(
    documents: Sequence[XdmDocument],
    sender: Sender,
    *,
    now: datetime,
    ids: SubmissionIds,
    choices: Choices = CHOICES,
    content_type: Coded | None = None,
) -> bytes:
    """Return the archive: README.TXT, INDEX.HTM, IHE_XDM/SUBSET01 with METADATA.XML and the documents.

    Args:
        documents: 1 to `DOCUMENTS_MAX`, all of one patient; bytes are stored as they are.
        now: aware; time of the submission and of the files.
        content_type: kind of care that led to the sending; None takes the kind of establishment of the first document,
            as the agency's own test tool does (to confirm).

    Raises:
        TheirProtocolError: no document, too many, several patients, two documents with one identifier, ids that are no
            OIDs, or a header that lacks what metadata need; French.

    Source: clients.md 5.5 (ECO.2.1.1: one patient).
    """
    metadata = metadata_of(documents, sender, now=now, ids=ids, choices=choices, content_type=content_type)
    pages = [Page(f"{SUBSET}/{entry.uri}", entry) for entry in metadata.entries]
    out = io.BytesIO()
    stamp = now.astimezone(UTC)
    with zipfile.ZipFile(out, "w") as file:
        _add(file, "README.TXT", readme(sender, pages, now), stamp)
        _add(file, "INDEX.HTM", index(sender, pages), stamp)
        _add(file, f"{SUBSET}/METADATA.XML", write_metadata(metadata), stamp)
        for page, document in zip(pages, documents, strict=True):
            _add(file, page.path, document.data, stamp)
    return out.getvalue()


def metadata_of(
    documents: Sequence[XdmDocument],
    sender: Sender,
    *,
    now: datetime,
    ids: SubmissionIds,
    choices: Choices = CHOICES,
    content_type: Coded | None = None,
) -> Metadata:
    """Return what METADATA.XML of such an archive says; see `build_archive`."""
    if not 0 < len(documents) <= DOCUMENTS_MAX:
        _refuse(f"{len(documents)} documents ; il en faut de 1 à {DOCUMENTS_MAX}")
    if not (is_oid(ids.unique_id) and is_oid(ids.source_id)):
        _refuse("l'identifiant du lot et celui du système doivent être des OID ; corrigez la configuration")
    choices = replace(choices, repository_id=choices.repository_id or ids.source_id)
    entries = tuple(
        entry_of(document, _file_name(number, document.media_type), choices)
        for number, document in enumerate(documents, 1)
    )
    patients = {entry.patient_id for entry in entries}
    if len(patients) > 1:
        _refuse("les documents concernent plusieurs patients ; faites un envoi par patient")
    if len({entry.unique_id for entry in entries}) < len(entries):
        _refuse("deux documents ont le même identifiant ; retirez celui qui est en double")
    one = _set(documents, entries, sender, now, ids, content_type)
    return Metadata(entries, (one,), _links(documents, entries))


def _refuse(why: str) -> None:
    msg = f"archive IHE_XDM impossible : {why}"
    raise TheirProtocolError(msg)


def _file_name(number: int, media_type: str) -> str:
    """Return a name of ISO 9660 level 1: eight capitals or digits, a dot, three."""
    return f"DOC{number:04d}.{_ENDINGS.get(media_type, 'BIN')}"


def _set(
    documents: Sequence[XdmDocument],
    entries: tuple[DocumentEntry, ...],
    sender: Sender,
    now: datetime,
    ids: SubmissionIds,
    content_type: Coded | None,
) -> SubmissionSet:
    recipients = [write_recipient(one) for document in documents for one in document.header.recipients]
    return SubmissionSet(
        id=_SET,
        unique_id=ids.unique_id,
        source_id=ids.source_id,
        patient_id=entries[0].patient_id,
        patient=entries[0].patient,
        submission_time=now.astimezone(UTC).strftime("%Y%m%d%H%M%S"),
        content_type=content_type or entries[0].facility,
        authors=(author_of(_actor(sender)),),
        recipients=tuple(dict.fromkeys(text for text in recipients if text)),
        title=entries[0].title if len(entries) == 1 else f"{len(entries)} documents",
        status=APPROVED,
    )


def _actor(sender: Sender) -> Actor:
    organization = Organization(sender.organization_ids, sender.organization) if sender.organization else None
    name = PersonName(sender.family, sender.given)
    return Actor(sender.ids, name, sender.profession or Coded(""), organization, mail=sender.mail)


def _links(documents: Sequence[XdmDocument], entries: tuple[DocumentEntry, ...]) -> tuple[Association, ...]:
    members = [
        Association(f"HasMember{number:02d}", HAS_MEMBER, _SET, entry.id, "Original")
        for number, entry in enumerate(entries, 1)
    ]
    replacing = [
        Association(f"Replace{number:02d}", REPLACES, entry.id, entry_id(document.header.replaces))
        for number, (document, entry) in enumerate(zip(documents, entries, strict=True), 1)
        if document.header.replaces is not None
    ]
    return (*members, *replacing)


def _add(file: zipfile.ZipFile, path: str, data: bytes, stamp: datetime) -> None:
    # A zip file knows no year before 1980; the system is set so that each machine writes the same bytes.
    when = (max(stamp.year, _FIRST_YEAR), stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second)
    info = zipfile.ZipInfo(path, when)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 0
    info.external_attr = 0x20
    info.file_size = len(data)
    # In pieces: packed at once, a big document would be in memory a third time.
    with file.open(info, "w") as part:
        for start in range(0, len(data), _STEP_BYTES):
            part.write(data[start : start + _STEP_BYTES])

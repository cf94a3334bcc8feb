"""Recognise the health documents of a message that came: what is kept of each, and words for the search.

Never raises: a hostile or broken archive is a message like any other, with a document that says so.

Source: clients.md 5.5, 5.6; issue 6 (index by patient, type, date, author, replacement, duplicate).
"""

from collections.abc import Sequence
from typing import Final

from mssante.flows.documents.opening import open_parts, worst
from mssante.model.document import DocumentHeader, Finding, Identifier, Severity
from mssante.model.errors import WireError
from mssante.model.filed_document import FiledDocument
from mssante.wire.mime.parts import Part

TEXT_MAX_CHARS: Final = 300
DOCUMENTS_MAX: Final = 200


def recognise(root: Part, data: bytes, *, allow_test: bool = False) -> tuple[FiledDocument, ...]:
    """Return what is kept of the documents of a message, none for most messages.

    Args:
        root: the parts of the message.
        data: the whole message.
        allow_test: identities of the national test domains count as qualified.
    """
    try:
        opened = open_parts(root, data, allow_test=allow_test)
    except WireError as error:
        return (FiledDocument("", title=str(error)[:TEXT_MAX_CHARS], worst=Severity.ERROR.value),)
    except Exception as error:  # noqa: BLE001 - one message of somebody's must not end the index of all others
        title = f"Document illisible (erreur du programme : {type(error).__name__})"
        return (FiledDocument("", title=title, worst=Severity.ERROR.value),)
    if opened is None:
        return ()
    places = {one.where for one in opened.documents}
    return tuple(
        _filed(
            one.cda.header, [each for each in opened.findings if each.where == one.where or each.where not in places]
        )
        for one in opened.documents[:DOCUMENTS_MAX]
        if one.cda is not None
    )


def words_of(documents: Sequence[FiledDocument]) -> str:
    """Return what a search of the text should find beside the message's own words."""
    return "\n".join(f"{one.title} {one.label} {one.patient_name} {one.patient} {one.author}" for one in documents)


def _filed(header: DocumentHeader, findings: Sequence[Finding]) -> FiledDocument:
    patient, severity = header.patient, worst(findings)
    author = header.authors[0] if header.authors else None
    name = "" if author is None else f"{author.name.given} {author.name.family}".strip() or author.device
    return FiledDocument(
        document=_text(header.id),
        set_id=_text(header.set_id),
        version=header.version,
        replaces=_text(header.replaces),
        code=header.code.code[:TEXT_MAX_CHARS],
        label=header.code.label[:TEXT_MAX_CHARS],
        title=header.title[:TEXT_MAX_CHARS],
        patient="" if patient.ins is None else patient.ins.extension[:TEXT_MAX_CHARS],
        patient_name=f"{patient.birth_name} {patient.first_given or patient.birth_given}".strip()[:TEXT_MAX_CHARS],
        birth=patient.birth_text[:TEXT_MAX_CHARS],
        created=header.created_at[:TEXT_MAX_CHARS],
        author=name[:TEXT_MAX_CHARS],
        worst="" if severity is None else severity.value,
    )


def _text(identifier: Identifier | None) -> str:
    if identifier is None:
        return ""
    whole = f"{identifier.root}^{identifier.extension}" if identifier.extension else identifier.root
    return whole[:TEXT_MAX_CHARS]

"""Do METADATA.XML, the documents and their headers say the same? Facts in, findings with place and fix out.

Not for the message that carries them (see `mssante.rules.document_message`).

Source: clients.md 5.5 (receiver verifies size and SHA-1; one patient), 5.6 (INT.18); issue 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mssante.model.document import DocumentHeader, Finding, Identifier, Patient, Severity
from mssante.model.folding import fold
from mssante.model.hl7_time import utc_time
from mssante.model.xds import DocumentEntry, Metadata
from mssante.rules.ins import check_ins

SEVERAL_PATIENTS: Final = "several-patients"
_RESEND: Final = "N'intégrez pas ce document : demandez à l'expéditeur de le renvoyer."
_BY_HAND: Final = "Vérifiez l'identité du patient avec l'expéditeur avant de classer le document."
_EDITOR: Final = "Signalez-le à l'expéditeur : son logiciel décrit mal le document."


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What is known of one document of an archive.

    Attributes:
        where: its path in the archive.
        entry: what METADATA.XML says; None when it does not name the file.
        size, sha1: of the bytes that are there; None and "" when the file is missing.
        header: of the CDA document; None when it is another kind of file, or could not be read.
    """

    where: str
    entry: DocumentEntry | None
    size: int | None = None
    sha1: str = ""
    header: DocumentHeader | None = None


def check_documents(
    documents: Sequence[DocumentFacts], metadata: Sequence[Metadata] = (), *, allow_test: bool = False
) -> tuple[Finding, ...]:
    """Return what does not agree, documents in their order, then what concerns all of them.

    Args:
        metadata: each METADATA.XML: its sets name a patient, its links what is replaced.
        allow_test: identities of the national test domain count as qualified.

    Source: clients.md 5.1 (one patient), 5.5, 5.6.
    """
    found: list[Finding] = []
    for document in documents:
        found.extend(_check_file(document))
        if document.header is not None:
            found.extend(check_ins(document.header.patient, document.where, allow_test=allow_test))
            if document.entry is not None:
                found.extend(_check_entry(document.where, document.entry, document.header))
                found.extend(_check_replacement(document.where, document.entry, document.header, metadata))
    found.extend(_check_one_patient(documents, metadata))
    return tuple(found)


def _error(code: str, where: str, text: str, fix: str) -> Finding:
    return Finding(Severity.ERROR, code, where, text, fix)


def _warning(code: str, where: str, text: str, fix: str = _EDITOR) -> Finding:
    return Finding(Severity.WARNING, code, where, text, fix)


def _check_file(document: DocumentFacts) -> list[Finding]:
    entry = document.entry
    if entry is None:
        text = "Ce fichier est dans l'archive, mais METADATA.XML ne le décrit pas."
        return [_warning("file-unlisted", document.where, text)]
    if document.size is None:
        text = "METADATA.XML décrit ce fichier, mais il n'est pas dans l'archive."
        return [_error("file-missing", document.where, text, _RESEND)]
    found: list[Finding] = []
    if entry.hash and entry.hash.lower() != document.sha1:
        text = "L'empreinte SHA-1 du fichier n'est pas celle de METADATA.XML : il a été modifié ou abîmé."
        found.append(_error("hash-differs", document.where, text, _RESEND))
    if entry.size is not None and entry.size != document.size:
        text = f"Le fichier a {document.size} octets ; METADATA.XML en annonce {entry.size}."
        found.append(_error("size-differs", document.where, text, _RESEND))
    return found


def _check_entry(where: str, entry: DocumentEntry, header: DocumentHeader) -> list[Finding]:
    found = _check_patient(where, entry, header.patient)
    if entry.unique_id and _id_text(header.id) != entry.unique_id:
        text = "L'identifiant du document n'est pas celui de METADATA.XML."
        found.append(_error("unique-id-differs", where, text, _RESEND))
    if entry.type_code.code and header.code.code and header.code.code != entry.type_code.code:
        text = (
            f"METADATA.XML annonce le type {entry.type_code.code} {entry.type_code.label} ; le document est de "
            f"type {header.code.code} {header.code.label}."
        )
        found.append(_error("type-differs", where, " ".join(text.split()), _EDITOR))
    if entry.version and header.version and entry.version != str(header.version):
        text = f"METADATA.XML annonce la version {entry.version} ; le document est en version {header.version}."
        found.append(_warning("version-differs", where, text))
    levels = {code.code for code in entry.confidentiality}
    if header.confidentiality.code and levels and header.confidentiality.code not in levels:
        text = "Le niveau de confidentialité du document n'est pas celui de METADATA.XML."
        found.append(_warning("confidentiality-differs", where, text))
    if entry.title and header.title and fold(entry.title) != fold(header.title):
        text = f"Le titre du document est « {header.title.strip()} » ; METADATA.XML dit « {entry.title} »."
        found.append(Finding(Severity.NOTE, "title-differs", where, text, _EDITOR))
    created = utc_time(header.created_at)
    known = min(len(created), len(entry.creation_time), 12)
    if known and entry.creation_time[:known] != created[:known]:
        text = "La date de création du document n'est pas celle de METADATA.XML."
        found.append(Finding(Severity.NOTE, "date-differs", where, text, _EDITOR))
    return found


def _id_text(identifier: Identifier) -> str:
    return f"{identifier.root}^{identifier.extension}" if identifier.extension else identifier.root


def _check_patient(where: str, entry: DocumentEntry, patient: Patient) -> list[Finding]:
    if entry.patient is None:
        return []
    known = [one for one in (patient.ins, *patient.local_ids) if one is not None]
    if not any(_same_id(entry.patient, one) for one in known):
        text = "Le patient de METADATA.XML (patientId) n'est pas celui du document."
        return [_error("patient-differs", where, text, _BY_HAND)]
    found: list[Finding] = []
    if patient.ins is not None and not _same_id(entry.patient, patient.ins):
        text = "METADATA.XML identifie le patient par un numéro local, alors que le document porte son INS."
        found.append(_warning("patient-id-local", where, text))
    for trait in _traits_at_odds(entry, patient):
        text = f"METADATA.XML (sourcePatientInfo) et le document ne disent pas le même {trait}."
        found.append(_warning("patient-traits-differ", where, text, _BY_HAND))
    return found


def _same_id(one: Identifier, other: Identifier) -> bool:
    return one.root == other.root and one.extension.upper() == other.extension.upper()


def _traits_at_odds(entry: DocumentEntry, patient: Patient) -> list[str]:
    names = [value.split("^")[0] for name, value in entry.source_patient_info if name == "PID-5"]
    born = [value[:8] for name, value in entry.source_patient_info if name == "PID-7"]
    sexes = [value[:1] for name, value in entry.source_patient_info if name == "PID-8"]
    known = {fold(name) for name in (patient.birth_name, patient.used_name) if name}
    found: list[str] = []
    if known and names and not known & {fold(name) for name in names}:
        found.append("nom")
    if patient.birth_date and born and patient.birth_date.strftime("%Y%m%d") not in born:
        found.append("jour de naissance")
    if patient.sex and sexes and patient.sex.value not in sexes:
        found.append("sexe")
    return found


def _check_replacement(
    where: str, entry: DocumentEntry, header: DocumentHeader, metadata: Sequence[Metadata]
) -> list[Finding]:
    links = any(said.replaced_by(entry.id) for said in metadata if entry in said.entries)
    if header.replaces is not None and not links:
        text = "Le document en remplace un autre, mais METADATA.XML ne le dit pas (lien RPLC)."
        fix = "Annulez vous-même la version précédente, s'il y en a une dans le dossier du patient."
        return [_warning("replacement-unsaid", where, text, fix)]
    if header.replaces is None and links:
        text = "METADATA.XML annonce un remplacement que le document ne dit pas."
        return [_warning("replacement-only-said", where, text, _BY_HAND)]
    return []


def same_patient(one: Patient, other: Patient) -> bool:
    """Tell whether two headers name one patient: by INS, else by a number they share, else by all traits.

    Source: clients.md 5.1; decision of ours for patients without an INS.
    """
    if one.ins is not None and other.ins is not None:
        return _same_id(one.ins, other.ins)
    if any(_same_id(mine, his) for mine in one.local_ids for his in other.local_ids):
        return True
    return _traits(one) == _traits(other)


def _traits(patient: Patient) -> tuple[object, ...]:
    return fold(patient.birth_name), fold(patient.first_given), patient.birth_date, patient.sex


def _check_one_patient(documents: Sequence[DocumentFacts], metadata: Sequence[Metadata]) -> list[Finding]:
    fix = "N'intégrez rien automatiquement : un envoi concerne un seul patient ; demandez des envois séparés."
    found: list[Finding] = []
    named = [one.patient for file in metadata for one in file.entries]
    named.extend(one.patient for file in metadata for one in file.sets)
    said = {(one.root, one.extension.upper()) for one in named if one is not None}
    if len(said) > 1:
        text = "METADATA.XML nomme plusieurs patients (patientId)."
        found.append(_error(SEVERAL_PATIENTS, "METADATA.XML", text, fix))
    read = [(facts.where, facts.header.patient) for facts in documents if facts.header is not None]
    for (_, before), (where, patient) in pairwise(read):
        if not same_patient(before, patient):
            text = "Ce document concerne un autre patient que le précédent."
            found.append(_error(SEVERAL_PATIENTS, where, text, fix))
        elif _traits(before) != _traits(patient):
            text = "Ce document ne donne pas les mêmes traits d'identité que le précédent, pour le même patient."
            found.append(_warning("patient-traits-differ", where, text, _BY_HAND))
    return found

"""Write a CDA R2 document of level 1: the national header, and a PDF as its body.

Nothing is guessed: what the national header wants and is not given is named in the error. Not for deciding
whether the INS is qualified (see `mssante.rules.documents`), only for parts of an identity that must stand together.

Source: HL7 CDA R2; CI-SIS (header of documents, unstructured document: IHE XDS-SD); clients.md 5.6.
"""

import base64
import re
from datetime import date
from typing import Final

from lxml import etree

from mssante.model.document import INS_OIDS, Actor, Coded, DocumentHeader, Identifier, Patient
from mssante.model.errors import WireError
from mssante.wire.cda import write_parts as parts
from mssante.wire.cda.hl7 import NAMESPACE
from mssante.wire.cda.read import DOCUMENT_MAX_BYTES

LEVEL1_TEMPLATES: Final = (
    Identifier("2.16.840.1.113883.2.8.2.1"),  # HL7 France
    Identifier("1.2.250.1.213.1.1.1.1"),  # CI-SIS
    Identifier("1.3.6.1.4.1.19376.1.2.20"),  # IHE XDS-SD
)
PDF_MAX_BYTES: Final = 3 * (DOCUMENT_MAX_BYTES - 1_000_000) // 4

_TIME: Final = re.compile(r"\d{8}(\d{4}(\d{2})?[+-]\d{4})?", re.ASCII)
_VERSION_MAX: Final = 1_000_000


class IncompleteHeaderError(WireError):
    """A header that the national rules do not allow to be written.

    Attributes:
        missing: in French, all that is missing or wrong.
    """

    def __init__(self, missing: tuple[str, ...]) -> None:
        """Say it, with the fix."""
        self.missing = missing
        super().__init__(f"le document CDA ne peut pas être écrit, complétez-le : {', '.join(missing)}")


def write_level1(header: DocumentHeader, pdf: bytes) -> bytes:
    """Return a document whose body is a PDF; its header is the same when it is read again.

    The conformance declarations of level 1 are added when they are not in `header.templates`; what a header says of
    its body is not taken from it.

    Raises:
        IncompleteHeaderError: the identity, the author or another part that must be there is not whole.
        WireError: not a PDF, too long, or a text that XML cannot hold.
    """
    if lacks := missing_parts(header):
        raise IncompleteHeaderError(lacks)
    if not pdf.startswith(b"%PDF-"):
        msg = "le fichier à joindre n'est pas un PDF (il ne commence pas par %PDF-)"
        raise WireError(msg)
    if len(pdf) > PDF_MAX_BYTES:
        msg = f"le PDF a {len(pdf)} octets, plus que {PDF_MAX_BYTES}"
        raise WireError(msg)
    root = etree.fromstring(f'<ClinicalDocument xmlns="{NAMESPACE}"/>')
    _write_what(root, header)
    parts.record_target(root, header.patient)
    for author in header.authors:
        parts.author(root, author)
    if header.custodian:
        parts.custodian(root, header.custodian)
    for recipient in header.recipients:
        parts.recipient(root, recipient)
    if header.legal_authenticator:
        parts.legal_authenticator(root, header.legal_authenticator)
    for order in header.order_ids:
        parts.order(root, order)
    for number, act in enumerate(header.acts):
        parts.act(root, act, header.setting if number == 0 else Coded(""))
    if header.replaces:
        parts.replaced(root, header.replaces)
    parts.encounter(root, header)
    text = parts.child(root, "component/nonXMLBody/text", mediaType="application/pdf", representation="B64")
    text.text = base64.b64encode(pdf).decode("ascii")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def missing_parts(header: DocumentHeader) -> tuple[str, ...]:
    """Return in French what must be given before the document can be written; empty when nothing is missing.

    Source: CI-SIS (header of documents); clients.md 5.4; clients.md 6.2 (INS/va1.53).
    """
    act = header.acts[0] if header.acts else None
    found = [
        text
        for text, there in (
            ("l'identifiant du document", header.id.root),
            ("le type du document (code et libellé)", header.code.code and header.code.system and header.code.label),
            ("le titre", header.title),
            ("la date de création avec son fuseau", _is_moment(header.created_at)),
            ("la confidentialité", header.confidentiality.code),
            ("l'identifiant commun aux versions", header.set_id and header.set_id.root),
            ("le numéro de version (1 ou plus)", 0 < header.version <= _VERSION_MAX),
            ("un auteur", header.authors),
            ("l'établissement qui conserve le document", header.custodian and header.custodian.name),
            ("l'identifiant de l'établissement qui conserve le document", header.custodian and header.custodian.ids),
            ("le responsable du document", header.legal_authenticator),
            ("l'acte documenté et sa date", act and _TIME.fullmatch(act.start)),
            ("l'exécutant de l'acte", act and act.performer),
            ("le cadre d'exercice", header.setting.code),
            ("le secteur d'activité", header.facility.code),
        )
        if not there
    ]
    found += _missing_of_patient(header.patient)
    for who, actor in (("l'auteur", a) for a in header.authors):
        found += _missing_of_actor(who, actor)
    if header.legal_authenticator:
        found += _missing_of_actor("le responsable", header.legal_authenticator)
    return tuple(found)


def _is_moment(text: str) -> bool:
    return len(text) > 8 and _TIME.fullmatch(text) is not None


def _missing_of_patient(patient: Patient) -> list[str]:
    """Return what an identity lacks: a matricule never goes without its five traits, nor traits without an identifier.

    Source: clients.md 5.4 (qualified INS: matricule, OID and traits).
    """
    ins = patient.ins
    needs = [
        ("le nom de naissance du patient", patient.birth_name),
        ("le premier prénom de naissance du patient", patient.first_given),
        ("la date de naissance du patient", isinstance(patient.birth_date, date)),
        ("le sexe du patient", patient.sex),
        ("un identifiant du patient (INS ou numéro local)", ins or patient.local_ids),
    ]
    if ins:
        needs += [
            ("le matricule INS du patient", ins.extension),
            ("l'OID de l'INS du patient", ins.root in INS_OIDS),
            ("la liste des prénoms de naissance du patient", patient.birth_given),
            ("le code INSEE du lieu de naissance du patient", patient.birth_place),
        ]
    return [text for text, there in needs if not there]


def _missing_of_actor(who: str, actor: Actor) -> list[str]:
    needs = (
        (f"l'identifiant de {who}".replace("de le ", "du "), actor.ids),
        (f"le nom de {who}".replace("de le ", "du "), actor.name.family or actor.device),
        (f"la date de {who}".replace("de le ", "du "), _TIME.fullmatch(actor.at)),
    )
    return [text for text, there in needs if not there]


def _write_what(root: etree._Element, header: DocumentHeader) -> None:
    """Write what the document is: identifier, type, title, times, confidentiality, versions."""
    parts.child(root, "realmCode", code="FR")
    parts.child(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for template in dict.fromkeys((*LEVEL1_TEMPLATES, *header.templates)):
        parts.identifier(root, "templateId", template)
    parts.identifier(root, "id", header.id)
    parts.coded(root, "code", header.code)
    parts.text(root, "title", header.title)
    parts.child(root, "effectiveTime", value=header.created_at)
    parts.coded(root, "confidentialityCode", header.confidentiality)
    parts.child(root, "languageCode", code=header.language or "fr-FR")
    if header.set_id:
        parts.identifier(root, "setId", header.set_id)
    parts.child(root, "versionNumber", value=str(header.version))

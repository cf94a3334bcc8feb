"""The national examples, the schema of the shared folder, and a header that is whole, for tests of documents."""

import functools
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from mssante.model.document import (
    INS_TEST,
    LOINC,
    Act,
    Actor,
    Coded,
    DocumentHeader,
    Identifier,
    Organization,
    Patient,
    PersonName,
    Sex,
)
from mssante.wire.cda.write import LEVEL1_TEMPLATES

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
EXAMPLES = sorted((DATA / "cda").glob("*.xml"))
HL7 = "urn:hl7-org:v3"
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def example(name: str) -> bytes:
    """Return the bytes of the example whose name begins so, or skip."""
    found = [path for path in EXAMPLES if path.name.startswith(name)]
    if not found:
        pytest.skip(f"reference data not there: {DATA / 'cda'} (they are not part of the repository)")
    return found[0].read_bytes()


@functools.cache
def schema() -> etree.XMLSchema:
    """Return the national CDA schema, or skip; it is read once."""
    path = DATA / "xsd" / "cda" / "CDA_extended.xsd"
    if not path.is_file():
        pytest.skip(f"reference data not there: {path} (they are not part of the repository)")
    return etree.XMLSchema(etree.parse(str(path), etree.XMLParser(no_network=True)))


def schema_errors(data: bytes) -> list[str]:
    """Return what the schema says against a document."""
    found = schema()
    tree = etree.fromstring(data, etree.XMLParser(huge_tree=True, no_network=True, resolve_entities=False))
    found.validate(tree)
    return [f"{error.line}: {error.message}" for error in found.error_log]


def narrated(text: str, *, entries: str = "", title: str = "Partie", header: str = "") -> bytes:
    """Return a document of level 3 with one section: the XML of its narrative, and of its entries."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="{HL7}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2.3" extension="4"/><code code="11502-2" codeSystem="{LOINC}" displayName="CR d'examens biologiques"/>
<title>Compte rendu</title><effectiveTime value="20260102"/>{header}
<recordTarget><patientRole><id root="{INS_TEST}" extension="279035121518989"/><patient><name>
<family qualifier="BR">PAT-TROIS</family><given qualifier="BR">DOMINIQUE</given></name></patient></patientRole>
</recordTarget><component><structuredBody><component><section><title>{title}</title><text>{text}</text>{entries}
</section></component></structuredBody></component></ClinicalDocument>""".encode()


def whole_header() -> DocumentHeader:
    """Return a header with all that the national rules want, and more."""
    setting = Coded("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")
    place = Organization(
        (Identifier("1.2.250.1.71.4.2.2", "1120459876"),),
        "Laboratoire des charmes",
        "0174589607",
        "8 Rue Frédéric Bastia, 92100 BOULOGNE-BILLANCOURT",
    )
    doctor = Actor(
        ids=(Identifier("1.2.250.1.71.4.2.1", "801234534765"),),
        name=PersonName("CAMPARINI", "Marcel", "M", "DR"),
        profession=Coded("G15_10/SM03", "1.2.250.1.213.1.1.4.5", "Médecin - Biologie médicale (SM)"),
        organization=place,
        at="20260104160527+0100",
    )
    return DocumentHeader(
        id=Identifier("1.2.250.1.213.1.1.9", "DOC-1"),
        code=Coded("11502-2", LOINC, "CR d'examens biologiques"),
        title="Compte rendu d'examens biologiques",
        created_at="20260104170000+0100",
        patient=Patient(
            ins=Identifier(INS_TEST, "279035121518989"),
            local_ids=(Identifier("1.2.3.4.567.8.9.10", "1234567890121"),),
            birth_name="PAT-TROIS",
            birth_given="DOMINIQUE MARIE-LOUISE",
            first_given="DOMINIQUE",
            used_name="PAT-TROIS",
            used_given="DOMINIQUE",
            birth_date=date(1979, 3, 28),
            birth_text="19790328",
            sex=Sex.FEMALE,
            birth_place="51215",
        ),
        authors=(doctor,),
        custodian=place,
        legal_authenticator=doctor,
        recipients=(
            Actor(
                ids=(Identifier("1.2.250.1.71.4.2.1", "801234567897"),),
                name=PersonName("MEDIONI", "Stéphane", "M", "DR"),
                mail="stephane.medioni@mssante.fr",
            ),
        ),
        templates=LEVEL1_TEMPLATES,
        set_id=Identifier("1.2.250.1.213.1.1.9", "DOC"),
        version=1,
        confidentiality=Coded("N", "2.16.840.1.113883.5.25", "Normal"),
        language="fr-FR",
        acts=(
            Act(
                id=Identifier("1.2.250.1.213.1.1.9", "202111111123"),
                code=Coded("18723-7", LOINC, "Hématologie"),
                start="20260104134700+0100",
                stop="20260104135500+0100",
                performer=replace(doctor, at="", organization=replace(place, activity=setting)),
            ),
        ),
        setting=setting,
        facility=Coded("SA25", "1.2.250.1.71.4.2.4", "Laboratoire de biologie médicale"),
        order_ids=(Identifier("1.2.250.1.213.1.1.9", "ORD-1"),),
        encounter_start="20260104134745+0100",
        has_structured_body=False,
        attached_type="application/pdf",
    )

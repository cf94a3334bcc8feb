"""A header that is whole, documents and archives made of it, and our own short schema of ebRIM."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

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
from mssante.wire.xdm.build import SubmissionIds, build_archive
from mssante.wire.xdm.entry import XdmDocument
from mssante.wire.xdm.pages import Sender

NOW = datetime(2026, 11, 28, 10, 30, 2, tzinfo=UTC)
IDS = SubmissionIds("1.2.250.1.999.1.7.1", "1.2.250.1.999.1")
CLINIC = Organization((Identifier("1.2.250.1.71.4.2.2", "1750803447"),), "Clinique du Belvédère")
DOCTOR = Actor(
    (Identifier("1.2.250.1.71.4.2.1", "801234567897"),),
    PersonName("BIDEAULT", "Jacques"),
    Coded("G15_10/SM32", "1.2.250.1.213.1.1.4.5", "Médecin - Neurologie (SM)"),
    CLINIC,
    mail="jacques.bideault@belvedere.mssante.fr",
)
PATIENT = Patient(
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
)
HEADER = DocumentHeader(
    id=Identifier("1.2.250.1.999.2.1"),
    code=Coded("11488-4", LOINC, "CR ou fiche de consultation ou de visite"),
    title="Compte rendu de consultation",
    created_at="20181201110000+0100",
    patient=PATIENT,
    authors=(DOCTOR,),
    custodian=CLINIC,
    legal_authenticator=DOCTOR,
    recipients=(Actor((), PersonName("MARTIN", "Anne"), mail="anne.martin@cabinet.mssante.fr"),),
    templates=(Identifier("1.2.250.1.213.1.1.1.1"), Identifier("1.2.250.1.213.1.1.1.25", "2022.01")),
    set_id=Identifier("1.2.250.1.999.2"),
    version=1,
    confidentiality=Coded("N", "2.16.840.1.113883.5.25", "Normal"),
    language="fr-FR",
    acts=(Act(None, Coded("51847-2", LOINC, "Consultation"), "20181201101700+0100", "20181201111700+0100"),),
    setting=Coded("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Etablissement de santé"),
    facility=Coded("SA01", "1.2.250.1.71.4.2.4", "Etablissement public de santé"),
    has_structured_body=True,
)
SENDER = Sender(
    family="BIDEAULT",
    given="Jacques",
    ids=DOCTOR.ids,
    profession=DOCTOR.profession,
    organization=CLINIC.name,
    organization_ids=CLINIC.ids,
    address="142 rue Belvédère, 92100 Boulogne-Billancourt",
    phone="01 44 53 45 51",
    mail="jacques.bideault@belvedere.mssante.fr",
    application="Essai",
    application_version="1.0",
    editor="Œuvre de l’éditeur – Łódź",
)


def header(**changes: Any) -> DocumentHeader:  # noqa: ANN401 - any field
    """Return the whole header with some fields changed."""
    return replace(HEADER, **changes)


def document(number: int = 1, data: bytes | None = None, **changes: Any) -> XdmDocument:  # noqa: ANN401 - any field
    """Return a document with its own identifier."""
    data = f"<ClinicalDocument>{number}</ClinicalDocument>".encode() if data is None else data
    return XdmDocument(data, header(id=Identifier(f"1.2.250.1.999.2.{number}"), **changes))


def archive(*documents: XdmDocument) -> bytes:
    """Return an archive of ours."""
    return build_archive(documents or (document(),), SENDER, now=NOW, ids=IDS)


# OURS, from general knowledge of ebRIM 3.0: the official schemas are not among the reference data. It holds the order of
# elements, how often each may come, and the attributes that must be there.
_EBRIM = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
  targetNamespace="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" elementFormDefault="qualified">
<xs:import namespace="http://www.w3.org/XML/1998/namespace"/>
<xs:simpleType name="Text256"><xs:restriction base="xs:string"><xs:maxLength value="256"/></xs:restriction></xs:simpleType>
<xs:simpleType name="Value"><xs:restriction base="xs:string"><xs:maxLength value="256"/><xs:minLength value="1"/></xs:restriction></xs:simpleType>
<xs:complexType name="Slot"><xs:sequence>
  <xs:element name="ValueList"><xs:complexType><xs:sequence>
    <xs:element name="Value" type="Value" minOccurs="1" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
  </xs:sequence><xs:attribute name="name" type="Text256" use="required"/><xs:attribute name="slotType" type="xs:anyURI"/></xs:complexType>
<xs:complexType name="Text"><xs:sequence>
  <xs:element name="LocalizedString" maxOccurs="unbounded"><xs:complexType>
    <xs:attribute name="value" use="required"><xs:simpleType><xs:restriction base="xs:string">
      <xs:minLength value="1"/><xs:maxLength value="1024"/></xs:restriction></xs:simpleType></xs:attribute>
    <xs:attribute name="charset"/><xs:anyAttribute namespace="http://www.w3.org/XML/1998/namespace" processContents="skip"/>
  </xs:complexType></xs:element></xs:sequence></xs:complexType>
<xs:complexType name="Object"><xs:sequence>
  <xs:element name="Slot" type="Slot" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element name="Name" type="Text" minOccurs="0"/>
  <xs:element name="Description" type="Text" minOccurs="0"/>
  <xs:element name="VersionInfo" minOccurs="0"><xs:complexType><xs:attribute name="versionName"/></xs:complexType></xs:element>
  <xs:element name="Classification" type="Classification" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element name="ExternalIdentifier" type="ExternalIdentifier" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence>
  <xs:attribute name="id" type="xs:anyURI" use="required"/><xs:attribute name="objectType" type="xs:anyURI" use="required"/>
  <xs:attribute name="status" type="xs:anyURI"/></xs:complexType>
<xs:complexType name="Classification"><xs:complexContent><xs:extension base="Object">
  <xs:attribute name="classificationScheme" type="xs:anyURI"/><xs:attribute name="classificationNode" type="xs:anyURI"/>
  <xs:attribute name="classifiedObject" type="xs:anyURI" use="required"/><xs:attribute name="nodeRepresentation"/>
  </xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="ExternalIdentifier"><xs:complexContent><xs:extension base="Object">
  <xs:attribute name="registryObject" type="xs:anyURI" use="required"/>
  <xs:attribute name="identificationScheme" type="xs:anyURI" use="required"/>
  <xs:attribute name="value" type="Text256" use="required"/></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="Extrinsic"><xs:complexContent><xs:extension base="Object">
  <xs:attribute name="mimeType" use="required"/></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="Association"><xs:complexContent><xs:extension base="Object">
  <xs:attribute name="associationType" type="xs:anyURI" use="required"/>
  <xs:attribute name="sourceObject" type="xs:anyURI" use="required"/>
  <xs:attribute name="targetObject" type="xs:anyURI" use="required"/></xs:extension></xs:complexContent></xs:complexType>
<xs:element name="RegistryObjectList"><xs:complexType><xs:choice maxOccurs="unbounded">
  <xs:element name="ExtrinsicObject" type="Extrinsic"/><xs:element name="RegistryPackage" type="Object"/>
  <xs:element name="Association" type="Association"/></xs:choice></xs:complexType>
  <xs:unique name="ids"><xs:selector xpath=".//*"/><xs:field xpath="@id"/></xs:unique></xs:element>
</xs:schema>"""
_SCHEMA = etree.XMLSchema(etree.fromstring(_EBRIM))


def ebrim_errors(metadata: bytes) -> list[str]:
    """Return what our schema says against a METADATA.XML."""
    root = etree.fromstring(metadata)
    assert root.tag == "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}SubmitObjectsRequest"
    assert len(root) == 1
    _SCHEMA.validate(etree.ElementTree(root[0]))
    return [f"{error.line}: {error.message}" for error in _SCHEMA.error_log]

"""What the directory shows, against the spec's own words and against an independent reading of FHIR (R4B)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from directory_shelf import HOSPITAL, JEAN
from fhir_shelf import CLINIC, NAMELESS, sample

from mssante.model.directory import Coded, ListedMailbox, Person, Place, Professional, Role, Structure
from mssante.model.mailbox import MailboxType
from mssante.wire.fhir import systems
from mssante.wire.fhir.build import contact_point, organization, practitioner, practitioner_role
from mssante.wire.fhir.bundle import searchset, subsetted
from mssante.wire.fhir.capability import capability
from mssante.wire.fhir.ids import RESOURCE_ID, resource_id
from mssante.wire.fhir.outcome import issue, outcome
from mssante.wire.fhir.patch_build import build_patch
from mssante.wire.fhir.resources import Link, Resource, encode
from mssante.wire.fhir.search import CRITERIA, RESOURCES


def resources() -> list[Resource]:
    found: list[Resource] = []
    for one in sample():
        match one:
            case Person():
                found.append(practitioner(one))
            case Role():
                found.append(practitioner_role(one))
            case Place():
                found.append(organization(one))
    return found


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(encode(value))


def oracle(name: str) -> Any:  # noqa: ANN401 - a model class of a library without types
    pytest.importorskip("fhir.resources", reason="fhir.resources is not installed")
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(name)


def test_every_resource_is_what_the_oracle_reads() -> None:
    for one in resources():
        read = plain(one)
        model = oracle(read["resourceType"]).model_validate(read)
        assert json.loads(model.model_dump_json(exclude_none=True)) == {
            **read,
            **({"meta": model_meta(model)} if "meta" in read else {}),
        }


def model_meta(model: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(model.meta.model_dump_json(exclude_none=True))


def test_bundles_outcomes_and_capabilities_are_what_the_oracle_reads() -> None:
    warned = issue("warning", "not-supported", "Paramètre ignoré : x", message="MSG_BAD_FORMAT", diagnostics="x")
    links = (Link("self", "https://a.test/Practitioner"),)
    bundle = searchset("https://a.test", resources()[:2], resources()[4:], issues=[warned], links=links, total=2)
    told = capability(version="1.0", date="2026-11-30", base_url="https://a.test")
    for one in (bundle, outcome(warned), told):
        read = plain(one)
        oracle(read["resourceType"]).model_validate(read)
    assert plain(bundle)["type"] == "searchset"
    assert [one["search"]["mode"] for one in plain(bundle)["entry"]] == ["match"] * 2 + ["include"] * 3 + ["outcome"]


def test_patches_that_are_sent_are_what_the_oracle_reads() -> None:
    from fhir_shelf import box

    from mssante.model.directory import AddMailbox, ChangeMailbox, Holder, RemoveMailbox

    mailbox = box("a@b.mssante.fr", MailboxType.ORG, responsible="Dr X", service="Urgences", rank=2)
    changes = (
        AddMailbox(mailbox),
        ChangeMailbox("a@b.mssante.fr", True, "", "x", None, 0),
        RemoveMailbox("a@b.mssante.fr"),
    )
    read = plain(build_patch(Holder.PLACE, changes))
    oracle("Parameters").model_validate(read)
    assert len(read["parameter"]) == 6


def test_a_mailbox_is_shown_as_the_profile_demands() -> None:
    shown = plain(contact_point(ListedMailbox("a@b.mssante.fr", MailboxType.APP, description="Robot", rank=2)))
    email, metadata = shown["extension"]
    assert (shown["system"], shown["value"], shown["rank"]) == ("email", "a@b.mssante.fr", 2)
    assert (email["url"], email["valueCoding"]["code"]) == (systems.EMAIL_TYPE, "MSSANTE")
    assert metadata["url"] == systems.METADATA
    assert metadata["extension"] == [
        {"url": "type", "valueCodeableConcept": {"coding": [{"system": systems.BOX_TYPE, "code": "APP"}]}},
        {"url": "description", "valueString": "Robot"},
        {"url": "listeRouge", "valueBoolean": False},
    ]


def test_who_is_responsible_and_telephones_of_mailboxes_are_never_shown() -> None:
    box = ListedMailbox("a@b.mssante.fr", MailboxType.ORG, responsible="Dr Secret", phone="0601020304")
    raw = encode(contact_point(box)) + b"".join(encode(one) for one in resources())
    assert b"Secret" not in raw
    assert b"responsible" not in raw
    assert b"0601020304" not in raw


def test_identifiers_stand_under_their_systems() -> None:
    person = plain(practitioner(Person(JEAN, ())))["identifier"]
    assert [(one["system"], one["value"]) for one in person] == [
        ("urn:oid:1.2.250.1.71.4.2.1", "810001234567"),
        ("https://rpps.esante.gouv.fr", "10001234567"),
    ]
    place = plain(organization(Place(HOSPITAL, ())))["identifier"]
    assert [(one["system"], one["value"]) for one in place] == [
        ("urn:oid:1.2.250.1.71.4.2.2", "1440000289"),
        ("https://finess.esante.gouv.fr", "440000289"),
        ("https://sirene.fr", "26440013600471"),
    ]
    clinic = plain(organization(Place(CLINIC, ())))["identifier"]
    assert [one["system"] for one in clinic] == ["urn:oid:1.2.250.1.71.4.2.2", "https://sirene.fr"]
    rang = plain(organization(Place(Structure("499700123456001", "CABINET"), ())))["identifier"]
    assert [one["system"] for one in rang][1:] == ["https://rppsrang.esante.gouv.fr"]


def test_nothing_empty_and_no_null_is_written() -> None:
    bare = Person(Professional("8x", "", "", ""), ())
    for one in (*resources(), practitioner(bare), organization(Place(Structure("1x", ""), ()))):
        read = plain(one)
        assert_full(read)
    assert plain(practitioner(bare))["id"] == "8x"


def assert_full(value: Any) -> None:  # noqa: ANN401 - JSON
    assert value not in ("", None, [], {})
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        assert_full(one)


@pytest.mark.parametrize(
    ("code", "name"),
    [("SM04", "SpecialiteOrdinale"), ("CEX22", "CompetenceExclusive"), ("C01", "Competence"), ("PAC00", "")],
)
def test_savoir_faire_have_the_system_of_their_letters(code: str, name: str) -> None:
    who = Professional("810001234567", "DR", "X", "Y", specialities=(Coded(code, "Libellé"),))
    coding = plain(practitioner(Person(who, ())))["qualification"][0]["code"]["coding"][0]
    assert coding.get("system", "").rpartition("-")[2] == name


def test_elements_are_kept_with_the_id_and_the_mark_of_what_is_incomplete() -> None:
    shown = plain(subsetted(resources()[0], frozenset({"identifier", "telecom"})))
    assert set(shown) == {"resourceType", "id", "meta", "identifier", "telecom"}
    assert shown["meta"]["tag"] == [{"system": systems.TAGS, "code": "SUBSETTED"}]
    assert subsetted(resources()[0], frozenset()) == resources()[0]
    assert set(plain(subsetted(resources()[5], frozenset({"partOf", "name"})))) == {
        "resourceType",
        "id",
        "meta",
        "name",
    }


def test_an_identifier_is_its_own_id_when_it_may_be_one() -> None:
    assert resource_id("810001234567") == "810001234567"
    made = resource_id(NAMELESS.identifier)
    assert RESOURCE_ID.fullmatch(made)
    assert made == "m-" + made[2:]
    assert len(made) == 34
    assert made == resource_id(NAMELESS.identifier) != resource_id("10autre@domain.mssante.fr")
    for odd in ("", "x" * 65, "a/b", "a\nb", "é", "\ud800"):
        assert RESOURCE_ID.fullmatch(resource_id(odd))


def test_dates_are_instants_in_utc() -> None:
    shown = plain(practitioner(Person(JEAN, (), (), datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC))))
    assert shown["meta"]["lastUpdated"] == "2026-01-02T03:04:05.678+00:00"


def test_the_capabilities_name_every_parameter_that_is_served() -> None:
    told = plain(capability(version="1.0", date="2026-11-30", base_url="https://a.test"))
    assert told["fhirVersion"] == "4.0.1"
    for one in told["rest"][0]["resource"]:
        named = {param["name"] for param in one["searchParam"]}
        assert named == {*CRITERIA[RESOURCES[one["type"]]], "_id", "_lastUpdated"}
        assert [what["code"] for what in one["interaction"]] == ["read", "search-type", "patch"]

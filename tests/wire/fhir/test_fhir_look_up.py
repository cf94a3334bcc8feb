"""What another directory's answers say of addresses: ours read back, the drafts' other ways, and dirty ones."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from directory_shelf import HOSPITAL, JEAN
from fhir_shelf import sample
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import Holder, ListedMailbox, Person, Place, Role
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.wire.fhir import systems
from mssante.wire.fhir.build import organization, practitioner, practitioner_role
from mssante.wire.fhir.bundle import searchset
from mssante.wire.fhir.look_up import ADDRESSES_MAX, look_up_queries, read_page
from mssante.wire.fhir.outcome import issue
from mssante.wire.fhir.resources import Link, Resource, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
AT = "jean.dupont@chu-nantes.mssante.fr"


def bundle(*matches: Resource, included: tuple[Resource, ...] = (), **more: Any) -> bytes:  # noqa: ANN401 - any part
    told = {"issues": (), "links": (), "total": None, **more}
    return encode(searchset("https://annuaire.test/fhir/v2", matches, included, **told))


def holders() -> tuple[list[Person], list[Role], list[Place]]:
    found = sample()
    return (
        [one for one in found if isinstance(one, Person)],
        [one for one in found if isinstance(one, Role)],
        [one for one in found if isinstance(one, Place)],
    )


PEOPLE, ROLES, PLACES = holders()


def role_page(change: Any = lambda _resource: None) -> bytes:  # noqa: ANN401 - what is changed of each resource
    """Return the answer to a search of situations, each resource changed as JSON."""
    included = (practitioner(PEOPLE[0]), organization(PLACES[0]))
    read = json.loads(bundle(practitioner_role(ROLES[0]), included=included))
    for entry in read["entry"]:
        change(entry["resource"])
    return json.dumps(read).encode()


def test_each_resource_is_asked_for_the_addresses_with_what_says_whose_they_are() -> None:
    queries = dict(look_up_queries([r"a,b|c\d@x.mssante.fr", "e@y.mssante.fr"]))
    assert set(queries) == set(Holder)
    for holder, query in queries.items():
        asked = parse_qs(query)
        assert asked["mailbox-mss"] == [r"a\,b\|c\\d@x.mssante.fr,e@y.mssante.fr"]
        assert ("_include" in asked) is (holder is Holder.ROLE)
        assert "telecom" in asked["_elements"][0]
    many = parse_qs(look_up_queries([f"{n}@x.fr" for n in range(50)])[0][1])
    assert many["mailbox-mss"][0].count(",") == ADDRESSES_MAX - 1


def test_what_our_own_door_shows_is_read_back() -> None:
    people = read_page(Holder.PERSON, bundle(*[practitioner(one) for one in PEOPLE]))
    assert [(one.address, one.kind, one.professional, one.structure) for one in people.lines] == [
        ("jean.dupont@medecin.mssante.fr", MailboxType.PER, JEAN.identifier, ""),
        ("cabinet.dupont@medecin.mssante.fr", MailboxType.CAB, JEAN.identifier, ""),
        ("anne.dete@infirmier.mssante.fr", MailboxType.PER, "810007654321", ""),
        ("personne@domain.mssante.fr", MailboxType.PER, "10personne@domain.mssante.fr", ""),
    ]
    places = read_page(Holder.PLACE, bundle(*[organization(one) for one in PLACES]))
    assert places.lines[0] == ListedMailbox(
        "cardiologie@chu-nantes.mssante.fr",
        MailboxType.ORG,
        structure=HOSPITAL.identifier,
        service="Pôle cœur",
        description="Secrétariat de cardiologie",
    )
    (line,) = read_page(Holder.ROLE, role_page()).lines
    assert line == ListedMailbox(
        AT, MailboxType.PER, JEAN.identifier, HOSPITAL.identifier, service="Cardiologie", is_paperless=True, rank=1
    )
    assert people.is_whole
    assert (people.unclear, people.next_query) == (frozenset(), "")


def test_included_people_give_no_lines_of_their_own() -> None:
    assert [one.address for one in read_page(Holder.ROLE, role_page()).lines] == [AT]


def _absolute(resource: dict[str, Any]) -> None:
    for name in ("practitioner", "organization"):
        if name in resource:
            resource[name] = {"reference": f"https://autre.test/fhir/v2/{resource[name]['reference']}/_history/3"}


def _numbers_only(resource: dict[str, Any]) -> None:
    kept = {systems.RPPS, systems.FINESS}
    if resource["resourceType"] != "PractitionerRole":
        resource["identifier"] = [one for one in resource["identifier"] if one["system"] in kept]


def _value_code(resource: dict[str, Any]) -> None:
    for telecom in resource.get("telecom", ()):
        for extension in telecom.get("extension", ()):
            for part in extension.get("extension", ()):
                if part["url"] == "type":
                    part["valueCode"] = part.pop("valueCodeableConcept")["coding"][0]["code"]
            if extension["url"] == systems.EMAIL_TYPE:
                extension["valueCoding"]["unknown"] = ["to", {"us": 1}]


@pytest.mark.parametrize("change", [_absolute, _numbers_only, _value_code])
def test_other_ways_of_saying_it_are_understood(change: Any) -> None:  # noqa: ANN401 - a function
    assert read_page(Holder.ROLE, role_page(change)).lines == read_page(Holder.ROLE, role_page()).lines


def _nobody(resource: dict[str, Any]) -> None:
    resource.pop("practitioner", None)


def _elsewhere(resource: dict[str, Any]) -> None:
    if "organization" in resource:
        resource["organization"] = {"reference": "Organization/unknown"}


def _no_type(resource: dict[str, Any]) -> None:
    for telecom in resource.get("telecom", ()):
        telecom.pop("extension", None)


def _no_number(resource: dict[str, Any]) -> None:
    resource.pop("identifier", None)


@pytest.mark.parametrize("change", [_nobody, _elsewhere, _no_type, _no_number])
def test_an_address_whose_line_is_not_understood_is_unclear_and_not_absent(change: Any) -> None:  # noqa: ANN401
    page = read_page(Holder.ROLE, role_page(change))
    assert (page.lines, page.unclear) == ((), frozenset({AT}))


@pytest.mark.parametrize(
    ("said", "is_whole"),
    [
        (issue("warning", "too-costly", "incomplet"), False),
        (issue("warning", "incomplete", "incomplet"), False),
        (issue("error", "processing", "non"), False),
        (issue("warning", "not-supported", "ignoré"), True),
        (issue("information", "informational", "bonjour"), True),
    ],
)
def test_a_server_that_left_something_out_is_not_whole(said: Any, is_whole: bool) -> None:  # noqa: ANN401 - an issue
    assert read_page(Holder.PERSON, bundle(practitioner(PEOPLE[0]), issues=(said,))).is_whole is is_whole


def test_the_next_page_is_known_by_its_query_alone() -> None:
    link = Link("next", "http://interne:8080/autre/Practitioner?mailbox-mss=a%40b&_page_token=x.y")
    assert read_page(Holder.PERSON, bundle(links=(Link("self", "x"), link))).next_query == (
        "mailbox-mss=a%40b&_page_token=x.y"
    )
    for url in ("https://annuaire.test/fhir", "https://[x?y=1", "https://a?b=c d", "https://a?b=é"):
        with pytest.raises(TheirProtocolError, match="next page"):
            read_page(Holder.PERSON, bundle(links=(Link("next", url),)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"{}",
        b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Bundle","type":"batch-response"}',
        b'{"resourceType":"OperationOutcome","issue":[]}',
        b'{"resourceType":"Bundle","type":"searchset","entry":[{}]}',
        b'{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Practitioner","telecom":7}}]}',
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_what_is_no_bundle_is_said(body: bytes) -> None:
    with pytest.raises(TheirProtocolError, match="no Bundle"):
        read_page(Holder.PERSON, body)


@given(JSON, st.sampled_from(Holder), st.data())
def test_an_answer_of_any_shape_is_read_or_refused(value: Any, holder: Holder, data: st.DataObject) -> None:  # noqa: ANN401 - JSON
    read = json.loads(role_page())
    resource = read["entry"][data.draw(st.integers(0, 2))]["resource"]
    resource[data.draw(st.sampled_from(["telecom", "identifier", "practitioner", "id", "extra"]))] = value
    try:
        page = read_page(holder, json.dumps(read).encode())
    except TheirProtocolError:
        return
    assert len(page.lines) + len(page.unclear) <= 4

"""Patches: every example of the draft, its inconsistencies, what never changes, and each fault by its place."""

import json
from copy import deepcopy
from typing import Any

import pytest
from fhir_shelf import box
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import (
    AddMailbox,
    ChangeMailbox,
    Holder,
    ListedMailbox,
    MailboxChange,
    RemoveMailbox,
    Target,
)
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.wire.fhir import systems
from mssante.wire.fhir.contact import HELD, KINDS
from mssante.wire.fhir.naming import criteria
from mssante.wire.fhir.patch import FixedPartError, Patch, read_patch
from mssante.wire.fhir.patch_build import build_patch
from mssante.wire.fhir.paths import Element
from mssante.wire.fhir.resources import encode
from mssante.wire.fhir.search import NAMES, RESOURCES, read_search

Json = dict[str, Any]
HOME = "a.b@c.mssante.fr"
PER, CAB, ORG, APP = MailboxType.PER, MailboxType.CAB, MailboxType.ORG, MailboxType.APP


def part(name: str, **value: object) -> Json:
    return {"name": name, **value}


def operation(verb: str, path: str, *parts: Json) -> Json:
    return {"name": "operation", "part": [part("type", valueCode=verb), part("path", valueString=path), *parts]}


def body(*operations: Json) -> bytes:
    return json.dumps({"resourceType": "Parameters", "parameter": operations}).encode()


def where(rest: str = "", address: str = HOME, resource: str = "Organization") -> str:
    return f"{resource}.telecom.where(value = '{address}'){rest}"


def extension(name: str) -> str:
    return f".extension('{systems.METADATA}').extension('{name}').value"


def contact(kind: str = "ORG", *, address: str = HOME, system: str = systems.BOX_TYPE, **more: Any) -> Json:  # noqa: ANN401 - JSON
    concept = {"coding": [{"system": system, "code": kind}]}
    metadata = [{"url": "type", "valueCodeableConcept": concept}]
    for name, value in more.items():
        metadata.append({"url": name, "valueBoolean" if isinstance(value, bool) else "valueString": value})
    return {"system": "email", "value": address, "extension": [{"url": systems.METADATA, "extension": metadata}]}


def insert(point: Json, resource: str = "Organization", index: int = 0) -> Json:
    return operation(
        "insert", f"{resource}.telecom", part("index", valueInteger=index), part("value", valueContactPoint=point)
    )


def read(*operations: Json, holder: Holder = Holder.PLACE) -> Patch:
    return read_patch(body(*operations), holder)


def test_every_example_of_the_draft_is_understood_and_can_be_said_again(draft: Any) -> None:  # noqa: ANN401 - YAML
    seen = 0
    for path, operations in draft["paths"].items():
        examples = (
            operations.get("patch", {}).get("requestBody", {}).get("content", {}).get("application/fhir+json", {})
        )
        for name, example in examples.get("examples", {}).items():
            holder = RESOURCES[path.split("/")[1]]
            found = read_patch(json.dumps(example["value"]).encode(), holder)
            [change] = found.changes
            verb = next(word for word in ("replace", "insert", "delete") if name.startswith(word))
            assert {"replace": ChangeMailbox, "insert": AddMailbox, "delete": RemoveMailbox}[verb] is type(change), name
            again = read_patch(encode(build_patch(holder, found.changes)), holder)
            assert merged(again.changes) == merged(found.changes), name
            seen += 1
    assert seen == 40


def merged(changes: tuple[MailboxChange, ...]) -> object:
    """Return the changes with those of one mailbox in one."""
    if not all(isinstance(one, ChangeMailbox) for one in changes):
        return changes
    names = ("address", "is_red", "description", "service", "responsible", "rank")
    return {name: value for one in changes for name in names if (value := getattr(one, name)) is not None}


@pytest.mark.parametrize("system", [systems.BOX_TYPE, systems.MESSAGING])
def test_the_type_is_taken_from_either_system(system: str) -> None:
    [change] = read(insert(contact("APP", system=system))).changes
    assert change == AddMailbox(ListedMailbox(HOME, APP))


@pytest.mark.parametrize("value", [{"valueCode": "ORG"}, {"valueCoding": {"system": systems.BOX_TYPE, "code": "ORG"}}])
def test_the_type_is_taken_as_code_or_coding_too(value: Json) -> None:
    point = contact()
    point["extension"][0]["extension"] = [{"url": "type", **value}]
    [change] = read(insert(point)).changes
    assert change == AddMailbox(ListedMailbox(HOME, ORG))


def test_the_email_type_may_stand_there_and_must_be_right() -> None:
    point = contact()
    good = {"url": systems.EMAIL_TYPE, "valueCoding": {"system": systems.MESSAGING, "code": "MSSANTE"}}
    point["extension"].append(good)
    assert len(read(insert(point)).changes) == 1
    wrong = deepcopy(point)
    wrong["extension"][1]["valueCoding"]["code"] = "AutreMessagerie"
    with pytest.raises(TheirProtocolError, match="email-type"):
        read(insert(wrong))


def test_everything_that_an_insert_says_is_kept() -> None:
    point = contact(
        "ORG",
        listeRouge=True,
        description="Urgences",
        service="Pôle 2",
        responsible="Dr X",
        digitization=True,
        phone="0102",
    )
    point["rank"] = 3
    [change] = read(insert(point)).changes
    assert change == AddMailbox(
        ListedMailbox(
            HOME,
            ORG,
            description="Urgences",
            service="Pôle 2",
            responsible="Dr X",
            phone="0102",
            is_red=True,
            is_paperless=True,
            rank=3,
        )
    )


def test_operations_keep_their_order() -> None:
    found = read(
        operation("delete", where(address="old@c.mssante.fr")),
        insert(contact()),
        operation("replace", where(".rank"), part("value", valueInteger=1)),
        operation("replace", where(extension("listeRouge")), part("value", valueBoolean=True)),
        operation("delete", where(extension("description"))),
        operation("delete", where(".rank")),
    )
    assert found.changes == (
        RemoveMailbox("old@c.mssante.fr"),
        AddMailbox(ListedMailbox(HOME, ORG)),
        ChangeMailbox(HOME, rank=1),
        ChangeMailbox(HOME, is_red=True),
        ChangeMailbox(HOME, description=""),
        ChangeMailbox(HOME, rank=0),
    )
    assert found.needs == ()


def test_replacing_all_takes_away_what_is_not_said_but_red_list_and_responsible() -> None:
    found = read(operation("replace", where(), part("value", valueContactPoint=contact())))
    assert found.changes == (ChangeMailbox(HOME, None, "", "", None, 0),)
    [need] = found.needs
    assert (need.address, need.kinds, need.element) == (HOME, {ORG}, Element.TYPE)


def test_replacing_all_of_a_per_says_nothing_of_a_description() -> None:
    point = contact("PER", listeRouge=False)
    [change] = read(
        operation("replace", where(resource="PractitionerRole"), part("value", valueContactPoint=point)),
        holder=Holder.ROLE,
    ).changes
    assert change == ChangeMailbox(HOME, False, None, "", None, 0)


@pytest.mark.parametrize(
    "operations",
    [
        [operation("replace", where(".value"), part("value", valueString="x@c.mssante.fr"))],
        [operation("delete", where(".value"))],
        [operation("replace", where(extension("type")), part("value", valueString="APP"))],
        [operation("delete", where(extension("type")))],
        [operation("replace", where(), part("value", valueContactPoint=contact(address="x@c.mssante.fr")))],
        [insert(contact("ORG")), operation("replace", where(), part("value", valueContactPoint=contact("APP")))],
    ],
)
def test_address_and_type_never_change(operations: list[Json]) -> None:
    with pytest.raises(FixedPartError, match="cannot be changed"):
        read(*operations)


def test_the_case_of_an_address_is_no_other_address() -> None:
    point = contact(address=HOME.upper().replace("MSSANTE", "mssante"))
    assert len(read(operation("replace", where(), part("value", valueContactPoint=point))).changes) == 1


def test_texts_that_only_some_types_have_need_one_of_them() -> None:
    found = read(
        operation(
            "replace", where(extension("description"), resource="Practitioner"), part("value", valueString="Cabinet")
        ),
        holder=Holder.PERSON,
    )
    [need] = found.needs
    assert need.kinds == {CAB}
    assert read(operation("replace", where(extension("description")), part("value", valueString="x"))).needs == ()
    with pytest.raises(TheirProtocolError, match="description is not for the mailboxes of PractitionerRole"):
        read(
            operation(
                "replace", where(extension("description"), resource="PractitionerRole"), part("value", valueString="x")
            ),
            holder=Holder.ROLE,
        )
    with pytest.raises(TheirProtocolError, match="description is not for a mailbox of the type"):
        read(
            insert(contact("PER"), "Practitioner"),
            operation(
                "replace", where(extension("description"), resource="Practitioner"), part("value", valueString="x")
            ),
            holder=Holder.PERSON,
        )


FAULTS: list[tuple[Json, str]] = [
    (operation("move", where(), part("value", valueInteger=1)), "'type' is none of"),
    (operation("insert", "Organization.telecom", part("value", valueContactPoint=contact())), "'index' is for insert"),
    (
        operation("replace", where(), part("index", valueInteger=0), part("value", valueContactPoint=contact())),
        "'index' is for insert",
    ),
    (operation("replace", where()), "'value' is missing"),
    (operation("delete", where(), part("value", valueString="x")), "stands in a delete"),
    (operation("delete", "Organization.telecom"), "delete names no mailbox"),
    (
        operation("replace", "Organization.telecom", part("value", valueContactPoint=contact())),
        "replace names no mailbox",
    ),
    (
        operation("insert", where(), part("index", valueInteger=0), part("value", valueContactPoint=contact())),
        "insert is only for",
    ),
    (operation("delete", where(extension("listeRouge"))), "replace it by false"),
    (operation("replace", where(".rank"), part("value", valueString="1")), "no valueInteger"),
    (operation("replace", where(".rank"), part("value", valueInteger=0)), "rank is below 1"),
    (operation("replace", where(".rank"), part("value", valueInteger=2**31)), "rank is below 1 or too large"),
    (operation("replace", where(extension("listeRouge")), part("value", valueCode="true")), "no valueBoolean"),
    (operation("replace", where(extension("service")), part("value", valueBoolean=True)), "no valueString"),
    (operation("replace", where(extension("service")), part("value", valueString=" ")), "a text is empty"),
    (operation("replace", where(extension("service")), part("value", valueString="a\nb")), "not printable"),
    (operation("replace", where(extension("service")), part("value", valueString="x" * 256)), "longer than 255"),
    (operation("replace", where(), part("value", valueString="x")), "no valueContactPoint"),
    (operation("delete", where(), part("type", valueCode="delete")), "'type' stands there twice"),
    (operation("delete", where(), part("index")), "'index' has not exactly one value"),
    (operation("delete", where(), part("index", valueInteger=1, valueCode="x")), "not exactly one value"),
    (operation("delete", where(), part("index", valueString="1")), "another type"),
    ({"name": "operation", "part": [part("path", valueString=where())]}, "'type' is missing"),
    ({"name": "operation", "part": [part("type", valueCode="delete")]}, "'path' is missing"),
    (insert({**contact(), "system": "phone"}), "system is 'phone'"),
    (insert(contact(address="a@gmail.com")), "no MSSanté address"),
    (insert(contact(address="a b@c.mssante.fr")), "no MSSanté address"),
    (insert(contact(address="x" * 65 + "@c.mssante.fr")), "longer than 64"),
    (insert(contact(address="185057800608436@patient.mssante.fr")), "citizen"),
    (insert(contact("PER")), "does not live on this resource"),
    (insert(contact("USAGER")), "the type is none of"),
    (insert(contact("ORG", system="https://else.where")), "system that is not known"),
    (insert(contact("ORG", colour="red")), "part that is not known: 'colour'"),
    (insert(contact("ORG", listeRouge="no")), "listeRouge has no valueBoolean"),
    (insert(contact("ORG", service=True)), "service has no valueString"),
    (insert({**contact(), "extension": []}), "is missing"),
    (insert({**contact(), "extension": contact()["extension"] * 2}), "stand there twice"),
    (
        insert({**contact(), "extension": [{"url": "https://else.where", "valueString": "x"}]}),
        "an extension is not known",
    ),
    (insert({**contact(), "extension": [{"url": systems.METADATA, "extension": []}]}), "type is missing"),
    (insert({**contact(), "rank": 0}), "rank is below 1"),
    (insert(contact(), index=-1), "'index' is below 0"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_faults_are_named_with_their_operation(fault: Json, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=said) as caught:
        read(operation("delete", where(address="ok@c.mssante.fr")), fault)
    assert str(caught.value).startswith("operation 2: ")
    assert not isinstance(caught.value, FixedPartError)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no FHIR Patch"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"parameter":[]}', "missing required field `resourceType`"),
        (b'{"resourceType":"Bundle"}', "Invalid value 'Bundle'"),
        (b'{"resourceType":"OperationOutcome","issue":[]}', "not Parameters"),
        (b'{"resourceType":"Parameters"}', "missing required field `parameter`"),
        (b'{"resourceType":"Parameters","parameter":[]}', "no operation"),
        (b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"colour"}]}]}', r"colour.*parameter\[0\].part\[0\].name"),
        (b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"value","valueUri":"x"}]}]}', "unknown field `valueUri`"),
        (b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"value","valueInteger":1.5}]}]}', "Expected `int"),
        (b"\xff", "no FHIR Patch"),
        (b'{"resourceType":"Parameters","parameter":' + b'[{"name":"operation","part":[{"name":"value","valueContactPoint":{"extension":' + b'[{"url":"a","extension":' * 2500, "nested too deep|malformed|truncated"),
        (b" " * 65_537, "longer than 65536"),
        (body(*[operation("delete", where())] * 51), "more than 50"),
    ],
)  # fmt: skip
def test_bodies_that_are_no_patches_are_refused(raw: bytes, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=said):
        read_patch(raw, Holder.PLACE)


ADDRESSES = st.from_regex(r"[a-z0-9'.+!]{1,20}@[a-z]{1,10}\.mssante\.fr", fullmatch=True).filter(
    lambda text: ".." not in text and text[0] != "." and ".@" not in text
)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs", "Cf", "Co", "Cn"]), min_size=1, max_size=60
)


@st.composite
def mailboxes(draw: st.DrawFn, holder: Holder) -> ListedMailbox:
    kind = draw(st.sampled_from(sorted(KINDS[holder], key=lambda one: one.value)))

    def text(element: Element) -> str:
        return draw(st.one_of(st.just(""), TEXTS)) if kind in HELD[element] else ""

    return box(
        draw(ADDRESSES),
        kind,
        description=text(Element.DESCRIPTION),
        service=text(Element.SERVICE),
        responsible=text(Element.RESPONSIBLE),
        is_red=draw(st.booleans()),
        is_paperless=draw(st.one_of(st.none(), st.booleans())),
        rank=draw(st.one_of(st.none(), st.integers(1, 2**31 - 1))),
    )


@given(st.data(), st.sampled_from(list(Holder)))
def test_what_the_client_builds_the_server_reads(data: st.DataObject, holder: Holder) -> None:
    changes = data.draw(
        st.lists(
            st.one_of(
                mailboxes(holder).map(AddMailbox),
                ADDRESSES.map(RemoveMailbox),
                st.builds(ChangeMailbox, ADDRESSES, is_red=st.booleans()),
            ),
            min_size=1,
            max_size=4,
        )
    )
    found = read_patch(encode(build_patch(holder, tuple(changes))), holder)
    assert found.changes == tuple(changes)


def test_the_client_leaves_out_what_a_type_does_not_have() -> None:
    mailbox = box(HOME, PER, description="x", responsible="y", service="Cardiologie", phone="01")
    [change] = read_patch(encode(build_patch(Holder.ROLE, (AddMailbox(mailbox),))), Holder.ROLE).changes
    assert change == AddMailbox(box(HOME, PER, service="Cardiologie"))
    assert build_patch(Holder.ROLE, (ChangeMailbox(HOME, description="x"),)).parameter == ()


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        (Target(Holder.PERSON, "810001234567"), [("identifier", "urn:oid:1.2.250.1.71.4.2.1|810001234567")]),
        (Target(Holder.PLACE, "1440000289"), [("identifier", "https://finess.esante.gouv.fr|440000289")]),
        (Target(Holder.PLACE, "326440013600471"), [("identifier", "https://sirene.fr|26440013600471")]),
        (Target(Holder.PLACE, "499700123456001"), [("identifier", "urn:oid:1.2.250.1.71.4.2.2|499700123456001")]),
        (Target(Holder.ROLE, "F58000880311022013"), [("identifier", "https://annuaire.sante.fr|F58000880311022013")]),
        (
            Target(Holder.ROLE, "810001234567-1440000289"),
            [("practitioner.identifier", "urn:oid:1.2.250.1.71.4.2.1|810001234567"), ("organization.identifier", "https://finess.esante.gouv.fr|440000289")],
        ),
        (Target(Holder.PERSON, "10a|b,c@d.mssante.fr"), [("identifier", r"urn:oid:1.2.250.1.71.4.2.1|10a\|b\,c@d.mssante.fr")]),
    ],
)  # fmt: skip
def test_a_target_is_named_by_its_national_identifiers(target: Target, asked: list[tuple[str, str]]) -> None:
    found = list(criteria(target, ()))
    assert found == asked
    assert read_search(target.holder, found, is_strict=True).has_criteria


def test_a_situation_is_named_by_whom_an_insert_names() -> None:
    change = AddMailbox(box(HOME, PER, professional="810001234567", structure="1440000289"))
    assert [name for name, _ in criteria(Target(Holder.ROLE, "F58"), (change,))] == [
        "practitioner.identifier",
        "organization.identifier",
    ]


def test_names_of_resources_are_both_ways() -> None:
    assert {RESOURCES[name] for name in NAMES.values()} == set(Holder)

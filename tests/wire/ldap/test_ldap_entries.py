"""Entries as address books get them, and which attributes of them.

Source: RFC 4511 sections 4.5.1.8 and 4.5.2.
"""

from dataclasses import replace

import pytest
from directory_shelf import HOSPITAL, sample_entries

from mssante.model.directory import Entry, EntryId, PostalAddress
from mssante.wire.ldap import ber
from mssante.wire.ldap.attributes import ATTRIBUTES, BY_NAME
from mssante.wire.ldap.entries import Node, Projection, read_selection
from mssante.wire.ldap.filter_text import parse_filter
from mssante.wire.ldap.responses import FoundEntry, read_response, write_entry
from mssante.wire.ldap.schema import schema_node

JEAN, ANNE, CARDIO, ROBOT, _RED, PAUL, CLINIC = sample_entries()
NODE = Node("ou=x", (("objectClass", ("top", "organizationalUnit")), ("ou", ("x",))), (("hasSubordinates", ("TRUE",)),))


def shown(entry: Entry, *asked: str, types_only: bool = False) -> dict[str, tuple[str, ...]]:
    written = Projection(read_selection(asked), types_only=types_only).write(entry)
    found = read_response(write_entry(1, "x=y", written)).answer
    assert isinstance(found, FoundEntry)
    assert len(dict(found.attributes)) == len(found.attributes)
    return {name: tuple(value.decode() for value in values) for name, values in found.attributes}


def test_a_personal_box_says_who_and_where() -> None:
    assert shown(JEAN) == {
        "objectClass": ("top", "person", "organizationalPerson", "inetOrgPerson", "mssBoite", "mssProfessionnel", "mssStructure"),
        "cn": ("Jean DUPONT", "DUPONT Jean"),
        "sn": ("DUPONT",),
        "givenName": ("Jean",),
        "displayName": ("DR Jean DUPONT",),
        "mail": ("jean.dupont@chu-nantes.mssante.fr",),
        "uid": ("810001234567",),
        "title": ("Médecin", "Cardiologie"),
        "o": ("CHU DE NANTES", "HÔTEL-DIEU"),
        "ou": ("Cardiologie",),
        "telephoneNumber": ("0240083333",),
        "street": ("1 PL ALEXIS RICORDEAU",),
        "postalCode": ("44093",),
        "l": ("NANTES",),
        "st": ("44",),
        "postalAddress": ("CHU DE NANTES$1 PL ALEXIS RICORDEAU$44093 NANTES",),
        "employeeNumber": ("810001234567",),
        "businessCategory": ("Centre Hospitalier (C.H.)",),
        "idNat": ("810001234567",),
        "civiliteExercice": ("DR",),
        "codeProfession": ("10",),
        "libelleProfession": ("Médecin",),
        "codeCategorie": ("C",),
        "libelleCategorie": ("Civil",),
        "codeSpecialite": ("SM04",),
        "specialite": ("Cardiologie",),
        "typeBAL": ("PER",),
        "rangBAL": ("1",),
        "dematerialisation": ("TRUE",),
        "idStructure": ("1440000289",),
        "typeStructure": ("EG",),
        "siret": ("26440013600471",),
        "raisonSociale": ("CHU DE NANTES",),
        "enseigneCommerciale": ("HÔTEL-DIEU",),
    }  # fmt: skip


def test_a_box_of_a_structure_is_called_by_its_own_words() -> None:
    found = shown(CARDIO, "cn", "sn", "displayName", "mail", "idNat", "typeBAL")
    assert found == {
        "cn": ("Secrétariat de cardiologie", "Pôle cœur", "HÔTEL-DIEU", "CHU DE NANTES"),
        "sn": ("Secrétariat de cardiologie",),
        "displayName": ("Secrétariat de cardiologie",),
        "mail": ("cardiologie@chu-nantes.mssante.fr",),
        "typeBAL": ("ORG",),
    }


def test_somebody_without_box_and_a_structure_have_their_classes() -> None:
    assert shown(PAUL, "objectClass", "mail", "structuralObjectClass") == {
        "objectClass": ("top", "person", "organizationalPerson", "inetOrgPerson", "mssProfessionnel"),
        "structuralObjectClass": ("inetOrgPerson",),
    }
    found = shown(CLINIC, "*", "structuralObjectClass")
    assert found["objectClass"] == ("top", "organization", "mssStructure")
    assert found["structuralObjectClass"] == ("organization",)
    assert found["o"] == ("CLINIQUE SANS BOITE", "HÔTEL-DIEU")


def test_the_text_of_a_postal_address_holds_no_line_end_of_its_own() -> None:
    place = replace(
        HOSPITAL, name="A$B\\C", address=PostalAddress(street="1 rue du $", postcode="44000", town="NANTES")
    )
    assert shown(Entry(EntryId(1), None, None, place), "postalAddress") == {
        "postalAddress": ("A\\24B\\5CC$1 rue du \\24$44000 NANTES",)
    }


@pytest.mark.parametrize("entry", sample_entries(), ids=lambda one: one.name)
def test_entries_hold_what_their_classes_demand(entry: Entry) -> None:
    """Each `MUST` of the schema that we publish, for every class that the entry says it has."""
    found = shown(entry, "*", "+")
    classes = dict(schema_node().operational)["objectClasses"]
    for name in found["objectClass"]:
        text = next(one for one in classes if f"NAME '{name}'" in one)
        words = text.partition(" MUST ")[2]
        must = words.partition(")")[0].strip("( ").split(" $ ") if words.startswith("(") else words.split(" ")[:1]
        assert not {one for one in must if one} - found.keys(), text
    for name in found:
        one = BY_NAME[name.lower()]
        assert not one.is_single or len(found[name]) == 1, name


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (("mail", "CN"), {"mail", "cn"}),
        (("surname", "2.5.4.42"), {"sn", "givenName"}),
        (("1.1",), set()),
        (("+",), {"structuralObjectClass", "modifyTimestamp", "hasSubordinates", "subschemaSubentry"}),
        (("nothing", "cn;lang-fr"), set()),
        (("1.1", "mail"), {"mail"}),
    ],
)
def test_only_what_was_asked_for_is_returned(asked: tuple[str, ...], names: set[str]) -> None:
    assert shown(JEAN, *asked).keys() == names


def test_everything_of_the_user_is_a_star_and_operational_attributes_come_beside_it() -> None:
    assert shown(JEAN) == shown(JEAN, "*")
    assert shown(JEAN, "*", "modifyTimestamp").keys() - shown(JEAN).keys() == {"modifyTimestamp"}
    assert shown(JEAN, "*", "+")["modifyTimestamp"] == ("20261102083000Z",)


def test_types_only_says_which_attributes_there_are_and_nothing_else() -> None:
    found = shown(JEAN, types_only=True)
    assert found.keys() == shown(JEAN).keys()
    assert not any(found.values())


def test_the_responsible_of_a_box_is_shown_nowhere() -> None:
    assert ROBOT.mailbox is not None
    entry = replace(ROBOT, mailbox=replace(ROBOT.mailbox, responsible="Mme Secrète"))
    assert "Secrète" not in str(shown(entry, "*", "+"))


def test_names_and_identifiers_of_attributes_are_each_used_once() -> None:
    words = [word.lower() for one in ATTRIBUTES for word in (one.name, one.oid, *one.aliases)]
    assert len(words) == len(set(words)) == len(BY_NAME)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("(objectClass=*)", True),
        ("(objectClass=ORGANIZATIONALUNIT)", True),
        ("(organizationalUnitName=x)", True),
        ("(ou=y)", False),
        ("(ou=*x*)", True),
        ("(ou=x*x)", False),
        ("(objectClass=org*ation*unit)", True),
        ("(objectClass=org*unit*ation*)", False),
        ("(cn=*)", False),
        ("(hasSubordinates=TRUE)", True),
        ("(unknown=x)", None),
        ("(ou>=a)", None),
        ("(ou:=x)", None),
        ("(!(unknown=x))", None),
        ("(&(unknown=x)(ou=y))", False),
        ("(&(unknown=x)(ou=x))", None),
        ("(|(unknown=x)(ou=x))", True),
        ("(|(unknown=x)(ou=y))", None),
        ("(!(ou=y))", True),
        ("(&)", True),
        ("(|)", False),
    ],
)
def test_fixed_entries_are_judged_in_three_values(text: str, result: bool | None) -> None:
    assert NODE.holds(parse_filter(text)) is result


def test_fixed_entries_give_what_was_asked_for() -> None:
    def names(*asked: str) -> list[str]:
        found = ber.Elements(NODE.write(read_selection(asked), types_only=False))
        kept = []
        while not found.at_end:
            kept.append(found.inside().text())
        return kept

    assert names() == ["objectClass", "ou"]
    assert names("+") == ["hasSubordinates"]
    assert names("OU", "hassubordinates") == ["ou", "hasSubordinates"]
    assert names("1.1") == []

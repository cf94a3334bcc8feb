"""What filters find, judged by the directory's own rule on real entries; Undefined finds nothing, not even behind "not".

Source: RFC 4511 section 4.5.1.7.
"""

import pytest
from directory_shelf import sample_entries
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import All, Any, Field, How, Match, Not
from mssante.rules.directory_condition import holds
from mssante.wire.ldap.conditions import EVERYTHING, NOTHING, condition
from mssante.wire.ldap.filter_text import build_filter, parse_filter
from mssante.wire.ldap.filters import EQUAL, Comparison

JEAN, ANNE, CARDIO, ROBOT = "jean.dupont", "anne.dete", "cardiologie", "robot"
PAUL, CLINIC = "810009999999", "1440000271"
ENTRIES = tuple(one for one in sample_entries() if one.mailbox is None or not one.mailbox.is_red)


def found(text: str) -> list[str]:
    """Return what a filter finds: local parts, else identifiers."""
    wanted = condition(parse_filter(text))
    names = []
    for entry in ENTRIES:
        if holds(wanted, entry):
            other = entry.professional or entry.structure
            names.append(entry.address.partition("@")[0] or (other.identifier if other else ""))
    return names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        # Thunderbird, as it completes what is typed in To:
        ("(|(mail=*dup*)(cn=*dup*)(givenName=*dup*)(sn=*dup*))", [JEAN, ANNE]),
        ("(&(objectclass=*)(|(mail=*été*)(cn=*été*)(givenName=*été*)(sn=*été*)))", [ANNE]),
        ("(|(cn=*jean dupont*)(sn=*jean dupont*))", [JEAN]),
        ("(cn=*dupont jean*)", [JEAN]),
        # Outlook
        ("(&(mail=*)(|(mail=dup*)(|(cn=dup*)(|(sn=dup*)(|(givenName=dup*)(displayName=dup*))))))", [JEAN]),
        ("(&(mail=*)(|(mail=card*)(|(cn=card*)(|(sn=card*)(givenName=card*)))))", [JEAN, CARDIO]),
        # macOS
        ("(&(objectClass=inetOrgPerson)(|(givenName=anne*)(sn=anne*)(cn=anne*)(mail=anne*)))", [ANNE]),
        ("(objectClass=*)", [JEAN, ANNE, CARDIO, ROBOT, PAUL, CLINIC]),
        ("(objectClass=top)", [JEAN, ANNE, CARDIO, ROBOT, PAUL, CLINIC]),
        ("(objectClass=inetOrgPerson)", [JEAN, ANNE, CARDIO, ROBOT, PAUL]),
        ("(objectClass=organization)", [CLINIC]),
        ("(objectClass=mssBoite)", [JEAN, ANNE, CARDIO, ROBOT]),
        ("(objectClass=mssProfessionnel)", [JEAN, ANNE, PAUL]),
        ("(!(objectClass=mssBoite))", [PAUL, CLINIC]),
        ("(objectClass=organizationalUnit)", []),
        ("(mail=JEAN.DUPONT@chu-nantes.mssante.fr)", [JEAN]),
        ("(mail=*@chu-nantes.mssante.fr)", [JEAN, CARDIO, ROBOT]),
        ("(0.9.2342.19200300.100.1.3=robot@*)", [ROBOT]),
        ("(rfc822Mailbox=robot@*)", [ROBOT]),
        ("(uid=810001234567)", [JEAN]),
        ("(idNat=10001234567)", [JEAN]),
        ("(codeProfession=10)", [JEAN]),
        ("(title=*cardio*)", [JEAN]),
        ("(specialite=cardiologie)", [JEAN]),
        ("(typeBAL=org)", [CARDIO]),
        ("(|(typeBAL=ORG)(typeBAL=APP))", [CARDIO, ROBOT]),
        ("(o=chu de nantes)", [JEAN, CARDIO, ROBOT]),
        ("(enseigneCommerciale=hotel*dieu)", [JEAN, CARDIO, ROBOT, CLINIC]),
        ("(l=nantes)", [JEAN, CARDIO, ROBOT, CLINIC]),
        ("(&(st=44)(sn=dupont))", [JEAN]),
        ("(postalCode=440*)", [JEAN, CARDIO, ROBOT, CLINIC]),
        ("(sn~=dete-dupre)", []),
        ("(sn~=d'ete dupre)", [ANNE]),
        ("(sn:=Dupont)", [JEAN]),
        ("(sn:caseIgnoreMatch:=Dupont)", [JEAN]),
        ("(sn:dn:2.5.13.2:=Dupont)", [JEAN]),
        ("(sn=*)", [JEAN, ANNE, CARDIO, ROBOT, PAUL]),
        ("(givenName=*)", [JEAN, ANNE, PAUL]),
        ("(!(mail=*))", [PAUL, CLINIC]),
        ("(&(mail=*)(!(cn=*jean*)))", [ANNE, CARDIO, ROBOT]),
        ("(&)", [JEAN, ANNE, CARDIO, ROBOT, PAUL, CLINIC]),
        ("(|)", []),
    ],
)
def test_filters_of_address_books_find_who_is_meant(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "leaf",
    [
        "(unknown=x)",
        "(unknown=*)",
        "(cn;lang-fr=x)",
        "(sn>=a)",
        "(sn<=a)",
        "(sn:caseExactMatch:=DUPONT)",
        "(:caseIgnoreMatch:=dupont)",
        "(sn=)",
        r"(sn=\ff\fe)",
        "(sn=" + "x" * 257 + ")",
        "(dematerialisation=TRUE)",
        "(postalAddress=*)",
        "(objectClass=unknown)",
        "(objectClass=top*)",
    ],
)
def test_what_cannot_be_decided_finds_nothing_either_way(leaf: str) -> None:
    assert condition(parse_filter(leaf)) == NOTHING
    assert condition(parse_filter(f"(!{leaf})")) == NOTHING
    assert condition(parse_filter(f"(&{leaf}(cn=*))")) == NOTHING
    # "False and Undefined" is False, so its opposite is true.
    assert found(f"(!(&{leaf}(sn=dupont)))") == [name for name in found("(cn=*)") if name != JEAN]
    assert found(f"(|{leaf}(sn=dupont))") == [JEAN]
    assert found(f"(!(|{leaf}(sn=dupont)))") == []


def test_conditions_are_small() -> None:
    dupont = Match(Field.FAMILY, How.EQUALS, "x")
    assert condition(parse_filter("(&(objectClass=*)(sn=x))")) == dupont
    assert condition(parse_filter("(&(&(sn=x)(sn=x))(surname=x))")) == dupont
    assert condition(parse_filter("(!(!(sn=x)))")) == dupont
    assert condition(parse_filter("(|(cn=*)(sn=x))")) == EVERYTHING
    assert condition(parse_filter("(&(sn=x)(|))")) == NOTHING
    assert condition(parse_filter("(!(sn=x))")) == Not(dupont)
    assert condition(parse_filter("(sn=a*b*c)")) == All(
        (
            Match(Field.FAMILY, How.STARTS, "a"),
            Match(Field.FAMILY, How.CONTAINS, "b"),
            Match(Field.FAMILY, How.ENDS, "c"),
        )
    )
    assert condition(parse_filter("(title=x)")) == Any(
        (Match(Field.PROFESSION_LABEL, How.EQUALS, "x"), Match(Field.SPECIALITY_LABEL, How.EQUALS, "x"))
    )


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_whatever_somebody_types_is_one_comparison_with_it(typed: str) -> None:
    text = build_filter(Comparison(EQUAL, "sn", typed.encode()))
    assert condition(parse_filter(text)) == Match(Field.FAMILY, How.EQUALS, typed)

"""The root and the schema, read by another library as a program would before it searches.

Source: RFC 4512 sections 4.2 and 5.1.
"""

import re

import pytest

from mssante.wire.ldap.attributes import ATTRIBUTES, NATIONAL, OURS
from mssante.wire.ldap.results import PAGED_RESULTS, SORTING, START_TLS, WHO_AM_I
from mssante.wire.ldap.schema import root_node, schema_node

OPERATIONAL = dict(schema_node().operational)


def test_the_root_says_what_can_be_done_now() -> None:
    found = dict(root_node("o=x", ("PLAIN", "EXTERNAL"), starttls=False).user)
    assert found["namingContexts"] == ("o=x",)
    assert found["supportedLDAPVersion"] == ("3",)
    assert found["supportedExtension"] == (WHO_AM_I,)
    assert found["supportedControl"] == (PAGED_RESULTS, SORTING)
    assert found["supportedSASLMechanisms"] == ("PLAIN", "EXTERNAL")
    assert found["subschemaSubentry"] == ("cn=subschema",)
    clear = dict(root_node("o=x", (), starttls=True).user)
    assert clear["supportedExtension"] == (START_TLS, WHO_AM_I)
    assert "supportedSASLMechanisms" not in clear


def test_each_attribute_is_described_once_with_known_rules_and_syntax() -> None:
    names = re.findall(r"NAME \(? ?'(\w+)'", "".join(OPERATIONAL["attributeTypes"]))
    assert len(OPERATIONAL["attributeTypes"]) == len(names) == len(set(names))
    shown = [
        name
        for node in (root_node("o=x", ("PLAIN",), starttls=True), schema_node())
        for name, _values in (*node.user, *node.operational)
    ]
    assert {one.name for one in ATTRIBUTES} | set(shown) | {"createTimestamp"} == set(names)
    rules = {re.search(r"NAME '(\w+)'", one)[1] for one in OPERATIONAL["matchingRules"]}  # type: ignore[index]
    syntaxes = {one.split()[1] for one in OPERATIONAL["ldapSyntaxes"]}
    for one in OPERATIONAL["attributeTypes"]:
        assert set(re.findall(r"(?:EQUALITY|SUBSTR) (\w+)", one)) <= rules, one
        assert set(re.findall(r"SYNTAX ([\d.]+)", one)) <= syntaxes, one
        assert one.count("'") % 2 == 0, one


def test_classes_name_only_attributes_that_are_described() -> None:
    known = {one.name for one in ATTRIBUTES} | OPERATIONAL.keys()
    for one in OPERATIONAL["objectClasses"]:
        for several, single in re.findall(r"(?:MUST|MAY) (?:\(([^)]*)\)|(\w+))", one):
            assert {name.strip() for name in (several or single).split("$")} <= known, one


def test_only_our_own_attributes_stand_under_our_own_arc() -> None:
    for one in ATTRIBUTES:
        assert one.oid.startswith(f"{OURS}.1.") == (one in NATIONAL)
    marked = [one for one in OPERATIONAL["attributeTypes"] if "X-ORIGIN 'mssante'" in one]
    assert len(marked) == len(NATIONAL)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_another_library_reads_the_schema() -> None:
    rfc4512 = pytest.importorskip("ldap3.protocol.rfc4512", reason="ldap3 is not installed")
    types = rfc4512.AttributeTypeInfo.from_definition(list(OPERATIONAL["attributeTypes"]))
    classes = rfc4512.ObjectClassInfo.from_definition(list(OPERATIONAL["objectClasses"]))
    assert types["civiliteExercice"].description == "Civilité d’exercice"
    assert types["mail"].syntax == "1.3.6.1.4.1.1466.115.121.1.26"
    assert types["typeBAL"].single_value
    assert classes["inetOrgPerson"].superior == ["organizationalPerson"]
    assert classes["mssBoite"].must_contain == ["mail", "typeBAL"]

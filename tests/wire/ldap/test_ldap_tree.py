"""Where names stand, and that the name of an entry leads back to it.

Source: RFC 4514; decision 0018.
"""

from dataclasses import replace

import pytest
from directory_shelf import BOXES, JEAN, sample_entries
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import Entry, EntryId, Field, Subject
from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.tree import DEFAULT_SUFFIX, Branch, Fixed, Leaf, Nowhere, Place, Tree, subject_of

TREE = Tree()
WORDS = st.text(min_size=1, max_size=30).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("", Fixed.ROOT),
        ("  ", Fixed.ROOT),
        ("cn=subschema", Fixed.SCHEMA),
        ("CN=Subschema", Fixed.SCHEMA),
        (DEFAULT_SUFFIX, Fixed.TOP),
        ("OU=MSSante, O=Annuaire , C=FR", Fixed.TOP),
        ("organizationalUnitName=mssante,2.5.4.10=annuaire,c=fr", Fixed.TOP),
        (f"ou=boites,{DEFAULT_SUFFIX}", Branch.BOXES),
        (f"ou=structures,{DEFAULT_SUFFIX}", Branch.PLACES),
        (f"mail=a@b.fr,ou=boites,{DEFAULT_SUFFIX}", Leaf(Branch.BOXES, "a@b.fr")),
        (f"rfc822Mailbox=a@b.fr,ou=boites,{DEFAULT_SUFFIX}", Leaf(Branch.BOXES, "a@b.fr")),
        (f"uid=81,ou=professionnels,{DEFAULT_SUFFIX}", Leaf(Branch.PEOPLE, "81")),
        (f"idstructure=1\\2C2,ou=structures,{DEFAULT_SUFFIX}", Leaf(Branch.PLACES, "1,2")),
        ("o=annuaire,c=fr", Nowhere("")),
        ("dc=example,dc=org", Nowhere("")),
        (f"ou=autres,{DEFAULT_SUFFIX}", Nowhere(DEFAULT_SUFFIX)),
        (f"uid=81,ou=boites,{DEFAULT_SUFFIX}", Nowhere(f"ou=boites,{DEFAULT_SUFFIX}")),
        (f"mail=,ou=boites,{DEFAULT_SUFFIX}", Nowhere(f"ou=boites,{DEFAULT_SUFFIX}")),
        (f"mail=a+uid=b,ou=boites,{DEFAULT_SUFFIX}", Nowhere(f"ou=boites,{DEFAULT_SUFFIX}")),
        (f"cn=x,mail=a@b.fr,ou=boites,{DEFAULT_SUFFIX}", Nowhere(f"ou=boites,{DEFAULT_SUFFIX}")),
    ],
)
def test_a_name_stands_where_it_says(name: str, place: Place) -> None:
    assert TREE.locate(name) == place


@pytest.mark.parametrize("name", ["x", "=x", "ou=x,", "ou=\\zz", "ou=" + "x" * 2000, "ou=\udcff", "ou=#0402"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(TheirProtocolError):
        TREE.locate(name)


@pytest.mark.parametrize("entry", sample_entries(), ids=lambda one: one.name)
def test_the_name_of_an_entry_leads_back_to_it(entry: Entry) -> None:
    place = TREE.locate(TREE.name_of(entry))
    assert isinstance(place, Leaf)
    assert TREE.is_at(place, entry)
    assert not TREE.is_at(Leaf(place.branch, place.value + "x"), entry)


@given(WORDS)
def test_whatever_an_address_holds_its_name_is_one_value(value: str) -> None:
    """A name cannot be made to stand elsewhere (reliability.md D08)."""
    entry = Entry(EntryId(1), replace(BOXES[0][0], address=value), JEAN, None)
    assert TREE.locate(TREE.name_of(entry)) == Leaf(Branch.BOXES, value)


def test_a_number_without_its_kind_is_another_name() -> None:
    entry = next(one for one in sample_entries() if one.mailbox is None and one.professional is not None)
    assert entry.professional is not None
    assert not TREE.is_at(Leaf(Branch.PEOPLE, entry.professional.identifier[1:]), entry)


def test_leaves_and_branches_say_what_the_directory_is_asked_for() -> None:
    leaf = Leaf(Branch.PLACES, "1")
    assert (leaf.subject, leaf.field) == (Subject.STRUCTURES, Field.STRUCTURE)
    assert [subject_of(one) for one in Branch] == [Subject.MAILBOXES, Subject.PROFESSIONALS, Subject.STRUCTURES]


def test_the_tree_may_stand_under_another_name() -> None:
    tree = Tree("dc=annuaire,dc=exemple,dc=fr")
    assert tree.locate("ou=boites,DC=annuaire,DC=exemple,DC=fr") is Branch.BOXES
    assert dict(tree.top.user)["objectClass"] == ("top", "domain")
    with pytest.raises(TheirProtocolError):
        Tree("not a name")

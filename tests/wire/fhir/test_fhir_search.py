"""Searches as they are asked: what each parameter becomes, what is refused by its name, what can never be injected."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import All, Any, Condition, Field, Holder, How, Match, Not
from mssante.wire.fhir import systems
from mssante.wire.fhir.criteria import CRITERIA
from mssante.wire.fhir.ids import resource_id
from mssante.wire.fhir.search import COUNT_MAX, INCLUDES, REVINCLUDES, SearchRequest, read_search
from mssante.wire.fhir.search_values import Changed, SearchError, Token, read_token, split, unescape

PERSON, ROLE, PLACE = Holder.PERSON, Holder.ROLE, Holder.PLACE
OF = {"Practitioner": PERSON, "PractitionerRole": ROLE, "Organization": PLACE}


def read(text: str, *, strict: bool = True) -> SearchRequest:
    name, _, query = text.partition("?")
    return read_search(OF[name], parse_qsl(query, keep_blank_values=True), is_strict=strict)


def leaves(condition: Condition) -> Iterator[Match]:
    match condition:
        case Match():
            yield condition
        case Not(part):
            yield from leaves(part)
        case All(parts) | Any(parts):
            for part in parts:
                yield from leaves(part)


ADDRESS, KIND, WHO, WHERE = Field.ADDRESS, Field.KIND, Field.PERSON, Field.STRUCTURE
NOBODY = Any(())


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ("Practitioner?mailbox-mss=jean", Match(ADDRESS, How.STARTS, "jean")),
        ("Practitioner?mailbox-mss:exact=a@b.mssante.fr", Match(ADDRESS, How.EQUALS, "a@b.mssante.fr")),
        ("Practitioner?mailbox-mss:contains=dupont", Match(ADDRESS, How.CONTAINS, "dupont")),
        ("Practitioner?mailbox-mss:contains=%40", Match(ADDRESS, How.PRESENT)),
        ("Practitioner?mailbox-mss=a,b", Any((Match(ADDRESS, How.STARTS, "a"), Match(ADDRESS, How.STARTS, "b")))),
        (r"Practitioner?mailbox-mss=a\,b", Match(ADDRESS, How.STARTS, "a,b")),
        (f"Practitioner?mailbox-mss-type={systems.BOX_TYPE}|PER", Match(KIND, How.EQUALS, "PER")),
        (f"Practitioner?mailbox-mss-type={systems.MESSAGING}|CAB", Match(KIND, How.EQUALS, "CAB")),
        ("Organization?mailbox-mss-type=ORG,APP", Any((Match(KIND, How.EQUALS, "ORG"), Match(KIND, How.EQUALS, "APP")))),
        (f"Organization?mailbox-mss-type={systems.BOX_TYPE}|", Match(ADDRESS, How.PRESENT)),
        ("Organization?mailbox-mss-type=https://else.where|ORG", NOBODY),
        ("Organization?mailbox-mss-type=USAGER", NOBODY),
        ("Practitioner?identifier=https://rpps.esante.gouv.fr|10001234567", Match(WHO, How.EQUALS, "810001234567")),
        ("Practitioner?identifier=urn:oid:1.2.250.1.71.4.2.1|810001234567", Match(WHO, How.EQUALS, "810001234567")),
        ("Practitioner?identifier=10001234567", Match(WHO, How.EQUALS, "10001234567")),
        ("Practitioner?identifier=https://rpps.esante.gouv.fr|", Match(WHO, How.STARTS, "8")),
        ("Practitioner?identifier=https://finess.esante.gouv.fr|440000289", NOBODY),
        ("Organization?identifier=https://finess.esante.gouv.fr|440000289", Match(WHERE, How.EQUALS, "1440000289")),
        ("Organization?identifier=http://finess.sante.gouv.fr|440000289", Match(WHERE, How.EQUALS, "1440000289")),
        ("Organization?identifier=urn:oid:1.2.250.1.71.4.2.2|1440000289", Match(WHERE, How.EQUALS, "1440000289")),
        ("Organization?identifier=https://rppsrang.esante.gouv.fr|99700123456001", Match(WHERE, How.EQUALS, "499700123456001")),
        ("Organization?identifier=http://sirene.fr|26440013600471", Match(WHERE, How.EQUALS, "26440013600471")),
        ("Organization?identifier=https://sirene.fr|264400136", Match(WHERE, How.STARTS, "3264400136")),
        ("Organization?identifier=https://sirene.fr|12", NOBODY),
        ("Practitioner?name=dup", Match(Field.NAME, How.STARTS, "dup")),
        ("Practitioner?family:exact=DUPONT&given=Jean", All((Match(Field.FAMILY, How.EQUALS, "DUPONT"), Match(Field.GIVEN, How.STARTS, "Jean")))),
        ("Organization?name:contains=chu", Match(Field.STRUCTURE_NAME, How.CONTAINS, "chu")),
        ("Organization?address-city=Nantes", Match(Field.TOWN, How.STARTS, "Nantes")),
        ("Organization?address-postalcode=44", Match(Field.POSTCODE, How.STARTS, "44")),
        ("Organization?address-state=4", Match(Field.DEPARTMENT, How.EQUALS, "4")),
        ("Organization?department=2A", Match(Field.DEPARTMENT, How.EQUALS, "2A")),
        (f"Practitioner?qualification-code={systems.PROFESSION}|10", Match(Field.PROFESSION, How.EQUALS, "10")),
        (f"Practitioner?qualification-code={systems.SPECIALITY}|SM04", Match(Field.SPECIALITY, How.EQUALS, "SM04")),
        ("Practitioner?qualification-code=10", Any((Match(Field.PROFESSION, How.EQUALS, "10"), Match(Field.SPECIALITY, How.EQUALS, "10")))),
        ("PractitionerRole?role=10", Match(Field.PROFESSION, How.EQUALS, "10")),
        ("PractitionerRole?specialty=SM04", Match(Field.SPECIALITY, How.EQUALS, "SM04")),
        ("PractitionerRole?practitioner=Practitioner/810001234567", Match(WHO, How.EQUALS, "810001234567")),
        ("PractitionerRole?practitioner:Practitioner=810001234567", Match(WHO, How.EQUALS, "810001234567")),
        ("PractitionerRole?organization=https://a.test/fhir/v2/Organization/1440000289", Match(WHERE, How.EQUALS, "1440000289")),
        ("PractitionerRole?practitioner.identifier=https://rpps.esante.gouv.fr|10001234567", Match(WHO, How.EQUALS, "810001234567")),
        ("Practitioner?active=true", All(())),
        ("Practitioner?active=false", NOBODY),
        ("Practitioner?active=true,false", All(())),
        ("Practitioner?name=x&name=x", Match(Field.NAME, How.STARTS, "x")),
        ("Practitioner", All(())),
    ],
)  # fmt: skip
def test_a_parameter_is_one_condition(asked: str, condition: Condition) -> None:
    assert read(asked).condition == condition


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Practitioner?nom=x", "nom: is no search parameter of Practitioner"),
        ("Practitioner?organization.name=x", "organization.name: is no"),
        ("PractitionerRole?practitioner.organization.identifier=x", "is no search parameter"),
        ("Practitioner?name:fuzzy=x", "name: modifier :fuzzy"),
        ("Practitioner?name:missing=true", "modifier :missing"),
        ("Practitioner?mailbox-mss-type:not=PER", "mailbox-mss-type: modifier :not"),
        ("Practitioner?name=", "name: a value is empty"),
        ("Practitioner?name=a,,b", "name: a value is empty"),
        ("Practitioner?name=" + "x" * 257, "longer than 256"),
        ("Practitioner?name=" + "x," * 1001, "longer than 2000"),
        ("Practitioner?name=" + "x," * 51, "more than 50 values"),
        ("Practitioner?name=a%00b", "control character"),
        ("Practitioner?" + "name=x&" * 41, "search: more than 40"),
        ("Practitioner?active=maybe", "active: is neither"),
        ("Practitioner?_count=0", "_count: is not a number"),
        ("Practitioner?_count=-1", "_count: is not a number"),
        ("Practitioner?_count=%D9%A3", "_count: is not a number"),
        ("Practitioner?_total=some", "_total: is none"),
        ("Practitioner?_include=PractitionerRole:practitioner", "_include: PractitionerRole:practitioner is not served"),
        ("PractitionerRole?_include=*", r"_include: \* is not served"),
        ("PractitionerRole?_include:iterate=PractitionerRole:practitioner", "_include: modifier :iterate"),
        ("Practitioner?_revinclude=PractitionerRole:organization", "_revinclude: "),
        ("Practitioner?_id=1&name=x", "_id: cannot be combined"),
        ("Practitioner?_id=" + ",".join(str(n) for n in range(21)), "_id: more than 20"),
        ("Practitioner?_lastUpdated=ne2026-01-01", "_lastUpdated: is no date"),
        ("Practitioner?_lastUpdated=2026-02-30", "_lastUpdated: there is no such date"),
        ("Practitioner?_lastUpdated=2026-01-01T10:00", "_lastUpdated: is no date"),
        ("Practitioner?_page_token=" + "x" * 401, "_page_token: "),
        ("Practitioner?_summary=count", "_summary: is no search parameter"),
        ("PractitionerRole?practitioner:Patient=1", "only links to Practitioner"),
    ],
)  # fmt: skip
def test_what_is_not_served_is_refused_by_its_name(asked: str, said: str) -> None:
    with pytest.raises(SearchError, match=said):
        read(asked)


def test_unknown_parameters_are_ignored_and_named_when_nobody_is_strict() -> None:
    found = read("Practitioner?nom=x&name=y&_elements=telecom,dess", strict=False)
    assert found.condition == Match(Field.NAME, How.STARTS, "y")
    assert found.ignored == ("nom", "_elements=dess")
    assert found.elements == {"telecom"}


def test_modifiers_and_values_are_refused_even_when_nobody_is_strict() -> None:
    for asked in ("Practitioner?name:x=1", "Practitioner?_count=many", "PractitionerRole?_include=x"):
        with pytest.raises(SearchError):
            read(asked, strict=False)


def test_how_much_is_wanted_is_capped() -> None:
    assert read("Practitioner").count == 50
    assert read("Practitioner?_count=7").count == 7
    assert read("Practitioner?_count=999999999").count == COUNT_MAX


def test_ids_of_resources_and_situations_are_looked_up_as_they_are() -> None:
    assert read("Practitioner?_id=810001234567,x,810001234567").ids == ("810001234567", "x")
    assert read("Practitioner?_id=a%2Fb").ids == ()
    assert read("PractitionerRole?identifier=https://annuaire.sante.fr|F58").ids == ("F58",)
    assert read("PractitionerRole?identifier=F%2F58").ids == (resource_id("F/58"),)
    assert read("PractitionerRole?identifier=https://else.where|F58").ids == ()
    assert read("PractitionerRole?identifier=F58&_id=other").ids == ()
    assert read("Practitioner?name=x").ids is None


@pytest.mark.parametrize("holder", list(Holder))
def test_only_the_links_of_the_table_are_included(holder: Holder) -> None:
    for name in INCLUDES[holder]:
        assert read_search(holder, [("_include", f"{name}:Practitioner")]).includes == {name}
    for name in REVINCLUDES[holder]:
        assert read_search(holder, [("_revinclude", name)]).revincludes == {name}


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ("2026", (2026, 1, 1), (2027, 1, 1)),
        ("2026-12", (2026, 12, 1), (2027, 1, 1)),
        ("2026-01-31", (2026, 1, 31), (2026, 2, 1)),
        ("ge2026-01-31", (2026, 1, 31), None),
        ("gt2026-01-31", (2026, 2, 1), None),
        ("lt2026-01-31", None, (2026, 1, 31)),
        ("le2026-01-31", None, (2026, 2, 1)),
        ("ge2026-01-31T10:00:00%2B02:00", (2026, 1, 31, 8), None),
        ("lt2026-01-31T10:00:00.5Z", None, (2026, 1, 31, 10, 0, 0, 500_000)),
        ("ge2026-01-01&_lastUpdated=lt2026-02-01", (2026, 1, 1), (2026, 2, 1)),
    ],
)
def test_a_date_is_a_span_of_time(asked: str, since: tuple[int, ...] | None, until: tuple[int, ...] | None) -> None:
    def moment(parts: tuple[int, ...] | None) -> datetime | None:
        return None if parts is None else datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type] # parts of a date

    assert read(f"Practitioner?_lastUpdated={asked}").changed == Changed(moment(since), moment(until))


def test_what_has_no_date_is_only_found_when_none_is_asked() -> None:
    assert Changed().holds(None)
    assert not Changed(since=datetime(2026, 1, 1, tzinfo=UTC)).holds(None)
    assert Changed(until=datetime(2026, 1, 1, tzinfo=UTC)).holds(datetime(2025, 1, 1, tzinfo=UTC))
    assert not Changed(until=datetime(2026, 1, 1, tzinfo=UTC)).holds(datetime(2026, 1, 1, tzinfo=UTC))


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120).filter(
    lambda text: text.strip() == text and text
)


def escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in ",|$\\" else char for char in text)


@given(VALUES)
def test_a_text_stays_whole_in_one_leaf_whatever_it_holds(text: str) -> None:
    asked = urlencode([("family", escaped(text))])
    assert list(leaves(read(f"Practitioner?{asked}").condition)) == [Match(Field.FAMILY, How.STARTS, text)]


@given(VALUES)
def test_an_identifier_stays_whole_in_one_leaf_whatever_it_holds(text: str) -> None:
    asked = urlencode([("identifier", f"{systems.PERSON_OID}|{escaped(text)}")])
    assert list(leaves(read(f"Practitioner?{asked}").condition)) == [Match(Field.PERSON, How.EQUALS, text)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["name", "identifier", "mailbox-mss", "_id", "_count", "x:y", "_lastUpdated"]),
            st.text(max_size=40),
        ),
        max_size=5,
    ),
    st.sampled_from(list(Holder)),
)
def test_any_parameters_are_read_or_refused_and_never_more_than_was_said(
    pairs: list[tuple[str, str]], holder: Holder
) -> None:
    try:
        found = read_search(holder, pairs)
    except SearchError:
        return
    said = "".join(value for _, value in pairs)
    for leaf in leaves(found.condition):
        # The kind of a number may stand before it.
        assert leaf.value in said or leaf.value[1:] in said or "\\" in said


@given(st.text(max_size=60))
def test_splitting_loses_nothing(text: str) -> None:
    assert ",".join(split(text, ",")) == text


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("x", Token(None, "x")),
        ("|x", Token("", "x")),
        ("s|x", Token("s", "x")),
        ("s|", Token("s", "")),
        (r"s|a\|b", Token("s", "a|b")),
        ("s|a|b", Token("s", "a|b")),
        ("10a@b.mssante.fr", Token(None, "10a@b.mssante.fr")),
    ],
)
def test_tokens(text: str, token: Token) -> None:
    assert read_token(text) == token


def test_only_what_means_something_is_unescaped() -> None:
    assert unescape(r"a\,b\|c\$d\\e\x") == r"a,b|c$d\e\x"


def test_every_criterion_reads_and_refuses() -> None:
    for holder, criteria in CRITERIA.items():
        for name in criteria:
            assert read_search(holder, [(name, "true")], is_strict=True).ignored == ()
            with pytest.raises(SearchError):
                read_search(holder, [(name, "")])

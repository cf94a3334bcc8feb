"""Reading and searching through the FHIR door: what is answered, what is refused and how, and how far one may page."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from directory_shelf import UPDATED
from fhir_shelf import NAMELESS, PUBLIC, FhirShelf, directory_client, many_people

from mssante.doors.directory.gathering import REVERSE_MAX
from mssante.doors.directory.page_token import PageTokens
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Match
from mssante.wire.fhir.ids import resource_id
from mssante.wire.fhir.search import COUNT_MAX

BASE = "/fhir/v2"


async def get(path: str, shelf: FhirShelf | None = None, **headers: str) -> httpx2.Response:
    async with directory_client(shelf or FhirShelf()) as client:
        return await client.get(
            f"{BASE}{path}", headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def ids(bundle: Any, mode: str = "match") -> list[str]:  # noqa: ANN401 - JSON
    return [one["resource"]["id"] for one in bundle["entry"] if one["search"]["mode"] == mode]


def said(answer: httpx2.Response) -> tuple[int, str, str]:
    """Return the status, the code of the issue and of the message."""
    [issue] = answer.json()["issue"]
    coding = issue["details"].get("coding", [{}])[0]
    return answer.status_code, issue["code"], coding.get("code", "")


async def test_a_resource_is_read_by_its_id() -> None:
    answer = await get("/Practitioner/810001234567")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert answer.json()["name"][0]["family"] == "DUPONT"
    nameless = await get(f"/Practitioner/{resource_id(NAMELESS.identifier)}")
    assert nameless.json()["telecom"][0]["value"] == "personne@domain.mssante.fr"


async def test_what_is_held_already_is_not_sent_again() -> None:
    first = await get("/Organization/1440000289")
    assert first.headers["etag"].startswith('W/"')
    again = await get("/Organization/1440000289", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert (await get("/Organization/1440000289", if_none_match='W/"old"')).status_code == 200


async def test_head_answers_without_the_resource() -> None:
    async with directory_client(FhirShelf()) as client:
        for path in ("/Practitioner", "/Practitioner/810001234567", "/metadata", ""):
            answer = await client.head(f"{BASE}{path}?_type=Organization" if not path else f"{BASE}{path}")
            assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/Practitioner/none", "/PractitionerRole/810001234567", "/Organization/" + "x" * 65, "/Practitioner/a%20b"]
)
async def test_what_is_not_there_is_not_found(path: str) -> None:
    assert said(await get(path)) == (404, "not-found", "MSG_NO_EXIST")


@pytest.mark.parametrize("path", ["/Patient", "/Practitioner/1/_history", "/Practitioner/", "/metadata/"])
async def test_other_addresses_are_not_served(path: str) -> None:
    answer = await get(path)
    assert said(answer) == (404, "not-supported", "")
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_other_methods_are_not_served(method: str) -> None:
    async with directory_client(FhirShelf()) as client:
        answer = await client.request(method, f"{BASE}/Practitioner/810001234567")
    assert answer.status_code == 405
    assert {one.strip() for one in answer.headers["allow"].split(",")} == {"GET", "HEAD", "PATCH"}


async def test_metadata_are_for_everybody() -> None:
    async with directory_client(FhirShelf(), key="") as client:
        answer = await client.get(f"{BASE}/metadata")
    assert answer.json()["implementation"]["url"] == f"{PUBLIC}{BASE}"


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/v2/Practitioner",
        "/fhir/v2/Practitioner/810001234567",
        "/fhir/v2?_type=Practitioner",
        "/api/v1/directory?q=x",
        "/api/v1/directory/complete?q=du",
    ],
)
async def test_strangers_learn_nothing(path: str) -> None:
    shelf = FhirShelf()
    async with directory_client(shelf, key="") as client:
        answer = await client.get(path)
        wrong = await client.get(path, headers={"ESANTE-API-KEY": "cle"})
        patched = await client.patch("/fhir/v2/Practitioner/810001234567", content=b"{}")
    assert (answer.status_code, wrong.status_code, patched.status_code) == (401, 401, 401)
    assert "Bearer" in answer.headers["www-authenticate"]
    assert shelf.asked == []


@pytest.mark.parametrize("authorization", ["Bearer jeton", "Basic amVhbjptb3QtZGUtcGFzc2U=", "bearer jeton"])
async def test_tokens_and_passwords_open_as_keys_do(authorization: str) -> None:
    async with directory_client(FhirShelf(), key="") as client:
        answer = await client.get(f"{BASE}/Practitioner", headers={"Authorization": authorization})
    assert answer.status_code == 200


async def test_a_search_finds_with_links_and_total() -> None:
    bundle = (await get("/Practitioner?mailbox-mss:contains=%40")).json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 3)
    assert ids(bundle) == ["810001234567", "810007654321", resource_id(NAMELESS.identifier)]
    assert bundle["entry"][0]["fullUrl"] == f"{PUBLIC}{BASE}/Practitioner/810001234567"
    assert bundle["link"] == [{"relation": "self", "url": f"{PUBLIC}{BASE}/Practitioner?mailbox-mss%3Acontains=%40"}]


async def test_links_are_made_of_our_own_address_whatever_host_is_asked() -> None:
    answer = await get("/Practitioner?_count=1", host="evil.test", x_forwarded_host="evil.test")
    assert "evil" not in answer.text


async def test_a_posted_search_is_the_same_search() -> None:
    async with directory_client(FhirShelf()) as client:
        found = await client.post(f"{BASE}/Practitioner/_search?_count=50", data={"mailbox-mss:contains": "@"})
        assert ids(found.json()) == ids((await client.get(f"{BASE}/Practitioner?mailbox-mss:contains=%40")).json())
        assert (await client.post(f"{BASE}/Practitioner/_search", content=b"{}")).status_code == 400
        big = await client.post(f"{BASE}/Practitioner/_search", data={"name": "x" * 70_000})
        assert said(big)[:2] == (413, "too-long")


async def test_several_types_come_one_after_the_other_through_pages() -> None:
    shelf, found, where = FhirShelf(), [], "?_type=Practitioner,PractitionerRole,Organization&_count=2"
    for _ in range(10):
        bundle = (await get(where, shelf)).json()
        found += [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle["entry"]]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            break
        where = following[0].removeprefix(f"{PUBLIC}{BASE}")
    assert len(found) == len(set(found)) == 7
    assert [one.partition("/")[0] for one in found] == ["Practitioner"] * 4 + ["PractitionerRole"] + [
        "Organization"
    ] * 2


@pytest.mark.parametrize("query", ["", "?_type=", "?_type=Practitioner,Patient", "?mailbox-mss=x"])
async def test_a_search_of_several_types_says_which(query: str) -> None:
    assert said(await get(query)) == (400, "invalid", "MSG_BAD_FORMAT")


@pytest.mark.parametrize(
    "query", ["_format=json", "_format=application/fhir%2Bjson", "_format=application/fhir+json", "_pretty=true"]
)
async def test_json_is_served_by_its_names(query: str) -> None:
    assert (await get(f"/Practitioner?{query}", accept="text/html")).status_code == (406 if "_pretty" in query else 200)


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/fhir+xml", 406), ("text/html, */*;q=0.1", 200), ("", 200), ("application/json", 200)],
)
async def test_what_is_accepted_is_respected(accept: str, status: int) -> None:
    assert (await get("/Practitioner", accept=accept)).status_code == status
    assert (await get("/Practitioner/810001234567", accept=accept)).status_code == status
    assert (await get("/Practitioner?_format=xml", accept=accept)).status_code == 406


async def test_unknown_parameters_are_named_or_refused_as_the_asker_prefers() -> None:
    lenient = (await get("/Practitioner?nom=x&_count=1")).json()
    [remark] = [one for one in lenient["entry"] if one["search"]["mode"] == "outcome"]
    assert remark["resource"]["issue"][0]["diagnostics"] == "ignored: nom"
    assert "nom" not in lenient["link"][0]["url"]
    strict = await get("/Practitioner?nom=x", prefer="return=minimal, handling = strict")
    assert said(strict) == (400, "invalid", "MSG_BAD_FORMAT")
    assert "nom" in strict.json()["issue"][0]["diagnostics"]


async def test_elements_are_marked() -> None:
    bundle = (await get("/Practitioner?_elements=telecom&_count=1")).json()
    assert set(bundle["entry"][0]["resource"]) == {"resourceType", "id", "meta", "telecom"}


async def test_ids_are_looked_up_and_unknown_ones_left_out() -> None:
    bundle = (await get("/Practitioner?_id=810001234567,nobody")).json()
    assert (ids(bundle), bundle["total"]) == (["810001234567"], 1)
    role = (await get("/PractitionerRole?identifier=https://annuaire.sante.fr|F58000880311022013")).json()
    assert ids(role) == ["F58000880311022013"]


async def test_a_date_narrows_what_is_found() -> None:
    day = UPDATED.date().isoformat()
    assert ids((await get(f"/Practitioner?_lastUpdated=ge{day}")).json()) == ["810001234567"]
    assert ids((await get(f"/Practitioner?_lastUpdated=lt{day}")).json()) == ["810007654321"]


async def test_links_are_followed_both_ways_with_their_mailboxes() -> None:
    forth = (
        await get("/PractitionerRole?_include=PractitionerRole:practitioner&_include=PractitionerRole:organization")
    ).json()
    assert ids(forth, "include") == ["810001234567", "1440000289"]
    assert forth["entry"][1]["resource"]["telecom"]
    back = (await get("/Practitioner?_revinclude=PractitionerRole:practitioner")).json()
    assert ids(back, "include") == ["F58000880311022013"]
    place = (await get("/Organization?_revinclude=PractitionerRole:organization")).json()
    assert ids(place, "include") == ["F58000880311022013"]


async def test_what_is_included_is_bounded_and_said_to_be() -> None:
    shelf = FhirShelf()
    role = shelf.held[4]
    shelf.held += [role] * (REVERSE_MAX + 50)
    bundle = (await get("/Practitioner?_revinclude=PractitionerRole:practitioner", shelf)).json()
    assert len(ids(bundle, "include")) == REVERSE_MAX
    assert bundle["entry"][-1]["resource"]["issue"][0]["code"] == "incomplete"


async def test_a_page_never_holds_more_than_the_cap() -> None:
    shelf = FhirShelf(many_people(COUNT_MAX * 3))
    bundle = (await get("/Practitioner?_count=999999999", shelf)).json()
    assert len(ids(bundle)) == COUNT_MAX
    assert "total" not in bundle
    assert (await get("/Practitioner?_count=1000000000", shelf)).status_code == 400


async def test_pages_lead_to_the_end_without_loss() -> None:
    shelf, found, where, pages = FhirShelf(many_people(95)), [], "/Practitioner?_count=20&_total=accurate", 0
    while where:
        bundle = (await get(where, shelf)).json()
        found += ids(bundle)
        pages += 1
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        where = links.get("next", "").removeprefix(f"{PUBLIC}{BASE}")
    assert (len(found), len(set(found)), pages) == (95, 95, 5)


async def test_a_token_is_of_its_caller_and_its_search() -> None:
    shelf = FhirShelf(many_people(9))
    bundle = (await get("/Practitioner?family=DUPONT&_count=2", shelf)).json()
    token = parse_qs(urlsplit(bundle["link"][1]["url"]).query)["_page_token"][0]
    good = (await get(f"/Practitioner?family=DUPONT&_count=3&_page_token={token}", shelf)).json()
    assert ids(good) == ["810000000003", "810000000004", "810000000005"]
    for query in (
        f"family=DUP&_page_token={token}",
        f"family=DUPONT&_page_token={token[:-1]}",
        f"family=DUPONT&_page_token={'A' * 34}",
        f"_page_token={token}",
    ):
        assert said(await get(f"/Practitioner?{query}", shelf)) == (400, "invalid", "MSG_BAD_FORMAT")
    assert (await get(f"/Organization?family=DUPONT&_page_token={token}", shelf)).status_code == 400
    async with directory_client(shelf, key="cle-d-un-autre") as other:
        assert (await other.get(f"{BASE}/Practitioner?family=DUPONT&_page_token={token}")).status_code == 400


def test_a_token_hides_nothing_that_can_be_changed() -> None:
    tokens = PageTokens(b"k" * 16)
    made = tokens.write("a", "Practitioner", [("name", "x")], (0, 41))
    assert tokens.read(made, "a", "Practitioner", [("name", "x"), ("_count", "7")]) == (0, 41)
    assert tokens.read(tokens.write("a", "P", [], (2, None)), "a", "P", []) == (2, None)
    for at in range(len(made)):
        changed = made[:at] + ("A" if made[at] != "A" else "B") + made[at + 1 :]
        assert tokens.read(changed, "a", "Practitioner", [("name", "x")]) is None
    assert PageTokens(b"j" * 16).read(made, "a", "Practitioner", [("name", "x")]) is None
    for odd in ("", "é", "=", "*" * 34, "A" * 400):
        assert tokens.read(odd, "a", "Practitioner", []) is None
    with pytest.raises(ValueError, match="16 bytes"):
        PageTokens(b"short")


async def test_a_spent_budget_stops_the_harvest_and_says_when_to_come_back() -> None:
    shelf = FhirShelf(many_people(500), budget=150)
    where, read = "/Practitioner?_count=50", 0
    for _ in range(4):
        answer = await get(where, shelf)
        if answer.status_code != 200:
            break
        read += len(ids(answer.json()))
        where = answer.json()["link"][1]["url"].removeprefix(f"{PUBLIC}{BASE}")
    assert (read, said(answer)) == (150, (429, "throttled", ""))
    assert int(answer.headers["retry-after"]) > 0


async def test_a_search_that_was_cut_says_so() -> None:
    bundle = (await get("/Practitioner?_total=accurate", FhirShelf(many_people(9), cut_after=3))).json()
    assert len(ids(bundle)) == 3
    assert "total" not in bundle
    assert [one["code"] for one in bundle["entry"][-1]["resource"]["issue"]] == ["too-costly", "informational"]


@pytest.mark.parametrize("kind", [Kind.DIRECTORY_UNAVAILABLE, Kind.QUERY_UNCLEAR, Kind.BUDGET_SPENT])
@pytest.mark.parametrize("path", ["/Practitioner", "/Practitioner?_id=1", "/Practitioner/1", "?_type=Organization"])
async def test_refusals_of_the_directory_are_handed_on(kind: Kind, path: str) -> None:
    answer = await get(path, FhirShelf(refusal=Refusal(kind, "x", "words", french="Mots accentués")))
    assert (
        answer.status_code == {Kind.DIRECTORY_UNAVAILABLE: 503, Kind.QUERY_UNCLEAR: 400, Kind.BUDGET_SPENT: 429}[kind]
    )
    assert answer.json()["issue"][0]["details"]["text"] == "Mots accentués"


async def test_a_value_with_quotes_and_sql_reaches_the_directory_as_one_value() -> None:
    shelf = FhirShelf()
    hostile = "x' OR 1=1; DROP TABLE mailbox --"
    async with directory_client(shelf) as client:
        answer = await client.get(f"{BASE}/Practitioner", params={"mailbox-mss": hostile})
    assert answer.json()["total"] == 0
    [(_, condition)] = shelf.asked
    assert isinstance(condition, Match)
    assert condition.value == hostile


@pytest.mark.parametrize("query", ["name=%FF", "name=é".encode("latin-1").decode("latin-1"), "&".join(["name=x"] * 61)])
async def test_queries_that_are_no_text_are_refused(query: str) -> None:
    answer = await get(f"/Practitioner?{query}")
    assert answer.status_code in {200, 400}
    assert (answer.status_code == 200) == ("é" in query)


async def test_long_queries_are_refused() -> None:
    assert said(await get("/Practitioner?name=" + "x" * 9000))[:2] == (414, "too-long")


async def test_every_answer_is_closed_to_browsers_and_caches() -> None:
    for path in ("/Practitioner", "/Practitioner/none", "/metadata", "/nothing"):
        headers = (await get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["strict-transport-security"]

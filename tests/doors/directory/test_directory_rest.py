"""The search for software: ranked addresses with their reasons, filters, completion, refusals as problems."""

from typing import Any

import pytest
from fhir_shelf import FhirShelf, directory_client

from mssante.model.decision import Kind, Refusal
from mssante.model.directory_search import Filters

PATH = "/api/v1/directory"


async def get(path: str, shelf: FhirShelf | None = None) -> tuple[int, Any]:
    async with directory_client(shelf or FhirShelf()) as client:
        answer = await client.get(f"{PATH}{path}")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == (
        "application/json" if answer.status_code == 200 else "application/problem+json"
    )
    return answer.status_code, answer.json()


async def test_addresses_come_with_their_reasons() -> None:
    status, found = await get("?q=dupont+nantes")
    assert (status, found["truncated"]) == (200, False)
    [entry] = found["entries"]
    assert entry["address"] == "jean.dupont@chu-nantes.mssante.fr"
    assert (entry["kind"], entry["name"], entry["reasons"]) == ("PER", "Jean DUPONT", ["Nom exact"])
    assert entry["professional"]["specialities"] == [{"code": "SM04", "label": "Cardiologie"}]
    assert (entry["structure"]["town"], entry["structure"]["sign"]) == ("NANTES", "HÔTEL-DIEU")


async def test_who_has_no_mailbox_is_found_without_address() -> None:
    _, found = await get("?q=sansboite")
    assert [(one["address"], one["kind"], one["name"]) for one in found["entries"]] == [("", "", "Paul SANSBOITE")]


async def test_a_limit_is_kept_and_what_is_left_out_is_said() -> None:
    _, found = await get("?q=dupont&limit=1")
    assert (len(found["entries"]), found["truncated"]) == (1, True)


async def test_filters_reach_the_directory_as_they_are() -> None:
    shelf = FhirShelf()
    await get(
        "?q=x&profession=10&speciality=SM04&town=Nantes&postcode=44000&department=44&structure=chu&kind=ORG&name=n&given=g&street=s&address=a&identifier=1",
        shelf,
    )
    [(_, filters)] = shelf.asked
    assert filters == Filters("n", "g", "10", "SM04", "chu", "s", "44000", "Nantes", "a", "1", "ORG")
    await get("?department=44", shelf)
    assert shelf.asked[1] == ("search", Filters(postcode="44"))


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("", "q: says"),
        ("?q=", "q: says"),
        ("?q=%20", "q: says"),
        ("?nom=x", "'nom' is no parameter"),
        ("?q=a&q=b", "q: stands there twice"),
        ("?q=a%00", "q: longer"),
        ("?q=" + "a" * 201, "q: longer"),
        ("?q=a&limit=0", "limit: is no number"),
        ("?q=a&limit=101", "limit: is no number"),
        ("?q=a&limit=x", "limit: is no number"),
        ("?q=%FF", "UTF-8"),
        ("/complete", "q: the letters"),
        ("/complete?q=du&limit=21", "limit: is no number"),
        ("/complete?q=du&town=x", "'town' is no parameter"),
    ],
)
async def test_questions_that_are_unclear_are_refused_by_their_part(query: str, part: str) -> None:
    status, found = await get(query)
    assert (status, found["status"]) == (400, 400)
    assert part in found["part"]
    assert found["detail"].endswith(".")


async def test_words_are_completed_from_two_letters_on() -> None:
    assert await get("/complete?q=dup") == (200, {"suggestions": ["dupont", "dupre"]})
    assert await get("/complete?q=dup&limit=1") == (200, {"suggestions": ["dupont"]})
    assert await get("/complete?q=d") == (200, {"suggestions": []})
    assert await get("/complete?q=") == (200, {"suggestions": []})


@pytest.mark.parametrize("path", ["?q=x", "/complete?q=du"])
@pytest.mark.parametrize(
    ("kind", "status"), [(Kind.BUDGET_SPENT, 429), (Kind.DIRECTORY_UNAVAILABLE, 503), (Kind.QUERY_UNCLEAR, 400)]
)
async def test_refusals_of_the_directory_are_handed_on(path: str, kind: Kind, status: int) -> None:
    found = await get(path, FhirShelf(refusal=Refusal(kind, "x", "words", french="Avec des mots.")))
    assert found == (
        status,
        {"title": "Demande refusée", "status": status, "detail": "Avec des mots.", "kind": kind.value, "part": "words"},
    )


async def test_other_addresses_and_methods_are_problems_too() -> None:
    async with directory_client(FhirShelf()) as client:
        missing, posted = await client.get("/api/v2"), await client.post(PATH)
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert (posted.status_code, set(posted.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})

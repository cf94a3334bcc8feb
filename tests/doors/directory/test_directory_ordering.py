"""The order of FHIR searches: what fits on a page is sorted, anything else is refused with what to do.

Source: FHIR R4 search (_sort); reliability.md D09.
"""

from typing import Any

import httpx2
import pytest
from fhir_shelf import FhirShelf, directory_client, many_people

BASE = "/fhir/v2"


async def get(path: str, shelf: FhirShelf | None = None) -> httpx2.Response:
    async with directory_client(shelf or FhirShelf()) as client:
        return await client.get(f"{BASE}{path}")


def families(bundle: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [one["resource"]["name"][0]["family"] for one in bundle["entry"] if one["search"]["mode"] == "match"]


def refusal(answer: httpx2.Response) -> str:
    assert answer.status_code == 400, answer.text
    [issue] = answer.json()["issue"]
    return str(issue["details"]["text"])


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("family", ["D'ÉTÉ-DUPRÉ", "DUPONT", "SANSBOITE", "SANSRPPS"]),
        ("-family", ["SANSRPPS", "SANSBOITE", "DUPONT", "D'ÉTÉ-DUPRÉ"]),
        ("name,-_id", ["D'ÉTÉ-DUPRÉ", "DUPONT", "SANSBOITE", "SANSRPPS"]),
    ],
)
async def test_professionals_that_fit_on_a_page_are_sorted(sort: str, found: list[str]) -> None:
    answer = await get(f"/Practitioner?_sort={sort}")
    assert answer.status_code == 200, answer.text
    assert families(answer.json()) == found
    assert f"_sort={sort}".replace(",", "%2C") in answer.json()["link"][0]["url"]


async def test_ids_are_sorted_as_they_are_written() -> None:
    answer = await get("/Practitioner?_sort=-_id")
    found = [one["resource"]["id"] for one in answer.json()["entry"]]
    assert found == sorted(found, reverse=True)
    assert len(found) == 4


async def test_structures_are_sorted_by_name_and_situations_too() -> None:
    answer = await get("/Organization?_sort=-name")
    names = [one["resource"]["name"] for one in answer.json()["entry"]]
    assert names == sorted(names, reverse=True)
    assert len(names) == 2
    assert (await get("/PractitionerRole?_sort=family")).status_code == 200


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/Practitioner?_sort=birthdate", "Practitioner se trie par family, name, _id"),
        ("/Practitioner?_sort=", "se trie par"),
        ("/Practitioner?_sort:asc=family", "se trie par"),
        ("/Practitioner?_sort=family,name,_id,-family", "se trie par"),
        ("/Organization?_sort=family", "Organization se trie par name, _id"),
        ("?_type=Practitioner,Organization&_sort=name", "un seul type"),
        ("/Practitioner?_sort=family&_count=2", "plus d'une page ne se trie pas : précisez la recherche"),
    ],
)
async def test_an_order_that_is_not_served_is_refused_with_what_to_do(path: str, words: str) -> None:
    assert words in refusal(await get(path))


async def test_a_result_of_several_pages_is_never_sorted() -> None:
    shelf = FhirShelf(many_people(250))
    assert "_count=100" in refusal(await get("/Practitioner?_sort=family&_count=100", shelf))
    first = await get("/Practitioner?_count=100", shelf)
    following = next(one["url"] for one in first.json()["link"] if one["relation"] == "next")
    path = following.partition(BASE)[2]
    assert (await get(f"{path}&_sort=family", shelf)).status_code == 400

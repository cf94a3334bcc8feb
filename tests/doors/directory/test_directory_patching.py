"""Patches through the door: every example of the national draft, the answers it names, and what changes for good."""

import json
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from directory_shelf import HOSPITAL, JEAN
from fhir_shelf import FhirShelf, Found, box, directory_client, sample

from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Place
from mssante.model.mailbox import MailboxType
from mssante.wire.fhir import systems

Json = dict[str, Any]
BASE = "/fhir/v2"
PATCH = {"Content-Type": "application/fhir+json"}
BY_ID = {"Practitioner": "810001234567", "PractitionerRole": "F58000880311022013", "Organization": "1440000289"}
FOUND = {
    "Practitioner": "identifier=https://rpps.esante.gouv.fr|10001234567",
    "PractitionerRole": "practitioner.identifier=urn:oid:1.2.250.1.71.4.2.1|810001234567&organization.identifier=http://finess.sante.gouv.fr|440000289",
    "Organization": "identifier=http://finess.sante.gouv.fr|440000289",
}


def stocked(address: str, kind: str) -> FhirShelf:
    """Return a directory where Jean, his situation and the hospital have that mailbox too, of that type."""
    held: list[Found] = []
    for one in sample():
        holder = one.structure if isinstance(one, Place) else one.professional
        mine = (box(address, MailboxType(kind)),) if holder in (JEAN, HOSPITAL) else ()
        held.append(replace(one, mailboxes=(*one.mailboxes, *mine)))
    return FhirShelf(held)


def operation(verb: str, path: str, *parts: Json) -> Json:
    return {
        "name": "operation",
        "part": [{"name": "type", "valueCode": verb}, {"name": "path", "valueString": path}, *parts],
    }


def patch(*operations: Json) -> bytes:
    return json.dumps({"resourceType": "Parameters", "parameter": operations}).encode()


def contact(address: str, kind: str, **more: Any) -> Json:  # noqa: ANN401 - JSON
    parts = [{"url": "type", "valueCode": kind}]
    return {"system": "email", "value": address, "extension": [{"url": systems.METADATA, "extension": parts}], **more}


def inserted(resource: str, address: str, kind: str) -> Json:
    return operation(
        "insert",
        f"{resource}.telecom",
        {"name": "index", "valueInteger": 0},
        {"name": "value", "valueContactPoint": contact(address, kind)},
    )


def of(resource: str, address: str, rest: str = "") -> str:
    return f"{resource}.telecom.where(value = '{address}'){rest}"


async def send(shelf: FhirShelf, path: str, body: bytes, **headers: str) -> httpx2.Response:
    async with directory_client(shelf) as client:
        return await client.patch(
            f"{BASE}/{path}",
            content=body,
            headers={**PATCH, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )


def said(answer: httpx2.Response) -> tuple[int, str, str]:
    [issue] = answer.json()["issue"]
    return answer.status_code, issue["code"], issue["details"].get("coding", [{}])[0].get("code", "")


def telecom(answer: httpx2.Response) -> dict[str, Json]:
    return {one["value"]: one for one in answer.json()["telecom"] if one["system"] == "email"}


def part(one: Json, name: str) -> Any:  # noqa: ANN401 - JSON
    found = [extension for extension in one["extension"][1]["extension"] if extension["url"] == name]
    return next(value for key, value in found[0].items() if key != "url") if found else None


async def test_every_example_of_the_draft_works_by_id_and_by_identifier(draft: Any) -> None:  # noqa: ANN401 - YAML
    seen = 0
    for path, operations in draft["paths"].items():
        content = operations.get("patch", {}).get("requestBody", {}).get("content", {}).get("application/fhir+json", {})
        resource = path.split("/")[1]
        for name, example in content.get("examples", {}).items():
            await one_example(
                f"{resource}/{BY_ID[resource]}" if "{id}" in path else f"{resource}?{FOUND[resource]}",
                name,
                example["value"],
            )
            seen += 1
    assert seen == 40


async def one_example(where: str, name: str, value: Json) -> None:
    resource = where.split("/", maxsplit=1)[0].split("?", maxsplit=1)[0]
    address = "structure@domain.mssante.fr" if resource == "Organization" else "prenom.nom@domain.mssante.fr"
    kind = "ORG" if resource == "Organization" else "CAB" if "CAB" in name else "PER"
    shelf = FhirShelf() if "insert" in name else stocked(address, kind)
    answer = await send(shelf, where, json.dumps(value).encode())
    assert answer.status_code == 200, (where, name, answer.text)
    boxes = telecom(answer)
    assert (address in boxes) == ("delete" not in name), name
    if "delete" in name:
        return
    if "Rank" in name or "ContactPoint" in name:
        assert boxes[address]["rank"] == 1
    assert part(boxes[address], "type")["coding"][0] == {"system": systems.BOX_TYPE, "code": kind}
    _, said_red, rest = json.dumps(value).partition('"url": "listeRouge", "valueBoolean": ')
    if said_red:
        assert part(boxes[address], "listeRouge") == rest.startswith("true")


@pytest.mark.parametrize("resource", list(BY_ID))
async def test_reads_of_the_draft_are_answered(resource: str) -> None:
    async with directory_client(FhirShelf()) as client:
        params = {
            "mailbox-mss-type": "https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie|PER",
            "_elements": "identifier,telecom",
            "_count": "50",
        }
        answer = await client.get(f"{BASE}/{resource}", params=params)
        several = await client.get(f"{BASE}/", params={"_type": "Practitioner,PractitionerRole", **params})
    assert answer.status_code == several.status_code == 200
    assert (
        [one["search"]["mode"] for one in answer.json()["entry"]] == ["match"] * answer.json()["total"]
        if "entry" in answer.json()
        else True
    )
    assert {one["resource"]["resourceType"] for one in several.json()["entry"]} == {"Practitioner", "PractitionerRole"}


async def test_several_operations_are_done_in_order_and_all_or_none() -> None:
    shelf = FhirShelf()
    good = [
        inserted("Organization", "urgences@chu-nantes.mssante.fr", "ORG"),
        operation(
            "replace",
            of("Organization", "urgences@chu-nantes.mssante.fr", ".rank"),
            {"name": "value", "valueInteger": 4},
        ),
        operation("delete", of("Organization", "robot@chu-nantes.mssante.fr")),
    ]
    answer = await send(shelf, "Organization/1440000289", patch(*good))
    assert (set(telecom(answer)), telecom(answer)["urgences@chu-nantes.mssante.fr"]["rank"]) == (
        {"cardiologie@chu-nantes.mssante.fr", "urgences@chu-nantes.mssante.fr"},
        4,
    )
    before = list(shelf.held)
    bad = [
        operation("delete", of("Organization", "cardiologie@chu-nantes.mssante.fr")),
        operation("delete", of("Organization", "nobody@chu-nantes.mssante.fr")),
    ]
    assert said(await send(shelf, "Organization/1440000289", patch(*bad))) == (404, "not-found", "MSG_NO_EXIST")
    assert shelf.held == before


async def test_an_address_that_is_known_is_refused() -> None:
    answer = await send(
        FhirShelf(),
        "Practitioner/810007654321",
        patch(inserted("Practitioner", "Jean.Dupont@medecin.mssante.fr", "PER")),
    )
    assert said(answer) == (422, "duplicate", "MSG_PARAM_NO_REPEAT")


@pytest.mark.parametrize(
    ("where", "reply"),
    [
        ("Practitioner/nobody", (404, "not-found", "MSG_NO_EXIST")),
        ("Practitioner/a%20b", (404, "not-found", "MSG_NO_EXIST")),
        ("Practitioner?identifier=https://rpps.esante.gouv.fr|10009999998", (404, "not-found", "MSG_NO_EXIST")),
        ("Practitioner?mailbox-mss:contains=%40", (412, "multiple-matches", "SEARCH_MULTIPLE")),
        ("Practitioner?address-city=x&nom=y", (400, "invalid", "MSG_BAD_FORMAT")),
        ("Practitioner", (400, "invalid", "MSG_BAD_FORMAT")),
        ("Practitioner?active=true", (400, "invalid", "MSG_BAD_FORMAT")),
        ("Practitioner?_count=1", (400, "invalid", "MSG_BAD_FORMAT")),
        ("Practitioner?identifier=", (400, "invalid", "MSG_BAD_FORMAT")),
        ("Practitioner?_id=nobody", (404, "not-found", "MSG_NO_EXIST")),
        ("Practitioner?_id=810001234567,810007654321", (412, "multiple-matches", "SEARCH_MULTIPLE")),
    ],
)  # fmt: skip
async def test_the_draft_names_the_answers(where: str, reply: tuple[int, str, str]) -> None:
    shelf = FhirShelf()
    answer = await send(shelf, where, patch(inserted("Practitioner", "new@medecin.mssante.fr", "PER")))
    assert said(answer) == reply
    assert shelf.held == list(sample())


async def test_a_search_that_was_cut_cannot_tell_who_is_meant() -> None:
    shelf = FhirShelf([sample()[0], sample()[0]], cut_after=1)
    answer = await send(
        shelf, f"Practitioner?{FOUND['Practitioner']}", patch(inserted("Practitioner", "new@medecin.mssante.fr", "PER"))
    )
    assert said(answer) == (412, "multiple-matches", "SEARCH_MULTIPLE")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (b"{}", (400, "invalid", "MSG_BAD_FORMAT")),
        (b"", (400, "invalid", "MSG_BAD_FORMAT")),
        (patch(operation("delete", "Organization.telecom")), (400, "invalid", "MSG_BAD_FORMAT")),
        (b" " * 70_000, (413, "too-long", "")),
        (patch(operation("replace", of("Practitioner", "jean.dupont@medecin.mssante.fr", ".value"), {"name": "value", "valueString": "x"})), (422, "business-rule", "")),
        (patch(operation("replace", of("Practitioner", "jean.dupont@medecin.mssante.fr"), {"name": "value", "valueContactPoint": contact("jean.dupont@medecin.mssante.fr", "CAB")})), (422, "business-rule", "")),
        (patch(operation("replace", of("Practitioner", "jean.dupont@medecin.mssante.fr", f".extension('{systems.METADATA}').extension('description').value"), {"name": "value", "valueString": "x"})), (400, "invalid", "MSG_BAD_FORMAT")),
    ],
)  # fmt: skip
async def test_patches_that_cannot_be_done_are_refused_before_anything_changes(
    body: bytes, reply: tuple[int, str, str]
) -> None:
    shelf = FhirShelf()
    assert said(await send(shelf, "Practitioner/810001234567", body)) == reply
    assert not [one for one in shelf.asked if one[0] == "change"]


async def test_the_wrong_part_is_named() -> None:
    bad = patch(
        inserted("Practitioner", "a@b.mssante.fr", "PER"),
        operation("delete", of("Practitioner", "a@b.mssante.fr", ".system")),
    )
    answer = await send(FhirShelf(), "Practitioner/810001234567", bad)
    assert answer.json()["issue"][0]["diagnostics"].startswith("operation 2: the path has '.system' at character")


@pytest.mark.parametrize("media_type", ["application/json-patch+json", "application/fhir+xml", "text/plain", ""])
async def test_only_fhir_json_is_taken(media_type: str) -> None:
    answer = await send(
        FhirShelf(),
        "Practitioner/810001234567",
        patch(inserted("Practitioner", "a@b.mssante.fr", "PER")),
        Content_Type=media_type,
    )
    assert answer.status_code == 415


async def test_a_resource_that_changed_meanwhile_is_not_patched() -> None:
    shelf = FhirShelf()
    body = patch(inserted("Organization", "new@chu-nantes.mssante.fr", "ORG"))
    async with directory_client(shelf) as client:
        etag = (await client.get(f"{BASE}/Organization/1440000289")).headers["etag"]
    assert (await send(shelf, "Organization/1440000289", body, If_Match='W/"old"')).status_code == 412
    done = await send(shelf, "Organization/1440000289", body, If_Match=etag)
    assert (done.status_code, done.headers["etag"] != etag) == (200, True)
    again = await send(shelf, "Organization/1440000289", body, If_Match=etag)
    assert again.status_code == 412


@pytest.mark.parametrize(
    ("kind", "status"), [(Kind.NOT_YOURS, 403), (Kind.DIRECTORY_UNAVAILABLE, 503), (Kind.BUDGET_SPENT, 429)]
)
async def test_refusals_of_the_directory_are_handed_on(kind: Kind, status: int) -> None:
    shelf = FhirShelf(refusal=Refusal(kind, "x", "words"))
    for where in ("Practitioner/810001234567", f"Practitioner?{FOUND['Practitioner']}", "Practitioner?_id=1"):
        answer = await send(shelf, where, patch(inserted("Practitioner", "a@b.mssante.fr", "PER")))
        assert answer.status_code == status


async def test_a_quote_in_an_address_stays_in_the_address() -> None:
    shelf = FhirShelf()
    odd = "d'arc@chu-nantes.mssante.fr"
    path = f"Organization/{HOSPITAL.identifier}"
    assert odd in telecom(await send(shelf, path, patch(inserted("Organization", odd, "ORG"))))
    escaped = odd.replace("'", "\\'")
    answer = await send(shelf, path, patch(operation("delete", of("Organization", escaped))))
    assert (answer.status_code, odd in telecom(answer)) == (200, False)
    trick = await send(shelf, path, patch(operation("delete", of("Organization", "x' or 'a' = 'a"))))
    assert said(trick) == (400, "invalid", "MSG_BAD_FORMAT")
    assert "robot@chu-nantes.mssante.fr" in telecom(answer)

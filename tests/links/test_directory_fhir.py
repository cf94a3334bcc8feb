"""Patches and questions sent to another directory over real TLS: ours behind its own door, and servers that say anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from directory_shelf import HOSPITAL as PLACE
from directory_shelf import JEAN
from fhir_https import HttpsDoor, directory_https
from fhir_shelf import FhirShelf, box, directory_app, many_people
from https_server import authority
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mssante.links.directory_fhir import (
    ANSWER_MAX_BYTES,
    PAGE_MAX_BYTES,
    PAGES_MAX,
    REFUSALS,
    ClientCertificate,
    FhirDirectory,
    judged,
)
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import AddMailbox, ChangeMailbox, Holder, RemoveMailbox, Target
from mssante.model.errors import ConfigError
from mssante.model.mailbox import MailboxType
from mssante.model.publication import Accepted, RefusedByDirectory, Unreachable

HOSPITAL = Target(Holder.PLACE, "1440000289")
NEW = AddMailbox(box("urgences@chu-nantes.mssante.fr", MailboxType.ORG, service="Urgences", responsible="Dr X", rank=2))


class Pair:
    """Another directory with its door, and links to it."""

    def __init__(self, shelf: FhirShelf, door: HttpsDoor) -> None:
        self.shelf, self.door = shelf, door

    def link(self, **more: Any) -> FhirDirectory:  # noqa: ANN401 - any setting
        settings = {"api_key": "cle-du-chu", "calls_per_second": 1e6, **more}
        return FhirDirectory(f"{self.door.url}/fhir/v2/", (self.door.root,), **settings)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    shelf = FhirShelf()
    async with directory_https(directory_app(shelf), tmp_path) as door:
        yield Pair(shelf, door)


def addresses(shelf: FhirShelf) -> set[str]:
    return {one.address for holder in shelf.held for one in holder.mailboxes}


async def test_a_mailbox_is_published_changed_and_withdrawn(pair: Pair) -> None:
    link = pair.link()
    assert await link.change(HOSPITAL, (NEW,)) == Accepted()
    published = pair.shelf.held[5].mailboxes[-1]
    assert published == NEW.mailbox
    change = ChangeMailbox(NEW.mailbox.address, is_red=True, service="", responsible="Dr Y", rank=0)
    assert await link.change(HOSPITAL, (change,)) == Accepted()
    changed = pair.shelf.held[5].mailboxes[-1]
    assert (changed.is_red, changed.service, changed.responsible, changed.rank) == (True, "", "Dr Y", None)
    assert await link.change(HOSPITAL, (RemoveMailbox(NEW.mailbox.address),)) == Accepted()
    assert NEW.mailbox.address not in addresses(pair.shelf)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (Target(Holder.PERSON, "810001234567"), 0),
        (Target(Holder.ROLE, "F58000880311022013"), 4),
        (Target(Holder.ROLE, "810001234567-1440000289"), 4),
        (Target(Holder.PERSON, "10personne@domain.mssante.fr"), 3),
    ],
)
async def test_every_holder_is_found_by_its_national_identifiers(pair: Pair, target: Target, place: int) -> None:
    mailbox = box("nouvelle@medecin.mssante.fr", MailboxType.PER)
    assert await pair.link().change(target, (AddMailbox(mailbox),)) == Accepted()
    assert mailbox in pair.shelf.held[place].mailboxes


async def test_a_client_certificate_is_shown(pair: Pair) -> None:
    shown = ClientCertificate(pair.door.client.chain, pair.door.client.key)
    assert await pair.link(api_key="", certificate=shown).change(HOSPITAL, (NEW,)) == Accepted()
    refused = await pair.link(api_key="").change(HOSPITAL, (RemoveMailbox(NEW.mailbox.address),))
    assert isinstance(refused, RefusedByDirectory)
    assert refused.code is Kind.SIGN_IN_FAILED


@pytest.mark.parametrize(
    ("target", "changes", "code", "said"),
    [
        (HOSPITAL, (AddMailbox(box("jean.dupont@medecin.mssante.fr", MailboxType.ORG)),), Kind.ADDRESS_TAKEN, "422 MSG_PARAM_NO_REPEAT"),
        (Target(Holder.PLACE, "1999999999"), (NEW,), Kind.ENTRY_UNKNOWN, "404 MSG_NO_EXIST"),
        (HOSPITAL, (RemoveMailbox("nobody@chu-nantes.mssante.fr"),), Kind.ENTRY_UNKNOWN, "404 MSG_NO_EXIST"),
        (HOSPITAL, (AddMailbox(box("a@gmail.com", MailboxType.ORG)),), Kind.QUERY_UNCLEAR, "400 MSG_BAD_FORMAT"),
        (Target(Holder.PERSON, "810001234567"), (ChangeMailbox("jean.dupont@medecin.mssante.fr", description="x"),), Kind.QUERY_UNCLEAR, "400 "),
    ],
)  # fmt: skip
async def test_refusals_come_with_their_reason(pair: Pair, target: Target, changes: Any, code: Kind, said: str) -> None:  # noqa: ANN401 - changes
    answer = await pair.link().change(target, changes)
    assert isinstance(answer, RefusedByDirectory)
    assert (answer.code, answer.reason[: len(said)]) == (code, said)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.NOT_YOURS, Kind.NOT_YOURS),
        (Kind.ADDRESS_FIXED, Kind.ADDRESS_FIXED),
        (Kind.ENTRY_AMBIGUOUS, Kind.ENTRY_AMBIGUOUS),
    ],
)
async def test_what_the_other_directory_decides_is_what_we_hear(pair: Pair, kind: Kind, code: Kind) -> None:
    pair.shelf.refusal = Refusal(kind, "x", "words")
    answer = await pair.link().change(HOSPITAL, (NEW,))
    assert isinstance(answer, RefusedByDirectory)
    assert answer.code is code


@pytest.mark.parametrize("kind", [Kind.BUDGET_SPENT, Kind.DIRECTORY_UNAVAILABLE])
async def test_come_back_later_is_no_refusal(pair: Pair, kind: Kind) -> None:
    pair.shelf.refusal = Refusal(kind, "x", "words")
    assert isinstance(await pair.link().change(HOSPITAL, (NEW,)), Unreachable)


async def test_nothing_to_say_is_not_sent(pair: Pair) -> None:
    assert await pair.link().change(Target(Holder.ROLE, "x"), (ChangeMailbox("a@b.mssante.fr"),)) == Accepted()
    assert pair.shelf.asked == []


async def test_a_directory_of_another_authority_is_not_believed(pair: Pair) -> None:
    link = FhirDirectory(f"{pair.door.url}/fhir/v2", (authority("TEST AC AUTRE").value.der,), api_key="cle-du-chu")
    assert isinstance(await link.change(HOSPITAL, (NEW,)), Unreachable)
    assert pair.shelf.asked == []


async def test_several_matches_are_ambiguous(tmp_path: Path) -> None:
    shelf = FhirShelf([many_people(1)[0], many_people(1)[0]])
    async with directory_https(directory_app(shelf), tmp_path) as door:
        answer = (
            await Pair(shelf, door)
            .link()
            .change(Target(Holder.PERSON, "810000000001"), (RemoveMailbox("a@b.mssante.fr"),))
        )
    assert isinstance(answer, RefusedByDirectory)
    assert answer.code is Kind.ENTRY_AMBIGUOUS


async def answered(tmp_path: Path, response: Response, **more: Any) -> tuple[object, list[Request]]:  # noqa: ANN401 - any setting
    """Return what is made of an answer, and what was asked."""
    seen: list[Request] = []

    async def say(request: Request) -> Response:
        seen.append(request)
        return response

    app = Starlette(routes=[Route("/{path:path}", say, methods=["PATCH", "GET"])])
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(directory_https(app, tmp_path))
        link = FhirDirectory(door.url, (door.root,), api_key="k", **more)
        return await link.change(HOSPITAL, (NEW,)), seen


async def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    answer, seen = await answered(tmp_path, Response(status_code=307, headers={"Location": "/else"}))
    assert isinstance(answer, Unreachable)
    assert len(seen) == 1
    assert seen[0].headers["content-type"] == "application/fhir+json"


@pytest.mark.parametrize("body", [b"", b"<html>", b"x" * (ANSWER_MAX_BYTES + 100_000)])
async def test_answers_that_are_no_outcomes_are_judged_by_their_status(tmp_path: Path, body: bytes) -> None:
    answer, _ = await answered(tmp_path, Response(body, 400))
    assert answer == RefusedByDirectory(Kind.QUERY_UNCLEAR, "400")


@pytest.mark.parametrize(
    ("status", "kind"),
    [*REFUSALS.items(), (405, Kind.QUERY_UNCLEAR), (413, Kind.QUERY_UNCLEAR), (499, Kind.QUERY_UNCLEAR)],
)
def test_every_refusal_has_a_reason(status: int, kind: Kind) -> None:
    assert judged(status, b"") == RefusedByDirectory(kind, str(status))


@pytest.mark.parametrize("status", [100, 301, 304, 408, 425, 429, 500, 502, 503, 599])
def test_other_answers_mean_that_nothing_is_known(status: int) -> None:
    assert judged(status, b"") == Unreachable(str(status))
    assert judged(204, b"") == Accepted()


async def test_who_does_not_answer_is_not_waited_for(pair: Pair) -> None:
    link = pair.link(timeout_seconds=0.0)
    answer = await link.change(HOSPITAL, (NEW,))
    assert isinstance(answer, Unreachable)
    assert "within 0 seconds" in answer.reason


async def test_nobody_there_is_unreachable() -> None:
    answer = await FhirDirectory("https://localhost:1", ()).change(HOSPITAL, (NEW,))
    assert isinstance(answer, Unreachable)


@pytest.mark.parametrize(
    "url", ["http://annuaire.test/fhir", "annuaire.test", "https://", "https://a.test/?x=1", "file:///etc/passwd"]
)
def test_only_https_is_an_address(url: str) -> None:
    with pytest.raises(ConfigError, match="HTTPS"):
        FhirDirectory(url, ())


def test_keys_and_certificates_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="clé d'API"):
        FhirDirectory("https://a.test", (), api_key="a\r\nX: y")
    with pytest.raises(ConfigError, match="ne peut être lu"):
        FhirDirectory("https://a.test", (), certificate=ClientCertificate(tmp_path / "no", tmp_path / "no"))
    with pytest.raises(ConfigError, match="ne peut être lu"):
        FhirDirectory("https://a.test", (b"no certificate",))


# -- questions -----------------------------------------------------------------------------------------------------

AT_WORK, ORG, NOBODY = (
    "Jean.Dupont@chu-nantes.mssante.fr",
    "cardiologie@chu-nantes.mssante.fr",
    "x@chu-nantes.mssante.fr",
)
BUNDLE = {"resourceType": "Bundle", "type": "searchset"}


async def test_each_address_comes_back_with_its_lines_or_none(pair: Pair) -> None:
    found = await pair.link().look_up([AT_WORK, ORG, NOBODY, "cabinet.dupont@medecin.mssante.fr"])
    assert not isinstance(found, Unreachable), found
    (role,) = found[AT_WORK]
    assert (role.kind, role.professional, role.structure) == (MailboxType.PER, JEAN.identifier, PLACE.identifier)
    assert (role.service, role.is_paperless, role.rank) == ("Cardiologie", True, 1)
    (place,) = found[ORG]
    assert (place.structure, place.service, place.responsible) == (PLACE.identifier, "Pôle cœur", "")
    assert found[NOBODY] == ()
    assert [one.kind for one in found["cabinet.dupont@medecin.mssante.fr"]] == [MailboxType.CAB]


async def test_an_address_on_two_lines_has_two(pair: Pair) -> None:
    for place in (1, 6):
        kind = MailboxType.PER if place == 1 else MailboxType.ORG
        boxes = (*pair.shelf.held[place].mailboxes, box("deux@chu-nantes.mssante.fr", kind))
        pair.shelf.held[place] = replace(pair.shelf.held[place], mailboxes=boxes)
    found = await pair.link().look_up(["deux@chu-nantes.mssante.fr"])
    assert not isinstance(found, Unreachable), found
    assert len(found["deux@chu-nantes.mssante.fr"]) == 2


async def test_pages_are_followed_at_our_own_address(tmp_path: Path) -> None:
    people = many_people(300)
    addresses = [f"jean.dupont.{number}@medecin.mssante.fr" for number in (1, 150, 299)]
    shelf = FhirShelf(
        [
            replace(one, mailboxes=(box(f"{addresses[0]}.x{n}.mssante.fr", MailboxType.PER), *one.mailboxes))
            for n, one in enumerate(people)
        ]
    )
    async with directory_https(directory_app(shelf), tmp_path) as door:
        found = await Pair(shelf, door).link().look_up(addresses)
    assert not isinstance(found, Unreachable), found
    assert [len(found[one]) for one in addresses] == [1, 1, 1]
    assert len([kind for kind, _ in shelf.asked if kind == "Person"]) == 3, "three pages, whose links name another host"


async def test_what_a_cut_search_left_out_is_asked_again_in_halves(tmp_path: Path) -> None:
    shelf = FhirShelf(many_people(7), cut_after=2)
    addresses = [f"jean.dupont.{number}@medecin.mssante.fr" for number in range(1, 8)]
    async with directory_https(directory_app(shelf), tmp_path) as door:
        found = await Pair(shelf, door).link().look_up([*addresses, NOBODY])
    assert not isinstance(found, Unreachable), found
    assert {one: len(lines) for one, lines in found.items()} == {**dict.fromkeys(addresses, 1), NOBODY: 0}


async def test_a_search_for_one_that_was_cut_says_nothing_of_it(tmp_path: Path) -> None:
    wanted = "jean.dupont@medecin.mssante.fr"
    first, second, third = many_people(3)
    others = [
        replace(one, mailboxes=(box(f"{wanted}.x{n}.mssante.fr", MailboxType.PER),))
        for n, one in enumerate((first, second))
    ]
    shelf = FhirShelf([*others, replace(third, mailboxes=(box(wanted, MailboxType.PER),))], cut_after=2)
    async with directory_https(directory_app(shelf), tmp_path) as door:
        assert await Pair(shelf, door).link().look_up([wanted]) == {}
        assert await Pair(shelf, door).link().look_up([wanted, NOBODY]) == {NOBODY: ()}


@pytest.mark.parametrize("kind", [Kind.BUDGET_SPENT, Kind.DIRECTORY_UNAVAILABLE, Kind.QUERY_UNCLEAR, Kind.NOT_YOURS])
async def test_a_refusal_is_no_answer(pair: Pair, kind: Kind) -> None:
    pair.shelf.refusal = Refusal(kind, "x", "words")
    assert isinstance(await pair.link().look_up([ORG]), Unreachable)


async def test_a_wrong_key_is_no_answer_and_its_reason_is_said(pair: Pair) -> None:
    found = await pair.link(api_key="fausse").look_up([ORG])
    assert isinstance(found, Unreachable)
    assert found.reason.startswith("401 ")


async def asked(tmp_path: Path, response: Response) -> object:
    """Return what is made of that answer to every question."""

    async def say(_request: Request) -> Response:
        return response

    app = Starlette(routes=[Route("/{path:path}", say, methods=["GET"])])
    async with directory_https(app, tmp_path) as door:
        return await FhirDirectory(door.url, (door.root,), calls_per_second=1e6).look_up([ORG])


@pytest.mark.parametrize(
    "response",
    [
        Response(b"", 200),
        Response(b"<html>", 200),
        Response(b"{}", 404),
        Response(b"", 302, headers={"Location": "https://localhost:1/"}),
        JSONResponse({**BUNDLE, "link": [{"relation": "next", "url": "https://ailleurs.test/x?page=2"}]}),
        Response(b" " * (PAGE_MAX_BYTES + 1) + b'{"resourceType":"Bundle"}', 200),
    ],
    ids=["empty", "html", "404", "redirection", "pages without end", "too long"],
)
async def test_answers_that_cannot_be_believed_are_no_answers(tmp_path: Path, response: Response) -> None:
    assert isinstance(await asked(tmp_path, response), Unreachable)


async def test_an_empty_answer_says_that_nobody_has_it(tmp_path: Path) -> None:
    assert PAGES_MAX > 1
    assert await asked(tmp_path, JSONResponse(BUNDLE)) == {ORG: ()}


async def test_questions_wait_for_their_turn(pair: Pair) -> None:
    loop = asyncio.get_running_loop()
    link = pair.link(calls_per_second=50)
    began = loop.time()
    await asyncio.gather(link.look_up([ORG]), link.look_up([AT_WORK]))
    assert loop.time() - began >= 6 / 50
    assert len(pair.shelf.asked) >= 6


async def test_nobody_there_to_ask_is_unreachable() -> None:
    assert isinstance(await FhirDirectory("https://localhost:1", ()).look_up([ORG]), Unreachable)

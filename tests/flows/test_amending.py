"""Changes of a mailbox on a real store: what differs is written with its audit rows, or nothing is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_world import ALICE, NOW

from mssante.flows.amending import BoxChange, draft
from mssante.flows.delegating import Delegating, DelegationOrder
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.model.address import Address
from mssante.model.dn import parse_dn
from mssante.model.errors import MssError
from mssante.model.mailbox import Mailbox, MailboxState, MailboxType
from mssante.model.national import ins_key, with_luhn
from mssante.model.publication import Announced, Listing, PublicationState
from mssante.model.settings import StoreSettings
from mssante.store import accounts, audit, mailboxes, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

RPPS, FINESS = with_luhn("1000123456"), with_luhn("31000010")
TEAM, SOFTWARE, BOB = (Address(local, ALICE.domain) for local in ("cardiologie", "dpi", "bob.petit"))
BODY = "1850578006048"
CITIZEN = Address(BODY + ins_key(BODY), "patient.mssante.fr")
OLD_NAME, NEW_NAME = parse_dn("CN=DPI,O=CHU,C=FR"), parse_dn("CN=DPI 2,O=CHU,C=FR")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", StoreSettings())
    yield opened
    await opened.close()


@pytest.fixture
async def clerk(store: Store) -> Administering:
    made = Administering(store=store, actor="cli:root", trace_key=b"k" * 32, clock=lambda: NOW)
    for domain in (ALICE.domain, CITIZEN.domain):
        await made.add_domain(domain)
    for address in (ALICE, BOB):
        await made.create(MailboxOrder(address, MailboxType.PER, "Dr Martin", "", 1000))
    await made.create(MailboxOrder(TEAM, MailboxType.ORG, "Cardiologie", FINESS, 1000, (str(ALICE),)))
    await made.create(MailboxOrder(SOFTWARE, MailboxType.APP, "DPI", FINESS, 1000, certificate_name=OLD_NAME))
    await made.create(MailboxOrder(CITIZEN, MailboxType.CITIZEN, "Jean PETIT", "", 1000))
    return made


async def box(store: Store, address: Address) -> tuple[Mailbox, Announced | None]:
    async def look(tx: Tx) -> tuple[Mailbox, Announced | None]:
        found = await mailboxes.mailbox_by_key(tx, address.key)
        assert found is not None
        return found, await publication.announced(tx, found.mailbox_id)

    return await store.read(look)


async def publish(store: Store) -> None:
    """Write down that everything is published."""

    async def work(tx: Tx) -> None:
        for one in await publication.claim_due(tx, now=NOW, limit=100, lease="l", until=NOW):
            state = PublicationState.ACCEPTED
            await publication.finish(tx, one, state=state, published=None, due_at=None, now=NOW)

    await store.write(work)


async def traces(store: Store, prefix: str) -> list[tuple[str, dict]]:
    rows = await store.read(lambda tx: audit.rows(tx, limit=100, event_prefix=prefix))
    return [(row.event.event, dict(row.event.facts)) for row in rows]


async def test_every_attribute_of_a_box_can_change_with_its_trace_and_its_publication(
    store: Store, clerk: Administering
) -> None:
    await publish(store)
    whole = Listing("", "Cardio", "Avis", "Dr B", "0102", is_red=True, is_paperless=True, rank=1, local_id="UF1")
    done = await clerk.change(TEAM, BoxChange("Cardiologie B", with_luhn("32000010"), lambda _old: whole))
    fields = (
        "description", "holder", "identifier", "is_paperless", "is_red", "local_id", "phone", "rank", "responsible",
        "service",
    )  # fmt: skip
    assert done.fields == fields
    found, listed = await box(store, TEAM)
    assert (found.holder, found.identifier) == ("Cardiologie B", with_luhn("32000010"))
    assert listed is not None
    assert (listed.listing, listed.state) == (whole, PublicationState.TO_PUBLISH)
    expected = {"changed": ",".join(fields), "publication": "to-publish"}
    assert await traces(store, "mailbox.changed") == [("mailbox.changed", expected)]


@pytest.mark.parametrize("change", [BoxChange(), BoxChange("Dr Martin", "", lambda old: replace(old, phone=""))])
async def test_what_is_as_wanted_already_leaves_no_trace(store: Store, clerk: Administering, change: BoxChange) -> None:
    await publish(store)
    head = await store.read(audit.head)
    assert (await clerk.change(ALICE, change)).fields == ()
    assert await store.read(audit.head) == head
    _found, listed = await box(store, ALICE)
    assert listed is not None
    assert listed.state is PublicationState.ACCEPTED


async def test_members_come_and_go_each_with_a_trace_and_no_directory_is_told(
    store: Store, clerk: Administering
) -> None:
    await publish(store)
    done = await clerk.change(TEAM, BoxChange(joining=(str(BOB), str(ALICE)), leaving=(str(ALICE).upper(),)))
    assert (done.fields, done.joining, done.is_published) == (("members",), (str(BOB),), False)
    found, listed = await box(store, TEAM)
    assert await store.read(lambda tx: accounts.members(tx, found.mailbox_id)) == (str(BOB),)
    assert listed is not None
    assert listed.state is PublicationState.ACCEPTED
    assert await traces(store, "member.") == [
        ("member.added", {"login": str(BOB)}),
        ("member.removed", {"login": str(ALICE)}),
    ]


async def test_who_stands_in_for_a_time_is_no_member(store: Store, clerk: Administering) -> None:
    delegating = Delegating(store=store, actor="cli:root", trace_key=b"k" * 32, clock=lambda: NOW)
    until = NOW.replace(year=NOW.year + 1)
    await delegating.add(DelegationOrder(ALICE, str(BOB), may_read=True, may_send=False, starts_at=NOW, ends_at=until))
    found, _listed = await box(store, ALICE)
    assert await store.read(lambda tx: accounts.members(tx, found.mailbox_id)) == ()


async def test_a_new_certificate_opens_the_software_and_the_old_one_no_longer(
    store: Store, clerk: Administering
) -> None:
    assert (await clerk.change(SOFTWARE, BoxChange(certificate_name=OLD_NAME))).fields == ()
    assert (await clerk.change(SOFTWARE, BoxChange(certificate_name=NEW_NAME))).fields == ("certificate",)

    async def look(tx: Tx) -> list[str | None]:
        found = [await accounts.account_by_certificate(tx, name) for name in (OLD_NAME, NEW_NAME)]
        return [None if one is None else one.login for one in found]

    assert await store.read(look) == [None, str(SOFTWARE)]
    other = Address("agenda", ALICE.domain)
    await clerk.create(MailboxOrder(other, MailboxType.APP, "Agenda", FINESS, 1000, certificate_name=OLD_NAME))
    with pytest.raises(MssError, match="ouvre déjà dpi@"):
        await clerk.change(other, BoxChange(certificate_name=NEW_NAME))


@pytest.mark.parametrize(
    ("address", "change", "said"),
    [
        (Address("personne", ALICE.domain), BoxChange("x"), "n'existe pas ici"),
        (ALICE, BoxChange(" "), "titulaire"),
        (ALICE, BoxChange(identifier=FINESS), "n'est pas un RPPS"),
        (ALICE, BoxChange(amend=lambda old: replace(old, service="x")), "pas de service"),
        (ALICE, BoxChange(joining=(str(BOB),)), "delegate"),
        (ALICE, BoxChange(certificate_name=NEW_NAME), "seule une boîte APP"),
        (TEAM, BoxChange(leaving=(str(ALICE),)), "plus personne"),
        (TEAM, BoxChange(leaving=(str(BOB),)), "n'en est pas membre"),
        (TEAM, BoxChange("Autre nom", joining=("inconnu@chu.mssante.fr",)), "n'existe pas"),
        (TEAM, BoxChange(joining=tuple(f"x{number}" for number in range(201))), "n'existe pas"),
        (SOFTWARE, BoxChange(joining=(str(SOFTWARE),)), "son propre compte"),
        (CITIZEN, BoxChange(amend=lambda old: replace(old, is_red=True)), "USAGER"),
        (CITIZEN, BoxChange(identifier=RPPS), "adresse"),
    ],
)
async def test_what_does_not_fit_is_refused_whole_with_the_reason(
    store: Store, clerk: Administering, address: Address, change: BoxChange, said: str
) -> None:
    head = await store.read(audit.head)
    with pytest.raises(MssError, match=said):
        await clerk.change(address, change)
    assert await store.read(audit.head) == head


async def test_a_box_has_no_more_members_than_the_most(store: Store, clerk: Administering) -> None:
    names = tuple(f"m{number}@{ALICE.domain}" for number in range(200))
    found, _listed = await box(store, TEAM)
    with pytest.raises(MssError, match="au plus 200 membres"):
        await store.read(lambda tx: draft(tx, found, BoxChange(joining=names), frozenset(names)))


async def test_a_closed_box_does_not_change(clerk: Administering) -> None:
    await clerk.change_state(ALICE, MailboxState.CLOSED)
    with pytest.raises(MssError, match="pour toujours"):
        await clerk.change(ALICE, BoxChange("Dr Petit"))


async def test_a_citizens_name_may_change_and_no_directory_is_told(store: Store, clerk: Administering) -> None:
    done = await clerk.change(CITIZEN, BoxChange("Jean PETIT-ROUX"))
    assert (done.fields, done.is_published) == (("holder",), False)
    assert (await box(store, CITIZEN))[0].holder == "Jean PETIT-ROUX"
    assert await traces(store, "mailbox.changed") == [("mailbox.changed", {"changed": "holder"})]

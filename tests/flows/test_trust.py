import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from forge import DAY, NOW, Issued, Order, intermediate, issue, operator, revocation_list, root, server_name

from mssante.flows.trust import TrustMaterial, TrustSpace
from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.errors import LinkError, StoreError
from mssante.model.outside import Fetched
from mssante.model.peer import PeerFacts, TlsFacts
from mssante.model.settings import StoreSettings, TrustSettings
from mssante.model.whitelist import Entry
from mssante.store import audit, lists
from mssante.store.domains import add_domain
from mssante.store.engine import Store
from mssante.wire.whitelist.sign import sign
from mssante.wire.whitelist.write import write_white_list

LIST_URL = "https://manager.test/l.xml"
ORG_CRL = "https://pki.exemple.fr/CRL/org.crl"
ROOT_CRL = "https://pki.exemple.fr/CRL/root.crl"
SETTINGS = TrustSettings(list_url=LIST_URL)


class QuietLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **facts: self.lines.append((level, event))


@dataclass
class Shelf:
    """A publisher in memory: url -> bytes; what is not there is away."""

    held: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
        self.asked.append((url, etag))
        data = self.held.get(url)
        if data is None:
            msg = f"{url} is away"
            raise LinkError(msg)
        tag = str(hash(data))
        return None if tag == etag else Fetched(data, tag, "")


@dataclass
class Stage:
    trust: TrustSpace
    shelf: Shelf
    store: Store
    log: QuietLog
    now: datetime = NOW

    def publish(self, *domains: str, at: datetime = NOW, dn: str = "") -> None:
        self.shelf.held[LIST_URL] = the_list(*domains, at=at, dn=dn)

    async def events(self) -> list[str]:
        rows = await self.store.read(lambda tx: audit.rows(tx, limit=100))
        return [row.event.event for row in rows]


def the_list(*domains: str, at: datetime = NOW, dn: str = "") -> bytes:
    name = operator().value.subject
    entries = [Entry(domain, name, dn or str(name), "", "", "", at) for domain in domains]
    return write_white_list(at, entries)


def peer(issued: Issued | None = None) -> PeerFacts:
    return PeerFacts("127.0.0.1", 1, TlsFacts("TLSv1.2", "x"), (issued or operator()).value)


def kind(decision: Decision) -> Kind | None:
    return decision.kind if isinstance(decision, Refusal) else None


A = Address("x", "a.mssante.fr")


def new_stage(store: Store, settings: TrustSettings = SETTINGS) -> Stage:
    shelf, log = Shelf(), QuietLog()
    shelf.held[ROOT_CRL] = revocation_list(root()).der
    shelf.held[ORG_CRL] = revocation_list(intermediate()).der
    stage: Stage
    trust = TrustSpace(
        settings=settings,
        material=TrustMaterial((root().der,), (intermediate().der,), (operator().der,)),
        store=store,
        documents=shelf,
        clock=lambda: stage.now,
        log=log,
    )
    stage = Stage(trust, shelf, store, log)
    stage.publish("a.mssante.fr", "b.mssante.fr", "ours.mssante.fr", at=NOW - DAY)
    return stage


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "data", StoreSettings())
    await store.write(lambda tx: add_domain(tx, "ours.mssante.fr", NOW))
    yield store
    await store.close()


@pytest.fixture
async def stage(store: Store) -> Stage:
    return new_stage(store)


async def test_before_the_first_list_everything_is_refused_for_now(stage: Stage) -> None:
    await stage.trust.load()
    decision = stage.trust.judge_sender(peer(), A)
    assert isinstance(decision, Refusal)
    assert decision.is_temporary
    assert not stage.trust.is_usable()
    assert stage.trust.list_version() == ""


async def test_a_refresh_puts_list_and_revocation_lists_in_force(stage: Stage) -> None:
    outcomes = await stage.trust.refresh()
    assert [outcome.problem for outcome in outcomes] == ["", "", ""]
    assert isinstance(stage.trust.judge_sender(peer(), A), Permit)
    assert isinstance(stage.trust.judge_destination(peer(), "mss.exemple.fr", "a.mssante.fr"), Permit)
    assert stage.trust.judge_client(operator().value) is None
    assert stage.trust.is_listed("a.mssante.fr")
    assert stage.trust.is_usable()
    state = stage.trust.state()
    assert (state.domains, state.stopped, len(state.crls), state.alarm) == (3, False, 2, "")
    assert await stage.events() == ["crl.activated", "crl.activated", "list.activated"]


async def test_what_is_in_force_survives_a_restart(stage: Stage, store: Store) -> None:
    await stage.trust.refresh()
    again = new_stage(store)
    await again.trust.load()
    assert isinstance(again.trust.judge_sender(peer(), A), Permit)
    assert again.shelf.asked == []


async def test_the_second_look_is_conditional_and_counts_as_confirmation(stage: Stage) -> None:
    await stage.trust.refresh()
    stage.now += timedelta(hours=5)
    await stage.trust.refresh()
    assert stage.shelf.asked[-1][1] != ""
    assert stage.trust.state().age == timedelta(0)
    assert (await stage.events()).count("list.activated") == 1


async def test_our_own_domain_from_a_stranger_is_refused_as_ours(stage: Stage) -> None:
    other = issue(Order(subject=server_name("z.exemple.fr")), intermediate())
    await stage.trust.refresh()
    assert kind(stage.trust.judge_sender(peer(other), Address("x", "ours.mssante.fr"))) is Kind.SENDER_DOMAIN_OURS


async def test_a_delisted_domain_is_refused_at_the_next_question_on_the_same_peer(stage: Stage) -> None:
    await stage.trust.refresh()
    same = peer()
    assert kind(stage.trust.judge_sender(same, A)) is None
    stage.publish("b.mssante.fr", "ours.mssante.fr")
    await stage.trust.refresh()
    assert kind(stage.trust.judge_sender(same, A)) is Kind.SENDER_DOMAIN_UNLISTED


async def test_a_revoked_peer_is_refused_at_the_next_question(stage: Stage) -> None:
    await stage.trust.refresh()
    same = peer()
    assert kind(stage.trust.judge_sender(same, A)) is None
    assert same.certificate is not None
    stage.shelf.held[ORG_CRL] = revocation_list(
        intermediate(), [same.certificate.serial], this_update=NOW, next_update=NOW + DAY
    ).der
    await stage.trust.refresh()
    assert kind(stage.trust.judge_sender(same, A)) is Kind.CERTIFICATE_REVOKED
    refusal = stage.trust.judge_client(same.certificate)
    assert refusal is not None
    assert refusal.kind is Kind.CERTIFICATE_REVOKED


async def _refused(stage: Stage, rule: str) -> None:
    before = stage.trust.list_version()
    for _ in range(2):
        outcome = (await stage.trust.refresh())[-1]
        assert (outcome.refused, outcome.rule) == (True, rule)
    assert stage.trust.list_version() == before
    assert isinstance(stage.trust.judge_sender(peer(), A), Permit)
    assert stage.trust.state().alarm
    assert (await stage.events()).count("list.refused") == 1


async def test_an_older_list_is_refused_with_one_alarm(stage: Stage) -> None:
    await stage.trust.refresh()
    stage.publish("a.mssante.fr", at=NOW - 2 * DAY)
    await _refused(stage, "list-rollback")


async def test_a_list_that_shrinks_is_refused_until_the_administrator_forces_it(stage: Stage) -> None:
    await stage.trust.refresh()
    stage.publish("a.mssante.fr")
    await _refused(stage, "list-shrink")
    outcome = (await stage.trust.refresh(force=True, actor="admin"))[-1]
    assert outcome.rule == "forced over list-shrink"
    assert not stage.trust.is_listed("b.mssante.fr")
    assert stage.trust.state().alarm == ""
    rows = await stage.store.read(lambda tx: audit.rows(tx, limit=100, event_prefix="list.activated"))
    assert (rows[-1].event.actor, rows[-1].event.rule) == ("admin", "forced over list-shrink")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "list-format"),
        (the_list("a.mssante.fr")[:200], "list-format"),
        (the_list(), "list-empty"),
        (
            the_list(*(f"d{n}.mssante.fr" for n in range(300)), "a.mssante.fr", "b.mssante.fr", "ours.mssante.fr"),
            "list-growth",
        ),
        (the_list("a.mssante.fr", "b.mssante.fr", "c.mssante.fr", at=NOW - DAY), "list-same-date"),
    ],
    ids=["nothing", "cut", "empty", "huge", "same-date"],
)
async def test_a_bad_list_leaves_the_last_good_one_in_force(stage: Stage, data: bytes, rule: str) -> None:
    await stage.trust.refresh()
    stage.shelf.held[LIST_URL] = data
    await _refused(stage, rule)


async def test_a_source_that_is_away_alarms_late_then_stops_then_recovers(stage: Stage) -> None:
    await stage.trust.refresh()
    held = dict(stage.shelf.held)
    stage.shelf.held.clear()
    stage.now = NOW + timedelta(hours=1)
    await stage.trust.refresh()
    assert stage.trust.state().alarm == ""
    stage.now = NOW + timedelta(hours=25)
    await stage.trust.refresh()
    assert stage.trust.state().alarm
    assert kind(stage.trust.judge_sender(peer(), A)) is None
    stage.now = NOW + timedelta(days=3)
    assert kind(stage.trust.judge_sender(peer(), A)) is None
    stage.now = NOW + timedelta(days=8)
    assert stage.trust.state().stopped
    assert all(crl.stale for crl in stage.trust.state().crls)
    decision = stage.trust.judge_sender(peer(), A)
    assert isinstance(decision, Refusal)
    assert decision.is_temporary
    fresh = {"this_update": stage.now, "next_update": stage.now + DAY}
    stage.shelf.held = held | {
        ROOT_CRL: revocation_list(root(), **fresh).der,
        ORG_CRL: revocation_list(intermediate(), **fresh).der,
    }
    await stage.trust.refresh()
    assert kind(stage.trust.judge_sender(peer(), A)) is None
    assert stage.trust.state().alarm == ""


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: b"garbage", "crl-format"),
        (lambda: revocation_list(intermediate(), signer=root(), this_update=NOW).der, "crl-signature"),
        (lambda: revocation_list(operator(), this_update=NOW).der, "crl-signature"),
        (lambda: revocation_list(intermediate(), this_update=NOW - 5 * DAY).der, "crl-rollback"),
        (
            lambda: revocation_list(intermediate(), this_update=NOW + 3 * DAY, next_update=NOW + 9 * DAY).der,
            "crl-future",
        ),
    ],
    ids=["garbage", "other-signer", "no-authority", "older", "future"],
)
async def test_a_bad_revocation_list_leaves_the_last_good_one(
    stage: Stage, make: Callable[[], bytes], rule: str
) -> None:
    await stage.trust.refresh()
    before = stage.trust.state().crls
    stage.shelf.held[ORG_CRL] = make()
    outcomes = await stage.trust.refresh()
    assert [outcome.rule for outcome in outcomes if outcome.refused] == [rule]
    assert stage.trust.state().crls == before
    assert "crl.refused" in await stage.events()


async def test_a_missing_revocation_list_is_refused_for_now(stage: Stage) -> None:
    del stage.shelf.held[ORG_CRL]
    await stage.trust.refresh()
    assert kind(stage.trust.judge_sender(peer(), A)) is Kind.REVOCATION_UNKNOWN


async def test_another_process_that_saves_a_list_is_noticed_within_a_second(
    stage: Stage, store: Store, tmp_path: Path
) -> None:
    await stage.trust.refresh()
    stage.shelf.held.clear()
    watching = asyncio.create_task(stage.trust.watch())
    other = await Store.open(tmp_path / "data", StoreSettings())
    try:
        await asyncio.sleep(0)
        raw = the_list("b.mssante.fr")
        await other.write(
            lambda tx: lists.save_list(tx, version="v", generated_at=NOW, raw=raw, etag="", last_modified="", now=NOW)
        )
        async with asyncio.timeout(1):
            while stage.trust.is_listed("a.mssante.fr"):  # noqa: ASYNC110 - what is timed is the watch itself
                await asyncio.sleep(0.01)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await other.close()
    assert kind(stage.trust.judge_sender(peer(), A)) is Kind.SENDER_DOMAIN_UNLISTED


async def test_a_store_that_cannot_be_read_is_tried_again_and_told_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, enough, unreadable = 0, asyncio.Event(), StoreError("damaged")

    async def load() -> None:
        nonlocal tries
        tries += 1
        if tries == 4:
            enough.set()
        raise unreadable

    monkeypatch.setattr("mssante.flows.trust.LOOK_SECONDS", 0.0)
    monkeypatch.setattr(stage.trust, "load", load)
    watching = asyncio.create_task(stage.trust.watch())
    async with asyncio.timeout(10):
        await enough.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert stage.log.lines.count(("warning", "trust-not-reloaded")) == 1


async def test_a_required_signature_must_be_there_and_from_a_named_signer(store: Store) -> None:
    signer = issue(
        Order(subject=server_name("sign.exemple.fr"), usages=None, dns=(), key_name="signer"), intermediate()
    )
    name = str(signer.value.subject)
    settings = replace(SETTINGS, signature="required", signer_names=(name,))
    stage = new_stage(store, settings)
    plain = stage.shelf.held[LIST_URL]
    assert (await stage.trust.refresh())[-1].rule == "list-format"
    assert (await stage.trust.refresh(force=True))[-1].refused
    stage.shelf.held[LIST_URL] = sign(plain, (operator().der,), operator().key_pem)
    assert "not one of signer_names" in (await stage.trust.refresh())[-1].problem
    stage.shelf.held[LIST_URL] = sign(plain, (signer.der,), signer.key_pem)
    assert (await stage.trust.refresh())[-1].problem == ""
    assert stage.trust.is_listed("a.mssante.fr")
    serial = signer.certificate.serial_number
    stage.shelf.held[ORG_CRL] = revocation_list(intermediate(), [serial], this_update=NOW).der
    later = the_list("a.mssante.fr", "b.mssante.fr", "c.mssante.fr")
    stage.shelf.held[LIST_URL] = sign(later, (signer.der,), signer.key_pem)
    assert (await stage.trust.refresh())[-1].refused
    assert not stage.trust.is_listed("c.mssante.fr")


async def test_the_strict_comparison_is_to_the_letter(store: Store) -> None:
    stage = new_stage(store, replace(SETTINGS, dn_comparison="strict"))
    stage.publish("a.mssante.fr", dn=str(operator().value.subject).upper())
    await stage.trust.refresh()
    assert kind(stage.trust.judge_sender(peer(), A)) is Kind.DN_NOT_LISTED

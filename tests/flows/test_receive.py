"""Receptions from another operator: who may, what is kept, what comes twice, what a full disk does.

Source: reliability.md B06, B08, B09, B11, G03, H01; design.md laws 1, 9 and 10.
"""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from forge import NOW
from standins import (
    ANNE,
    BRUNO,
    CITIZEN,
    FAR,
    HERE,
    HOSTS,
    INS,
    LOIN,
    NEAR,
    VILLE,
    Office,
    identity,
    letter,
    peer_of,
)

from mssante.flows.intake import Accepted, store_refusal
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import StoreError, StoreFullError
from mssante.model.mailbox import MailboxState
from mssante.model.outside import Answer, Parcel, Taken
from mssante.model.peer import PeerFacts
from mssante.store import blobs, folders, mailboxes, messages

FAR_PEER = peer_of(HOSTS[FAR])
LARGE = letter("grand " * 80_000, VILLE)


def _kind(answer: Accepted | Refusal) -> Kind:
    assert isinstance(answer, Refusal), answer
    return answer.kind


def _reference(answer: Accepted | Refusal) -> str:
    assert isinstance(answer, Accepted), answer
    return answer.reference


# -- what is accepted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [letter("petit", VILLE), LARGE], ids=["row", "file"])
async def test_the_bytes_received_lie_untouched_behind_what_we_add(office: Office, data: bytes) -> None:
    reference = _reference(await office.receive(data, ANNE))
    (held,) = await office.read(ANNE)
    assert held.endswith(data)
    added = held[: -len(data)].decode()
    assert added.startswith("Return-Path: <claire@ville.mssante.fr>\r\nReceived: from mss.peer.fr")
    assert reference in added
    assert "ESMTPS" in added


async def test_one_message_for_two_boxes_is_kept_once_and_lies_in_both(office: Office) -> None:
    reference = _reference(await office.receive(LARGE, ANNE, BRUNO, ANNE))
    for box in (ANNE, BRUNO):
        assert [row.reference for row in await office.listed(box)] == [reference]
    assert len(await office.store.read(messages.blob_paths)) == 1


async def test_the_audit_row_says_who_what_rule_and_list(office: Office) -> None:
    reference = _reference(await office.receive(letter("x", VILLE), ANNE))
    (event,) = await office.events("message.received")
    assert event.subject == reference
    assert "mss.ville.fr" in event.actor
    assert event.rule.startswith("R")
    assert event.facts["copies"] == 1
    assert event.facts["tls"] == "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384"


async def test_waiting_readers_hear_of_it_after_the_commit(office: Office) -> None:
    box = await office.mailbox(ANNE)
    heard = []
    stop = office.notifier.listen(box.mailbox_id, heard.extend)
    await office.receive(letter("x", VILLE), ANNE, BRUNO)
    (change,) = heard
    (row,) = await office.listed(ANNE)
    assert (change.uid, change.modseq) == (row.uid, row.modseq)
    stop()
    await office.receive(letter("y", VILLE), ANNE)
    assert len(heard) == 1


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "peer", "kind"),
    [
        (VILLE, PeerFacts("192.0.2.9", 1), Kind.TLS_REQUIRED),
        (VILLE, replace(peer_of(HOSTS[NEAR]), certificate=None), Kind.CERTIFICATE_MISSING),
        (VILLE, FAR_PEER, Kind.DN_NOT_LISTED),
        ("x@public.fr", peer_of(HOSTS[NEAR]), Kind.SENDER_DOMAIN_UNLISTED),
        (ANNE, peer_of(HOSTS[NEAR]), Kind.SENDER_DOMAIN_OURS),
    ],
)
async def test_a_peer_that_may_not_send_is_refused_and_written_down(
    office: Office, sender: str, peer: PeerFacts, kind: Kind
) -> None:
    assert _kind(await office.receive(letter("x", VILLE), ANNE, sender=sender, peer=peer)) is kind
    (event,) = await office.events("peer.refused")
    assert (event.outcome, event.facts["ip"]) == (kind.value, peer.ip)
    assert await office.read(ANNE) == []


@pytest.mark.parametrize(
    ("recipient", "kind"),
    [(f"personne@{HERE}", Kind.MAILBOX_UNKNOWN), (LOIN, Kind.RELAY), ("x@public.fr", Kind.RELAY)],
)
async def test_unknown_and_foreign_recipients_are_refused_at_once_and_never_answered(
    office: Office, recipient: str, kind: Kind
) -> None:
    assert _kind(await office.receive(letter("x", VILLE), recipient)) is kind
    assert await office.copies() == []


async def test_a_suspended_box_refuses_and_takes_mail_again_when_it_is_active(office: Office) -> None:
    box = await office.mailbox(ANNE)
    await office.store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.SUSPENDED, NOW))
    assert _kind(await office.receive(letter("x", VILLE))) is Kind.MAILBOX_SUSPENDED
    await office.store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.ACTIVE, NOW))
    assert _reference(await office.receive(letter("x", VILLE)))


async def test_a_full_box_defers_and_takes_the_message_when_there_is_room(office: Office) -> None:
    box = await office.mailbox(ANNE)
    data = letter("x" * 5000, VILLE)
    await office.store.write(lambda tx: mailboxes.set_quota(tx, box.mailbox_id, 6000))
    assert _reference(await office.receive(data, options=MailOptions(size_bytes=len(data))))
    refused = await office.receive(data, options=MailOptions(size_bytes=len(data), envelope_id="2"))
    assert _kind(refused) is Kind.MAILBOX_FULL
    assert isinstance(refused, Refusal)
    assert refused.is_temporary
    (row,) = await office.listed(ANNE)
    await office.store.write(lambda tx: folders.remove_many(tx, row.folder_id, [row.uid]))
    assert _reference(await office.receive(data, options=MailOptions(size_bytes=len(data), envelope_id="2")))


@pytest.mark.parametrize(("hops", "refused"), [(50, False), (51, True)])
async def test_a_message_that_goes_in_circles_is_stopped_at_the_limit(office: Office, hops: int, refused: bool) -> None:
    head = "".join(f"Received: from a by b; {number}\r\n" for number in range(hops))
    answer = await office.receive(letter("x", VILLE, head=head))
    assert isinstance(answer, Refusal) is refused
    if refused:
        assert _kind(answer) is Kind.LOOP
        assert (await office.events("peer.refused"))[0].rule == "hops"
    assert await office.copies() == [], "the peer that still has it tells its sender, not we"


async def test_two_from_fields_are_refused(office: Office) -> None:
    answer = await office.receive(letter("x", VILLE, head=f"From: {LOIN}\r\n"))
    assert _kind(answer) is Kind.MESSAGE_MALFORMED


@pytest.mark.parametrize("setting", ["log", "refuse"])
async def test_a_from_field_of_another_domain_is_logged_or_refused(office: Office, setting: str) -> None:
    office.header_from = setting
    office.build()
    answer = await office.receive(letter("x", "president@loin.mssante.fr"))
    if setting == "refuse":
        assert _kind(answer) is Kind.HEADER_FROM
        assert await office.read(ANNE) == []
    else:
        (event,) = await office.events("message.received")
        assert event.facts["content"] == "R8 logged: From names loin.mssante.fr"


async def test_a_header_that_is_too_long_is_refused(office: Office) -> None:
    office.limits = replace(office.limits, header_count=10)
    office.build()
    answer = await office.receive(letter("x", VILLE, head="X-A: b\r\n" * 11))
    assert isinstance(answer, Refusal)
    assert await office.read(ANNE) == []


# -- what comes twice (law 10) -------------------------------------------------------------------------------------


async def test_the_same_copy_again_is_acknowledged_with_the_first_reference_and_kept_once(office: Office) -> None:
    data = letter("x", VILLE, ident="m@ville")
    first = _reference(await office.receive(data))
    assert _reference(await office.receive(data)) == first
    await office.restart()
    assert _reference(await office.receive(data)) == first
    assert len(await office.read(ANNE)) == 1
    assert [event.facts["copies"] for event in await office.events("message.received")] == [1, 0, 0]


async def test_a_retry_for_the_rest_of_the_recipients_reaches_only_them(office: Office) -> None:
    data = letter("x", VILLE, ident="m@ville")
    await office.receive(data, ANNE)
    await office.receive(data, ANNE, BRUNO)
    assert [len(await office.read(box)) for box in (ANNE, BRUNO)] == [1, 1]


async def test_a_message_id_that_somebody_used_before_hides_nothing(office: Office) -> None:
    ident = "ordonnance-1@ville"
    answers = [
        await office.receive(letter("leurre", LOIN, ident=ident), sender=LOIN, peer=FAR_PEER),
        await office.receive(letter("vrai", VILLE, ident=ident)),
        await office.receive(letter("vrai, corrigé", VILLE, ident=ident)),
        await office.receive(letter("vrai", VILLE, ident=ident), sender=f"autre@{NEAR}"),
        await office.receive(letter("vrai", VILLE, ident=ident), options=MailOptions(envelope_id="E2")),
        await office.receive(letter("vrai", VILLE, ident=ident), sender=None),
    ]
    assert len({_reference(answer) for answer in answers}) == len(answers)
    assert len(await office.read(ANNE)) == len(answers)


async def test_the_same_bytes_from_another_operator_are_another_message(office: Office) -> None:
    data = letter("x", VILLE)
    await office.receive(data, sender=None)
    await office.receive(data, sender=None, peer=FAR_PEER)
    assert len(await office.read(ANNE)) == 2


async def test_a_copy_is_new_again_once_it_has_been_forgotten(office: Office) -> None:
    data = letter("x", VILLE)
    await office.receive(data)
    office.clock.step(days=8)
    await office.store.write(lambda tx: messages.forget_copies(tx, office.clock()))
    office.clock.step(days=-8)
    await office.receive(data)
    assert len(await office.read(ANNE)) == 2


# -- no room (H01) -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _no_room_to_grow(office: Office) -> AsyncIterator[None]:
    """Let the database have no page more than it has."""
    await office.store._writer.aside(lambda connection: connection.execute("PRAGMA max_page_count=1").fetchall())
    yield
    await office.store._writer.aside(lambda connection: connection.execute("PRAGMA max_page_count=99999").fetchall())


async def test_a_disk_that_is_full_at_the_commit_defers_and_keeps_nothing(office: Office) -> None:
    data = letter("x" * 100_000, VILLE)
    rows = len(await office.events())
    async with _no_room_to_grow(office):
        refused = await office.receive(data)
        assert _kind(refused) is Kind.STORE_FULL
        assert isinstance(refused, Refusal)
        assert refused.is_temporary
        assert await office.read(ANNE) == []
        assert _kind(await office.submit(letter("x" * 100_000), BRUNO)) is Kind.STORE_FULL
    assert len(await office.events()) == rows
    assert await office.copies() == []
    assert _reference(await office.receive(data)), "works again without a restart"
    assert len(await office.read(ANNE)) == 1


@pytest.mark.parametrize("door", ["receive", "submit"])
async def test_a_disk_that_is_full_in_the_middle_of_the_data_defers(
    office: Office, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_spool: blobs.Spool, _pieces: list[bytes]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs.Spool, "_append", full)
    if door == "receive":
        flow = office.receiving.begin(peer_of(HOSTS[NEAR]), "x")
        await flow.sender(parse_address(VILLE), MailOptions())
    else:
        flow = office.submitting.begin(identity(BRUNO), PeerFacts("192.0.2.1", 1), "x")
        await flow.sender(parse_address(BRUNO), MailOptions())
    await flow.recipient(Recipient(parse_address(ANNE)))
    assert flow.start_data() is None
    flow.data(letter("x", BRUNO))
    for _ in range(20):
        waiting = flow.data(b"y" * 200_000)
        if waiting is not None:
            await waiting
    assert _kind(await flow.finish()) is Kind.STORE_FULL
    assert await office.read(ANNE) == []


async def test_a_disk_that_fills_up_is_noticed_before_the_data(office: Office) -> None:
    office.storing = replace(office.storing, free_bytes=2**62)
    office.build()
    assert _kind(await office.receive(letter("x", VILLE))) is Kind.STORE_FULL
    assert list(office.store.blobs.spool_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "kind"), [(StoreFullError("full"), Kind.STORE_FULL), (StoreError("x"), Kind.STORE_UNAVAILABLE)]
)
def test_a_store_that_fails_is_a_temporary_refusal(error: StoreError, kind: Kind) -> None:
    refusal = store_refusal(error)
    assert refusal.kind is kind
    assert refusal.is_temporary
    assert refusal.french


async def test_a_refusal_stands_when_it_cannot_be_written_down(office: Office) -> None:
    await office.store.close()
    answer = await office.receive(letter("x", VILLE), sender="x@public.fr")
    assert _kind(answer) is Kind.SENDER_DOMAIN_UNLISTED
    assert [event for level, event, _facts in office.log.lines if level == "error"] == ["audit-not-written"]


async def test_a_message_given_up_on_leaves_no_file(office: Office) -> None:
    reception = office.receiving.begin(peer_of(HOSTS[NEAR]), "x")
    await reception.sender(parse_address(VILLE), MailOptions())
    await reception.recipient(Recipient(parse_address(ANNE)))
    assert reception.start_data() is None
    for _ in range(8):
        waiting = reception.data(bytes(262_144))
        if waiting is not None:
            await waiting
    reception.abort()
    reception.abort()
    await office.store.close()
    assert list(office.store.blobs.spool_path.iterdir()) == []


# -- traces (G03) --------------------------------------------------------------------------------------------------


async def test_no_patient_subject_body_or_password_stands_in_audit_or_log(office: Office) -> None:
    canaries = (INS, "CANARI-SUJET", "CANARI-CORPS", "CANARI-NOM", "CANARI-MDP", "CANARI-LOGIN")
    head = 'To: "CANARI-NOM Patient" <x@y>\r\nSubject: CANARI-SUJET\r\nX-CANARI-NOM: a\r\n'
    head += f"X-MSS-INS: {INS}\r\nX-MSS-NIL: CANARI-NOM {INS}\r\n"
    data = f"From: {VILLE}\r\n{head}\r\nCANARI-CORPS\r\n".encode()
    sent = f"From: {ANNE}\r\n{head}\r\nCANARI-CORPS\r\n".encode()
    await office.receive(data, CITIZEN)
    await office.receive(data, CITIZEN, sender=None)
    await office.receive(data, CITIZEN, LOIN)
    await office.receive(data, CITIZEN, sender=f"{INS}@{FAR}")
    await office.receive(data, f"{INS[:-2]}99@patient.mssante.fr", sender=CITIZEN)
    await office.receive(data.replace(b"\r\n\r\n", b"\r\nCANARI-SUJET\r\n\r\n"), CITIZEN)
    await office.submit(sent, CITIZEN, VILLE)
    await office.submit(sent, f"{INS}@public.fr")
    await office.submit(sent, CITIZEN, sender=CITIZEN)
    await office.submitting.submit(identity(CITIZEN), parse_address(ANNE), (Recipient(parse_address(VILLE)),), sent)
    office.courier.answers[HOSTS[NEAR]] = _repeats_the_address
    await office.deliver_until(office.clock())
    await office.sign_in.password(CITIZEN, "CANARI-MDP", "", "192.0.2.1")
    await office.sign_in.password(f"{CITIZEN} ", "CANARI-MDP", "", "192.0.2.1")
    await office.sign_in.password("CANARI-LOGIN", "CANARI-MDP", "", "192.0.2.1")
    await office.sign_in.password(CITIZEN, f"pass{CITIZEN}", "", "192.0.2.1")
    traces = [repr(event) for event in await office.events()] + [repr(line) for line in office.log.lines]
    assert len(traces) > 10
    for canary in canaries:
        assert [trace for trace in traces if canary in trace] == []
    assert any("ins-" in trace for trace in traces), "a pseudonym says that it was the same person"


def _repeats_the_address(parcel: Parcel) -> tuple[Answer, ...]:
    return tuple(Taken(f"250 2.0.0 {INS} CANARI-SUJET", dsn_supported=False) for _ in parcel.recipients)

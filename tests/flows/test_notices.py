"""Notices that are queued: who gets one, once, and who never does.

Source: RFC 3461 sections 4 to 6; RFC 3464; reliability.md B08, B09, B10, H22.
"""

import email
from dataclasses import replace

import pytest
from forge import NOW
from standins import (
    ANNE,
    BRUNO,
    HOSTS,
    NEAR,
    VILLE,
    Office,
    always,
    letter,
    parsed,
    said,
)

from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import MailOptions, Notify
from mssante.model.errors import StoreAwayError
from mssante.model.message import CopyState, Deferred, Failed
from mssante.model.outside import Taken

NEVER = Failed(Refusal(Kind.PEER_REFUSED, "peer", "550 5.1.1 Unknown"), "550 5.1.1 Unknown", "mss.ville.fr [192.0.2.7]")
BUSY = Deferred(Refusal(Kind.PEER_DEFERRED, "peer", "450 4.3.2 Busy"), "450 4.3.2 Busy")
NEAR_HOST = HOSTS[NEAR]
ALL = Notify.SUCCESS | Notify.FAILURE | Notify.DELAY


async def _actions(office: Office, box: str = ANNE) -> list[str]:
    return [said(notice)["action"] for notice in await office.notices_to(box)]


@pytest.mark.parametrize(
    ("notify", "actions"),
    [(Notify.FAILURE, ["failed"]), (ALL, ["failed"]), (Notify.SUCCESS, []), (Notify.DELAY, []), (Notify.NEVER, [])],
)
async def test_a_failure_is_told_to_who_asked(office: Office, notify: Notify, actions: list[str]) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.submit(letter(), notify=notify)
    await office.delivering.drain()
    assert await _actions(office) == actions


@pytest.mark.parametrize(("notify", "actions"), [(ALL, ["delayed"]), (Notify.FAILURE, []), (Notify.NEVER, [])])
async def test_a_delay_is_told_once_to_who_asked(office: Office, notify: Notify, actions: list[str]) -> None:
    office.courier.answers[NEAR_HOST] = always(BUSY)
    await office.submit(letter(), notify=notify)
    await office.deliver_until(NOW.replace(day=NOW.day + 2))
    assert await _actions(office) == actions


@pytest.mark.parametrize(
    ("recipient", "knows_dsn", "actions"),
    [(BRUNO, False, ["delivered"]), (VILLE, False, ["relayed"]), (VILLE, True, [])],
)
async def test_a_success_is_told_by_whoever_knows_it(
    office: Office, recipient: str, knows_dsn: bool, actions: list[str]
) -> None:
    office.courier.answers[NEAR_HOST] = always(Taken("250 2.0.0 Ok", knows_dsn))
    await office.submit(letter(), recipient, notify=ALL)
    await office.delivering.drain()
    assert await _actions(office) == actions


async def test_a_notice_lands_in_the_inbox_and_says_what_a_program_and_a_person_need(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.submit(letter("secret médical", ident="origine@poste"))
    await office.delivering.drain()
    (raw,) = await office.read(ANNE)
    assert raw.startswith(b"Return-Path: <>\r\n")
    notice = parsed(raw)
    assert notice["From"].addresses[0].addr_spec == "postmaster@chu.mssante.fr"
    assert notice["To"].addresses[0].addr_spec == ANNE
    assert "origine@poste" in notice["References"]
    assert said(notice)["final-recipient"] == f"rfc822; {VILLE}"
    assert said(notice)["status"] == "5.1.1"
    assert said(notice)["diagnostic-code"].endswith("550 5.1.1 Unknown")
    assert "n'a pas pu être remis" in notice.get_body(("plain",)).get_content()
    assert b"secret" not in raw, "the body is not given back unless it was asked for"


async def test_a_notice_of_a_large_message_stays_small(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    head = "".join(f"X-Long-{number}: {'y' * 900}\r\n" for number in range(300))
    await office.submit(letter("x" * 500_000, head=head))
    await office.delivering.drain()
    (raw,) = await office.read(ANNE)
    assert len(raw) < office.queue.notice_bytes + 10_000
    assert email.message_from_bytes(raw).get_content_type() == "multipart/report"


async def test_the_beginning_of_a_large_message_is_read_before_the_transaction(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.submit(letter("x" * 500_000))
    head, write = office.store.blobs.head, office.store.write
    seen: list[str] = []

    def noted_head(*given: object) -> bytes:
        seen.append("head")
        return head(*given)

    def noted_write(work: object) -> object:
        seen.append("write")
        return write(work)

    monkeypatch.setattr(office.store.blobs, "head", noted_head)
    monkeypatch.setattr(office.store, "write", noted_write)
    await office.delivering.drain()
    assert seen.count("head") == 1
    assert seen[seen.index("head") + 1] == "write"
    assert await _actions(office) == ["failed"]


async def test_a_notice_goes_out_while_the_object_store_is_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.submit(letter("x" * 500_000))

    def away(*_: object) -> bytes:
        msg = "le stockage objet ne répond pas"
        raise StoreAwayError(msg)

    monkeypatch.setattr(office.store.blobs, "head", away)
    await office.delivering.drain()
    assert await _actions(office) == ["failed"]


async def test_nobody_answers_the_null_sender(office: Office) -> None:
    await office.receive(letter("avis", VILLE), BRUNO, sender=None, notify=ALL)
    assert await office.copies() == []


async def test_a_notice_that_cannot_be_delivered_makes_no_other(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.receive(letter("x", VILLE), notify=ALL)
    (notice,) = await office.copies()
    assert (notice.dsn, notice.sender, notice.recipient.notify) == (True, None, Notify.NEVER)
    await office.deliver_until(NOW.replace(day=NOW.day + 6))
    assert await office.states() == {CopyState.FAILED: 1}
    assert office.courier.parcels[0][1].sender is None
    assert await office.read("postmaster@chu.mssante.fr") == []


async def test_a_notice_that_waits_five_days_makes_no_other(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(BUSY)
    await office.receive(letter("x", VILLE), notify=ALL)
    await office.deliver_until(NOW.replace(day=NOW.day + 6))
    assert await office.states() == {CopyState.FAILED: 1}


async def test_a_peer_that_asked_hears_of_the_delivery_with_its_own_envelope_id(office: Office) -> None:
    await office.receive(letter("x", VILLE), ANNE, BRUNO, notify=ALL, options=MailOptions(envelope_id="ENV-7"))
    await office.delivering.drain()
    told = [b"".join(parcel.data) for parcel in office.courier.to(NEAR_HOST)]
    assert len(told) == 2
    assert all(b"Original-Envelope-Id: ENV-7\r\n" in data for data in told)
    assert {said(parsed(data))["final-recipient"] for data in told} == {f"rfc822; {ANNE}", f"rfc822; {BRUNO}"}


async def test_a_copy_that_comes_twice_is_told_once(office: Office) -> None:
    for _ in range(2):
        await office.receive(letter("x", VILLE), notify=ALL)
    assert len(await office.copies()) == 1


async def test_two_failed_recipients_are_two_notices(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.submit(letter(), VILLE, f"autre@{NEAR}")
    await office.delivering.drain()
    assert [said(notice)["final-recipient"] for notice in await office.notices_to(ANNE)] == [
        f"rfc822; {VILLE}",
        f"rfc822; autre@{NEAR}",
    ]


async def test_a_notice_goes_out_when_the_file_of_the_original_is_gone(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(NEVER)
    await office.submit(letter("x" * 300_000))
    copy = (await office.copies())[0]
    gone = replace(copy, body=replace(copy.body, path="00/nothing"))
    await office.store.write(lambda tx: office.notices.after(tx, gone, NEVER, NOW, late=False))
    await office.delivering.drain()
    assert "failed" in await _actions(office)

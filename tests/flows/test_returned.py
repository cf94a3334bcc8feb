"""Notices that come back by mail: which mark an address, and everything that does not (think of the forger).

Source: issue of the directory (bounces feed back); RFC 3464 section 4.1 (forgery).
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from standins import (
    ANNE,
    BRUNO,
    CITIZEN,
    FAR,
    HOSTS,
    LOIN,
    NEAR,
    POSTMASTER,
    TRACE_KEY,
    VILLE,
    Office,
    identity,
    letter,
    peer_of,
)

from mssante.flows.intake import Accepted
from mssante.flows.returned import DOMAINS_MAX, envelope_id_of
from mssante.model.address import Address, parse_address
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import StoreError
from mssante.model.message import Copy, CopyState
from mssante.model.peer import PeerFacts
from mssante.store import correspondents
from mssante.wire.mime.dsn import Notice, NoticeKind, NoticeRecipient, build_notice

Change = Callable[[Notice], Notice]


async def relayed(office: Office, *recipients: str, sender: str = ANNE, ident: str = "m1@poste") -> Copy:
    """Send a message that the other operator accepts; return its first copy as it is then."""
    before = len(await office.copies())
    await office.submit(letter(sender=sender, ident=ident), *(recipients or (VILLE,)), sender=sender)
    await office.delivering.drain()
    copy = (await office.copies())[before]
    assert copy.state in {CopyState.RELAYED, CopyState.DELIVERED}
    return copy


def told(address: str, status: str = "5.1.1", reply: str = "") -> NoticeRecipient:
    return NoticeRecipient(parse_address(address), None, status, reply)


def notice_about(office: Office, copy: Copy, *recipients: NoticeRecipient) -> Notice:
    """Return the notice that the operator of the recipient would write."""
    to = copy.sender or parse_address(POSTMASTER)
    who = recipients or (told(str(copy.recipient.address)),)
    return Notice(
        kind=NoticeKind.FAILED,
        reporting_mta="mss.ville.fr",
        postmaster=Address("postmaster", NEAR),
        to=to,
        recipients=who,
        envelope_id=office.courier.parcels[-1][1].options.envelope_id if office.courier.parcels else None,
        arrived_at=office.clock(),
        now=office.clock(),
        message_id=f"avis-{copy.reference}@mss.ville.fr",
        original_id="m1@poste",
        reference="AUTRE",
        original=copy.prefix + (copy.body.data or letter(ident="m1@poste")),
        full=False,
        limit_bytes=50_000,
    )


async def comes_back(office: Office, notice: Notice, *boxes: str, peer: str = NEAR, sender: str | None = None) -> str:
    """Bring the notice as a peer; return its reference."""
    answer = await office.receive(
        build_notice(notice), *(boxes or (str(notice.to),)), sender=sender, peer=peer_of(HOSTS[peer])
    )
    assert isinstance(answer, Accepted), answer
    return answer.reference


async def health(office: Office, address: str = VILLE) -> correspondents.Bounced | None:
    return await office.store.read(lambda tx: correspondents.bounced(tx, parse_address(address).key))


async def test_a_notice_about_what_we_sent_marks_the_address_and_the_copy(office: Office) -> None:
    copy = await relayed(office)
    office.clock.step(minutes=2)
    reference = await comes_back(office, notice_about(office, copy))
    bounced = await health(office)
    assert bounced is not None
    assert (bounced.failures, bounced.reason, bounced.first_failed_at) == (1, "mailbox-unknown", office.clock())
    (failed,) = await office.copies()
    assert (failed.state, failed.last_detail) == (CopyState.FAILED, "returned: 5.1.1")
    (event,) = await office.events("copy.returned")
    assert (event.subject, event.outcome, event.rule) == (copy.reference, "mailbox-unknown", "returned")
    assert dict(event.facts) == {"from": ANNE, "to": VILLE, "status": "5.1.1", "notice": reference}
    assert "mss.ville.fr" in event.actor
    assert len(await office.notices_to(ANNE)) == 1, "the notice itself is delivered"
    assert await office.store.read(lambda tx: correspondents.written_by(tx, parse_address(ANNE).key, 9)) == []


async def test_an_address_that_is_accepted_and_comes_back_on_two_days_is_dead(office: Office) -> None:
    for day in range(2):
        copy = await relayed(office, ident=f"m{day}@poste")
        office.clock.step(minutes=1)
        await comes_back(office, notice_about(office, copy))
        office.clock.step(days=1)
    bounced = await health(office)
    assert bounced is not None
    assert bounced.failures == 2
    assert (bounced.failed_at - bounced.first_failed_at).days == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, full=True),
        lambda one: replace(one, original=b"Subject: x\r\n\r\n"),
        lambda one: replace(one, recipients=(replace(one.recipients[0], address=parse_address("Claire@VILLE.mssante.fr")),)),
        lambda one: replace(one, recipients=(replace(one.recipients[0], address=parse_address(f"alias@{NEAR}"), original=f"rfc822;{VILLE}"),)),
        lambda one: replace(one, recipients=(told(f"autre@{NEAR}"), *one.recipients, told(LOIN))),
        lambda one: replace(one, recipients=(told(VILLE, "5.0.0", "550 5.1.1 no such user"),)),
    ],
    ids=["whole message", "nothing of it", "capitals", "original recipient", "among others", "reason in the reply"],
)  # fmt: skip
async def test_other_ways_of_naming_the_recipient_count(office: Office, change: Change) -> None:
    copy = await relayed(office)
    await comes_back(office, change(notice_about(office, copy)))
    assert await health(office) is not None


async def test_each_operator_is_given_an_envelope_identifier_of_its_own_that_stands_in_no_message(
    office: Office,
) -> None:
    copy = await relayed(office, VILLE, LOIN)
    near, far = (office.courier.to(HOSTS[one])[0] for one in (NEAR, FAR))
    assert near.options.envelope_id == envelope_id_of(TRACE_KEY, copy.reference, NEAR)
    assert far.options.envelope_id not in {near.options.envelope_id, None}
    assert (near.options.envelope_id or "").rpartition(".")[2].encode() not in b"".join(bytes(one) for one in near.data)
    assert copy.options.envelope_id is None, "what the sender asked for stays as it was"


async def test_the_envelope_identifier_of_a_sender_is_passed_on_and_proves_nothing(office: Office) -> None:
    sending = office.submitting.begin(identity(ANNE), PeerFacts("192.0.2.1", 1), "poste")
    await sending.sender(parse_address(ANNE), MailOptions(envelope_id="E1"))
    await sending.recipient(Recipient(parse_address(VILLE)))
    assert sending.start_data() is None
    sending.data(letter())
    assert isinstance(await sending.finish(), Accepted)
    await office.delivering.drain()
    (copy,) = await office.copies()
    assert office.courier.parcels[0][1].options.envelope_id == "E1"
    await comes_back(office, notice_about(office, copy))
    await unmarked(office)


async def test_another_permanent_failure_takes_the_arrival_back_and_says_nothing_of_the_address(office: Office) -> None:
    copy = await relayed(office)
    await comes_back(office, notice_about(office, copy, told(VILLE, "5.2.2")))
    assert await health(office) is None
    assert (await office.copies())[0].state is CopyState.FAILED


async def test_the_same_failure_counts_once_however_often_it_is_told(office: Office) -> None:
    copy = await relayed(office)
    notice = notice_about(office, copy)
    await comes_back(office, notice)
    await comes_back(office, notice)
    await comes_back(office, replace(notice, message_id="autre@mss.ville.fr"))
    twice = replace(notice, message_id="deux@mss.ville.fr", recipients=(*notice.recipients, *notice.recipients))
    await comes_back(office, twice)
    bounced = await health(office)
    assert bounced is not None
    assert bounced.failures == 1
    assert len(await office.events("copy.returned")) == 1


# -- what must not mark anything -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, envelope_id=None),
        lambda one: replace(one, envelope_id=(one.envelope_id or "").partition(".")[0]),
        lambda one: replace(one, envelope_id=f"{(one.envelope_id or '')[:-1]}x"),
        lambda one: replace(one, envelope_id=f"autre{one.envelope_id}"),
        lambda one: replace(one, recipients=(told(f"autre@{NEAR}"),)),
        lambda one: replace(one, recipients=(told(VILLE, "4.1.1"),)),
        lambda one: replace(one, kind=NoticeKind.DELAYED),
        lambda one: replace(one, kind=NoticeKind.DELIVERED),
        lambda one: replace(one, recipients=tuple(told(f"x@d{n}.mssante.fr") for n in range(DOMAINS_MAX)) + one.recipients),
    ],
    ids=["only what stands in the message", "our reference alone", "a wrong proof", "another message", "another recipient",
         "temporary", "delay", "success", "hidden behind many domains"],
)  # fmt: skip
async def test_a_notice_that_does_not_name_it_for_good_changes_nothing(office: Office, change: Change) -> None:
    copy = await relayed(office)
    await comes_back(office, change(notice_about(office, copy)))
    await unmarked(office)


async def unmarked(office: Office, state: CopyState = CopyState.RELAYED) -> None:
    assert await health(office) is None
    assert (await office.copies())[0].state is state
    assert await office.events("copy.returned") == []


async def test_who_was_sent_the_message_at_another_operator_cannot_speak_of_the_others(office: Office) -> None:
    copy = await relayed(office, VILLE, LOIN)
    theirs = office.courier.to(HOSTS[FAR])[0].options.envelope_id
    await comes_back(office, replace(notice_about(office, copy, told(VILLE)), envelope_id=theirs))
    await unmarked(office)


async def test_another_operator_says_nothing_of_addresses_that_are_not_its_own(office: Office) -> None:
    copy = await relayed(office)
    await comes_back(office, notice_about(office, copy), peer=FAR)
    await unmarked(office)
    assert len(await office.notices_to(ANNE)) == 1


async def test_it_says_nothing_of_another_operators_address_of_the_same_message_either(office: Office) -> None:
    copy = await relayed(office, VILLE, LOIN)
    theirs = office.courier.to(HOSTS[FAR])[0].options.envelope_id
    notice = replace(notice_about(office, copy, told(VILLE), told(LOIN)), envelope_id=theirs)
    await comes_back(office, notice, peer=FAR)
    assert await health(office, VILLE) is None
    assert await health(office, LOIN) is not None
    assert len(await office.events("copy.returned")) == 1


async def test_a_user_of_the_other_operator_cannot_write_one(office: Office) -> None:
    copy = await relayed(office)
    await comes_back(office, notice_about(office, copy), sender=f"pirate@{NEAR}")
    await unmarked(office)


async def test_it_must_come_to_the_box_that_sent_the_message(office: Office) -> None:
    copy = await relayed(office)
    await comes_back(office, notice_about(office, copy), BRUNO)
    await unmarked(office)


async def test_one_of_ours_cannot_send_one_to_a_colleague(office: Office) -> None:
    copy = await relayed(office)
    await office.submit(build_notice(notice_about(office, copy)), ANNE, sender=BRUNO)
    await office.delivering.drain()
    await unmarked(office)


async def test_a_copy_that_is_still_on_its_way_is_the_queues_business(office: Office) -> None:
    office.courier.answers[HOSTS[NEAR]] = lambda _parcel: ()
    await office.submit(letter(ident="m1@poste"), VILLE)
    (copy,) = await office.copies()
    named = envelope_id_of(TRACE_KEY, copy.reference, NEAR)
    await comes_back(office, replace(notice_about(office, copy), envelope_id=named))
    await unmarked(office, CopyState.WAITING)


async def test_an_address_of_ours_is_known_from_our_own_deliveries(office: Office) -> None:
    copy = await relayed(office, BRUNO)
    named = envelope_id_of(TRACE_KEY, copy.reference, copy.recipient.address.domain)
    await comes_back(office, replace(notice_about(office, copy), envelope_id=named))
    assert await health(office, BRUNO) is None
    assert await office.events("copy.returned") == []


async def test_a_citizen_is_in_no_directory_and_in_no_trace(office: Office) -> None:
    # A citizen only answers.
    await office.receive(f"From: {VILLE}\r\nSubject: x\r\n\r\nx\r\n".encode(), CITIZEN, sender=VILLE)
    copy = await relayed(office, VILLE, sender=CITIZEN)
    await comes_back(office, notice_about(office, copy))
    assert await health(office) is None
    (event,) = await office.events("copy.returned")
    assert CITIZEN not in repr(event)


async def test_the_notice_and_what_it_changes_are_kept_together_or_not_at_all(office: Office) -> None:
    copy = await relayed(office)
    notice = notice_about(office, copy)

    def breaks(_step: str) -> None:
        raise StoreError(_step)

    office.receiving.probe = breaks
    answer = await office.receive(build_notice(notice), ANNE, sender=None)
    assert not isinstance(answer, Accepted)
    await unmarked(office)
    assert await office.read(ANNE) == []
    office.build()
    await comes_back(office, notice)
    assert await health(office) is not None


async def test_a_large_notice_is_read_from_its_file(office: Office) -> None:
    copy = await relayed(office)
    notice = notice_about(office, copy)
    big = replace(notice, full=True, original=notice.original + b"x" * 79 + b"\r\n" * 200_000, limit_bytes=10_000_000)
    assert len(build_notice(big)) > office.storing.inline_bytes
    answer = await office.receive(build_notice(big), ANNE, sender=None)
    assert isinstance(answer, Accepted)
    assert await health(office) is not None

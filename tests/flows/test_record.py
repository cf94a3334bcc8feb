"""What became of a copy is written once, with its audit row and its notice, or not at all (K15, law 4)."""

from datetime import timedelta

import pytest
from forge import NOW
from standins import ANNE, Office, letter

from mssante.model.decision import Kind, Refusal
from mssante.model.errors import StoreError
from mssante.model.message import Copy, CopyState, Deferred, Delivered, Failed, Outcome, Relayed
from mssante.store import queue

BUSY = Refusal(Kind.PEER_DEFERRED, "peer", "450 4.3.2 Busy")
GONE = Refusal(Kind.PEER_REFUSED, "peer", "550 5.1.1 Unknown")
UNTIL = NOW + timedelta(minutes=15)


async def _claimed(office: Office, lease: str = "bail") -> Copy:
    if not await office.copies():
        await office.submit(letter())
    (copy,) = await office.store.write(
        lambda tx: queue.claim_due(
            tx, now=office.clock(), limit=1, lease=lease, lease_until=UNTIL, busy={}, per_destination=1
        )
    )
    return copy


async def _record(office: Office, copy: Copy, outcome: Outcome) -> bool:
    return await office.store.write(lambda tx: office.recorder.record(tx, copy, outcome, office.clock()))


@pytest.mark.parametrize(
    ("outcome", "state", "event", "kind"),
    [
        (Delivered("INBOX"), CopyState.DELIVERED, "copy.delivered", "ok"),
        (Relayed("250 2.0.0 Ok", "R5", "h [i]", dsn_supported=True, tls="T"), CopyState.RELAYED, "copy.relayed", "ok"),
        (Deferred(BUSY, "450 4.3.2 Busy"), CopyState.DEFERRED, "copy.deferred", "peer-deferred"),
        (Failed(GONE, "550 5.1.1 Unknown"), CopyState.FAILED, "copy.failed", "peer-refused"),
    ],
)
async def test_each_outcome_has_its_state_and_its_audit_row(
    office: Office, outcome: Outcome, state: CopyState, event: str, kind: str
) -> None:
    copy = await _claimed(office)
    assert await _record(office, copy, outcome)
    found = await office.store.read(lambda tx: queue.show_copy(tx, copy.copy_id))
    assert found is not None
    assert (found.state, found.lease) == (state, "")
    (row,) = await office.events("copy.")
    assert (row.event, row.outcome, row.subject) == (event, kind, copy.reference)
    assert not {"Unknown", "Busy"} & set(str(dict(row.facts)).replace("'", " ").split()), "codes only"


async def test_a_peer_that_repeats_an_address_in_its_reply_leaves_no_trace_of_it(office: Office) -> None:
    copy = await _claimed(office)
    said = "550 5.1.1 no such box 258038619401210@patient.mssante.fr"
    gone = Refusal(Kind.PEER_REFUSED, "peer", "the peer refused", said)
    assert await _record(office, copy, Failed(gone, said))
    (row,) = await office.events("copy.")
    assert "258038619401210" not in str(dict(row.facts))
    assert row.facts["detail"] == "peer-refused: 550 5.1.1"


async def test_a_deferral_at_the_end_of_the_time_allowed_is_a_failure(office: Office) -> None:
    copy = await _claimed(office)
    office.clock.step(days=5)
    assert await _record(office, copy, Deferred(BUSY, "450 4.3.2 Busy"))
    (row,) = await office.events("copy.")
    assert (row.event, row.outcome) == ("copy.failed", "expired")


async def test_a_lease_that_passed_on_writes_nothing(office: Office) -> None:
    late = await _claimed(office, "premier")
    office.clock.step(minutes=16)
    await _claimed(office, "second")
    assert not await _record(office, late, Failed(GONE))
    assert await office.events("copy.") == []
    assert await office.states() == {CopyState.SENDING: 1}
    assert len(await office.copies()) == 1, "no notice"


async def test_a_notice_that_cannot_be_queued_leaves_the_copy_as_it_was(office: Office) -> None:
    copy = await _claimed(office)
    office.numbers = iter([int(copy.reference.removeprefix("ref-"))])
    with pytest.raises(StoreError):
        await _record(office, copy, Failed(GONE))
    assert await office.states() == {CopyState.SENDING: 1}
    assert await office.events("copy.") == []
    office.numbers = iter(range(100, 200))
    assert await _record(office, copy, Failed(GONE))
    await office.delivering.drain()
    assert len(await office.notices_to(ANNE)) == 1


async def test_a_second_record_of_the_same_claim_writes_nothing(office: Office) -> None:
    copy = await _claimed(office)
    assert await _record(office, copy, Failed(GONE))
    assert not await _record(office, copy, Failed(GONE))
    assert len(await office.events("copy.")) == 1
    assert len([one for one in await office.copies() if one.dsn]) == 1

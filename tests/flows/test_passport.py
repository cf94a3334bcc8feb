"""The passport of real messages, and the watch over those of which nothing comes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from receipt_letters import OPENED, REFUSED, sent, written
from standins import (
    ANNE,
    CITIZENS,
    FAR,
    HOSTS,
    LOIN,
    NEAR,
    POSTMASTER,
    TRACE_KEY,
    VILLE,
    Office,
    add_person,
    always,
    letter,
    peer_of,
)
from store_world import by_hand

from mssante.flows.intake import Accepted
from mssante.flows.passport import CLOCK_MARGIN, SilenceWatch, passport_of, wait_for_sign
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import MssError
from mssante.model.message import Failed
from mssante.rules.passport import Overall, Passport
from mssante.rules.timeline import StepState
from mssante.store import audit, queue
from mssante.store.tx import Tx

PATIENT = f"258038619401210@{CITIZENS}"
NOBODY = Failed(
    Refusal(Kind.MAILBOX_UNKNOWN, "peer", "No such mailbox"), "550 5.1.1 No such mailbox", "mss.ville.fr [192.0.2.7]"
)


async def shown(office: Office, reference: str) -> Passport:
    found = await passport_of(office.store, reference, trace_key=TRACE_KEY, now=office.clock())
    assert found is not None
    return found


def watch(office: Office) -> SilenceWatch:
    return SilenceWatch(
        office.store,
        "mss.chu.fr",
        parse_address(POSTMASTER),
        TRACE_KEY,
        office.new_reference,
        office.clock,
        office.log,
        office.notifier.wake_queue,
    )


async def wish(office: Office, reference: str, hours: int = 48) -> None:
    await wait_for_sign(
        office.store, reference, timedelta(hours=hours), actor="cli:test", trace_key=TRACE_KEY, now=office.clock()
    )


async def test_the_way_of_a_message_from_acceptance_to_opening(office: Office) -> None:
    copy = await sent(office)
    office.clock.step(minutes=30)
    await office.receive(written(OPENED), ANNE, sender=None)
    found = await shown(office, copy.reference)
    (one,) = found.timelines
    states = [step.state for step in one.steps]
    assert states == [StepState.ACCEPTED, StepState.ALLOWED, StepState.HANDED, StepState.OPENED]
    assert (found.overall, found.text, one.state) == (Overall.CONFIRMED, "envoyé et confirmé", StepState.OPENED)
    handed = one.steps[2]
    assert "mss.ville.fr [192.0.2.7]" in handed.text
    assert "réponse 250 2.0.0" in handed.text
    assert "liste blanche" in handed.text


async def test_a_part_that_was_dropped_comes_first_and_the_message_is_not_called_sent(office: Office) -> None:
    office.courier.answers[HOSTS[NEAR]] = always(NOBODY)
    copy = await sent(office, LOIN, VILLE)
    found = await shown(office, copy.reference)
    assert (found.overall, found.text) == (
        Overall.PARTLY_SENT,
        "envoyé en partie, rien n'est parvenu à 1 sur 2 destinataires",
    )
    assert [(one.recipient, one.state) for one in found.timelines] == [
        (VILLE, StepState.FAILED),
        (LOIN, StepState.HANDED),
    ]
    assert "vérifiez-la dans l'annuaire" in found.timelines[0].advice


async def test_an_error_of_the_reader_s_program_says_what_to_do(office: Office) -> None:
    copy = await sent(office)
    await office.receive(written(REFUSED), ANNE, sender=None)
    found = await shown(office, copy.reference)
    (one,) = found.timelines
    assert (found.overall, one.state) == (Overall.REFUSED, StepState.REFUSED)
    assert one.text == "Refusé par le logiciel du destinataire : 902 patient inconnu."
    assert "vérifiez l'identité" in one.advice


async def test_it_is_known_from_the_audit_when_the_queue_has_forgotten_the_copies(office: Office) -> None:
    office.courier.answers[HOSTS[NEAR]] = always(NOBODY)
    await office.store.write(lambda tx: add_person(tx, PATIENT))
    copy = await sent(office, LOIN, VILLE, PATIENT)
    await office.receive(
        written(replace(OPENED, final_recipient=parse_address(LOIN)), by=LOIN),
        ANNE,
        sender=None,
        peer=peer_of(HOSTS[FAR]),
    )
    before = await shown(office, copy.reference)
    office.clock.step(days=200)
    await office.store.write(lambda tx: queue.forget_finished(tx, office.clock()))
    assert not [one for one in await office.copies() if one.reference == copy.reference]
    after = await shown(office, copy.reference)
    assert after.overall is before.overall is Overall.PARTLY_SENT
    assert {one.state for one in after.timelines} == {one.state for one in before.timelines}
    assert {one.state for one in after.timelines} == {StepState.FAILED, StepState.OPENED, StepState.DELIVERED}
    assert PATIENT not in str(after), "the audit has a pseudonym only"


async def test_a_recipient_of_whom_no_trace_is_left_is_not_passed_over(office: Office) -> None:
    answer = await office.submit(letter(sender=ANNE, ident="m1@poste"), VILLE, LOIN)
    assert isinstance(answer, Accepted)
    await office.store.write(_drop_copies)
    found = await shown(office, answer.reference)
    assert found.overall is Overall.NOT_SENT
    assert {one.state for one in found.timelines} == {StepState.LOST}


async def _drop_copies(tx: Tx) -> None:
    await by_hand(tx, "DELETE FROM copy")


async def test_nothing_is_known_of_a_message_that_only_came_in_or_never_was(office: Office) -> None:
    answer = await office.receive(letter(sender=VILLE), ANNE)
    assert isinstance(answer, Accepted)
    for reference in (answer.reference, "inconnue"):
        assert await passport_of(office.store, reference, trace_key=TRACE_KEY, now=office.clock()) is None


async def test_a_sender_is_told_once_when_nothing_came(office: Office) -> None:
    copy = await sent(office, VILLE, LOIN)
    await office.receive(written(OPENED), ANNE, sender=None)
    await wish(office, copy.reference)
    office.clock.step(hours=47)
    assert await watch(office).look() == 0
    office.clock.step(hours=1)
    assert await watch(office).look() == 1
    assert await watch(office).look() == 0
    await office.delivering.drain()
    data = (await office.read(ANNE))[-1]
    assert b"Sans nouvelles de votre message" in data
    assert b"In-Reply-To: <m1@poste>" in data
    assert b"Auto-Submitted: auto-generated" in data
    assert LOIN.encode() in data
    (event,) = await office.events("message.silent")
    assert (event.subject, dict(event.facts)) == (copy.reference, {"from": ANNE, "silent": 1, "recipients": 2})
    assert ("warning", "message-silent", {"reference": copy.reference, "silent": 1}) in office.log.lines
    found = await shown(office, copy.reference)
    assert found.overall is Overall.SILENT
    assert [(one.recipient, one.state) for one in found.timelines] == [
        (LOIN, StepState.SILENT),
        (VILLE, StepState.OPENED),
    ]


async def test_nobody_is_told_when_everybody_gave_a_sign(office: Office) -> None:
    copy = await sent(office)
    await wish(office, copy.reference)
    await office.receive(written(OPENED), ANNE, sender=None)
    office.clock.step(hours=50)
    assert await watch(office).look() == 0
    assert not await office.events("message.silent")


async def test_a_forged_receipt_does_not_end_the_waiting(office: Office) -> None:
    copy = await sent(office)
    await wish(office, copy.reference)
    await office.receive(written(OPENED, by=f"mallory@{NEAR}"), ANNE, sender=None)
    office.clock.step(hours=50)
    assert await watch(office).look() == 1


async def test_a_failure_has_its_own_notice_and_is_no_silence(office: Office) -> None:
    office.courier.answers[HOSTS[NEAR]] = always(NOBODY)
    copy = await sent(office)
    await wish(office, copy.reference)
    office.clock.step(hours=50)
    assert await watch(office).look() == 0


async def test_what_still_waits_at_the_end_of_the_time_is_told_and_not_called_sent(office: Office) -> None:
    del office.resolver.table[NEAR]
    copy = await sent(office)
    await wish(office, copy.reference, hours=1)
    office.clock.step(hours=2)
    assert await watch(office).look() == 1
    found = await shown(office, copy.reference)
    assert (found.overall, found.silent, found.timelines[0].state) == (Overall.UNDER_WAY, 1, StepState.DEFERRED)


@pytest.mark.parametrize("hours", [0, -1, 24 * 31])
async def test_a_time_that_makes_no_sense_is_refused(office: Office, hours: int) -> None:
    copy = await sent(office)
    with pytest.raises(MssError, match="30 jours"):
        await wish(office, copy.reference, hours=hours)


async def test_nobody_waits_for_a_message_that_is_not_ours(office: Office) -> None:
    answer = await office.receive(letter(sender=VILLE), ANNE)
    assert isinstance(answer, Accepted)
    with pytest.raises(MssError, match="aucun message envoyé"):
        await wish(office, answer.reference)


async def test_the_audit_is_looked_through_from_the_second_in_the_reference(office: Office) -> None:
    old = await sent(office)
    office.clock.step(days=2)
    office.new_reference = lambda: f"{int(office.clock().timestamp()):08x}{'0' * 19}{next(office.numbers) % 10}"  # type: ignore[method-assign]
    office.build()
    copy = await sent(office, ident="m2@poste")
    first = await office.store.read(lambda tx: audit.seq_before(tx, office.clock() - CLOCK_MARGIN))
    assert first > 0
    for reference in (old.reference, copy.reference):
        (one,) = (await shown(office, reference)).timelines
        assert [step.state for step in one.steps] == [StepState.ACCEPTED, StepState.ALLOWED, StepState.HANDED]

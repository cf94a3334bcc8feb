"""Submissions: who may send as whom, where mail may go, what is kept at the acceptance.

Source: design.md laws 1 and 7; operators.md 2.5 R1 and R8; reliability.md B06.
"""

from dataclasses import replace

import pytest
from standins import ANNE, BRUNO, FAR, HERE, LOIN, VILLE, Office, identity, letter, parsed

from mssante.flows.intake import Accepted
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.mailbox import MailboxState, Role
from mssante.model.message import CopyState
from mssante.model.peer import PeerFacts
from mssante.store import mailboxes


def _refusal(answer: Accepted | Refusal) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


async def _kept(office: Office) -> tuple[int, int]:
    return len(await office.copies()), len(await office.read(ANNE, Role.SENT))


async def test_the_acceptance_leaves_one_copy_per_recipient_one_in_sent_and_one_audit_row(office: Office) -> None:
    answer = await office.submit(letter(), BRUNO, VILLE, LOIN, VILLE)
    assert isinstance(answer, Accepted)
    assert [str(copy.recipient.address) for copy in await office.copies()] == [BRUNO, VILLE, LOIN]
    assert {copy.reference for copy in await office.copies()} == {answer.reference}
    (sent,) = await office.listed(ANNE, Role.SENT)
    assert (sent.reference, sent.flags) == (answer.reference, {"\\Seen"})
    (event,) = await office.events("message.submitted")
    assert (event.subject, event.actor, event.facts["copies"]) == (answer.reference, ANNE, 3)


async def test_what_a_message_lacks_is_completed_in_front_and_its_bytes_stay(office: Office) -> None:
    bare = b"Subject: essai\r\n\r\nBonjour\r\n"
    await office.submit(bare)
    (sent,) = await office.read(ANNE, Role.SENT)
    assert sent.endswith(bare)
    read = parsed(sent)
    assert read["From"] == ANNE
    assert read["Date"]
    assert read["Message-ID"].endswith("@mss.chu.fr>")
    (copy,) = await office.copies()
    assert copy.prefix.startswith(b"Received: ")
    assert copy.prefix.endswith(sent.removesuffix(bare))


async def test_an_identity_sends_only_as_itself(office: Office) -> None:
    answer = await office.submitting.submit(
        identity(BRUNO), parse_address(ANNE), (Recipient(parse_address(VILLE)),), letter()
    )
    refusal = _refusal(answer)
    assert refusal.kind is Kind.SENDER_NOT_ALLOWED
    assert BRUNO in refusal.french
    (event,) = await office.events("submission.refused")
    assert event.actor == BRUNO
    assert await _kept(office) == (0, 0)


async def test_a_from_field_of_somebody_else_is_refused(office: Office) -> None:
    refusal = _refusal(await office.submit(letter(sender=BRUNO)))
    assert refusal.kind is Kind.HEADER_FROM
    assert await _kept(office) == (0, 0)


async def test_a_domain_outside_the_list_is_refused_in_both_languages_and_never_looked_up(office: Office) -> None:
    refusal = _refusal(await office.submit(letter(), "ami@public.fr"))
    assert (refusal.kind, refusal.rule) == (Kind.RECIPIENT_DOMAIN_UNLISTED, "R1")
    assert "public.fr" in refusal.public
    assert "annuaire" in refusal.french
    assert await _kept(office) == (0, 0)
    assert office.resolver.asked == []


async def test_without_a_fresh_list_nothing_leaves_yet_neighbours_are_reached(office: Office) -> None:
    office.clock.step(days=8)
    refusal = _refusal(await office.submit(letter(), VILLE))
    assert refusal.kind is Kind.LIST_UNAVAILABLE
    assert refusal.is_temporary
    assert isinstance(await office.submit(letter(), BRUNO), Accepted)


@pytest.mark.parametrize(
    ("state", "kind"),
    [(MailboxState.SUSPENDED, Kind.MAILBOX_SUSPENDED), (MailboxState.CLOSED, Kind.MAILBOX_UNKNOWN)],
)
async def test_a_neighbour_that_takes_no_mail_is_refused_at_once(
    office: Office, state: MailboxState, kind: Kind
) -> None:
    box = await office.mailbox(BRUNO)
    await office.store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, state, office.clock()))
    assert _refusal(await office.submit(letter(), BRUNO)).kind is kind


async def test_an_unknown_neighbour_is_refused_at_once(office: Office) -> None:
    assert _refusal(await office.submit(letter(), f"personne@{HERE}")).kind is Kind.MAILBOX_UNKNOWN


async def test_a_refused_recipient_gets_nothing_and_the_others_their_copy(office: Office) -> None:
    sending = office.submitting.begin(identity(ANNE), PeerFacts("192.0.2.1", 1), "poste")
    await sending.sender(parse_address(ANNE), MailOptions())
    wanted = (VILLE, "x@public.fr", LOIN)
    decisions = [await sending.recipient(Recipient(parse_address(text))) for text in wanted]
    assert [isinstance(decision, Refusal) for decision in decisions] == [False, True, False]
    assert sending.start_data() is None
    sending.data(letter())
    assert isinstance(await sending.finish(), Accepted)
    assert [str(copy.recipient.address) for copy in await office.copies()] == [VILLE, LOIN]


async def test_the_null_sender_of_a_receipt_leaves_nothing_in_sent(office: Office) -> None:
    sending = office.submitting.begin(identity(ANNE), PeerFacts("192.0.2.1", 1), "poste")
    await sending.sender(None, MailOptions())
    await sending.recipient(Recipient(parse_address(VILLE)))
    assert sending.start_data() is None
    sending.data(letter())
    assert isinstance(await sending.finish(), Accepted)
    assert await _kept(office) == (1, 0)
    await office.delivering.drain()
    assert office.courier.parcels[0][1].sender is None


async def test_a_loop_is_stopped_at_submission_too(office: Office) -> None:
    head = "".join(f"Received: from a by b; {number}\r\n" for number in range(51))
    assert _refusal(await office.submit(letter(head=head))).kind is Kind.LOOP


async def test_finishing_without_data_is_a_refusal_and_aborting_leaves_nothing(office: Office) -> None:
    sending = office.submitting.begin(identity(ANNE), PeerFacts("192.0.2.1", 1), "poste")
    assert sending.data(b"x") is None
    assert _refusal(await sending.finish()).kind is Kind.SEQUENCE
    assert sending.start_data() is None
    sending.data(b"x" * 1000)
    sending.abort()
    assert await _kept(office) == (0, 0)


async def test_a_full_disk_is_noticed_before_the_data(office: Office) -> None:
    office.storing = replace(office.storing, free_bytes=2**62)
    office.build()
    assert _refusal(await office.submit(letter())).kind is Kind.STORE_FULL


async def test_the_same_bytes_without_a_message_id_may_be_meant_twice(office: Office) -> None:
    for _ in range(2):
        await office.submit(letter(), f"x@{FAR}")
    assert await office.states() == {CopyState.WAITING: 2}


async def test_a_message_sent_again_after_a_lost_answer_is_accepted_under_its_first_reference(office: Office) -> None:
    sent = letter(ident="un@poste.test")
    first = await office.submit(sent, f"x@{FAR}")
    again = await office.submit(sent, f"x@{FAR}")
    assert isinstance(first, Accepted)
    assert again == first
    assert await office.states() == {CopyState.WAITING: 1}
    *_, row = await office.events("message.submitted")
    assert row.facts["same_as"] == first.reference


@pytest.mark.parametrize("change", ["recipient", "content", "message-id"])
async def test_a_message_that_differs_at_all_is_another_one(office: Office, change: str) -> None:
    await office.submit(letter(ident="un@poste.test"), f"x@{FAR}")
    text = "Autre" if change == "content" else "Bonjour"
    ident = "deux@poste.test" if change == "message-id" else "un@poste.test"
    await office.submit(letter(text, ident=ident), f"y@{FAR}" if change == "recipient" else f"x@{FAR}")
    assert await office.states() == {CopyState.WAITING: 2}

"""Automatic answers of those who are away, as mail programs and other operators get them.

Source: RFC 3834; reliability.md B08.
"""

from datetime import timedelta

import pytest
from forge import NOW
from standins import ANNE, BRUNO, HERE, HOSTS, NEAR, TRACE_KEY, VILLE, KeptLog, Office, parsed
from turns import one_turn

from mssante.flows.answering import Answering
from mssante.flows.leaving import clear_absence, set_absence
from mssante.model.address import parse_address
from mssante.model.errors import MssError, StoreAwayError
from mssante.model.life_cycle import Absence
from mssante.model.mailbox import MailboxId, MailboxState
from mssante.model.message import CopyState
from mssante.store import absences, mailboxes

DAY = timedelta(days=1)
AWAY = Absence(MailboxId(0), parse_address(ANNE), NOW, NOW + 10 * DAY, "Je reviens bientôt.", parse_address(BRUNO))


def written(to: str = ANNE, sender: str = VILLE, more: str = "", subject: str = "Compte rendu") -> bytes:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m1@ville>\r\n{more}\r\nBonjour\r\n"
    ).encode()


def answering(office: Office) -> Answering:
    return Answering(store=office.store, submitting=office.submitting, clock=office.clock, log=KeptLog())


async def leave(office: Office, absence: Absence = AWAY) -> None:
    await set_absence(office.store, absence, actor="cli:root", trace_key=TRACE_KEY, now=office.clock())


async def answers(office: Office) -> list[bytes]:
    await office.delivering.drain()
    return [b"".join(parcel.data) for parcel in office.courier.to(HOSTS[NEAR])]


async def test_who_writes_to_somebody_away_hears_when_he_is_back_and_whom_to_ask(office: Office) -> None:
    await leave(office)
    await office.receive(written())
    assert await answering(office).answer_new() == 1
    (data,) = await answers(office)
    (parcel,) = office.courier.to(HOSTS[NEAR])
    assert parcel.sender is None
    assert [str(one.address) for one in parcel.recipients] == [VILLE]
    message = parsed(data)
    assert message["Auto-Submitted"] == "auto-replied"
    assert (message["From"], message["To"]) == (ANNE, VILLE)
    assert message["In-Reply-To"] == message["References"] == "<m1@ville>"
    assert message["Subject"] == "Absence : Compte rendu"
    text = message.get_content()
    for part in (f"{NOW + 10 * DAY:%d/%m/%Y}", BRUNO, "Je reviens bientôt."):
        assert part in text


async def test_a_sender_is_answered_once_a_week(office: Office) -> None:
    await leave(office)
    for number in range(3):
        await office.receive(written(subject=f"n{number}"))
    assert await answering(office).answer_new() == 1
    office.clock.step(days=6)
    await office.receive(written(subject="n4"))
    assert await answering(office).answer_new() == 0
    office.clock.step(days=1)
    await office.receive(written(subject="n5"))
    assert await answering(office).answer_new() == 1
    await answering(office).forget()
    assert await answering(office).answer_new() == 0


@pytest.mark.parametrize(
    ("to", "more", "sender"),
    [
        (ANNE, "Auto-Submitted: auto-replied\r\n", VILLE),
        (ANNE, "List-Id: <x.y>\r\n", VILLE),
        (ANNE, "Precedence: bulk\r\n", VILLE),
        (ANNE, "Content-Type: multipart/report; boundary=x\r\n", VILLE),
        (ANNE, "", None),
        (f"liste@{NEAR}", "", VILLE),
        (ANNE, "", f"no-reply@{NEAR}"),
    ],
)
async def test_machines_lists_and_notices_are_never_answered(
    office: Office, to: str, more: str, sender: str | None
) -> None:
    await leave(office)
    await office.receive(written(to, more=more), ANNE, sender=sender)
    assert len(await office.listed(ANNE)) == 1
    assert await answering(office).answer_new() == 0
    assert await answers(office) == []
    assert await office.events("absence.answered") == []


async def test_two_people_away_do_not_answer_each_other_for_ever(office: Office) -> None:
    await leave(office)
    await leave(office, Absence(MailboxId(0), parse_address(BRUNO), NOW, NOW + DAY))
    await office.submit(written(BRUNO, ANNE), BRUNO)
    total = 0
    for _ in range(5):
        await office.delivering.drain()
        total += await answering(office).answer_new()
    assert total == 1
    assert len(await office.listed(ANNE)) == 1
    assert (await office.states()).get(CopyState.FAILED, 0) == 0


async def test_what_came_before_the_absence_or_after_it_is_not_answered(office: Office) -> None:
    await office.receive(written(subject="avant"))
    await leave(office, Absence(MailboxId(0), parse_address(ANNE), NOW + DAY, NOW + 2 * DAY))
    await office.receive(written(subject="trop tôt"))
    assert await answering(office).answer_new() == 0
    office.clock.step(days=1, hours=1)
    assert await answering(office).answer_new() == 0
    await office.receive(written(subject="pendant"))
    assert await answering(office).answer_new() == 1
    office.clock.step(days=1)
    await office.receive(written(subject="après", sender=f"autre@{NEAR}"), sender=f"autre@{NEAR}")
    assert await answering(office).answer_new() == 0


async def test_after_a_crash_between_answer_and_note_the_same_answer_is_known(office: Office) -> None:
    await leave(office)
    await office.receive(written())
    desk = answering(office)

    async def killed(*_args: object) -> None:
        raise RuntimeError

    desk._note = killed
    with pytest.raises(RuntimeError):
        await desk.answer_new()
    office.clock.step(minutes=5)
    assert await answering(office).answer_new() == 1
    assert len(await answers(office)) == 1


async def test_without_a_way_out_the_message_is_considered_again(office: Office) -> None:
    await leave(office)
    await office.receive(written())
    office.room._free = -1
    assert await answering(office).answer_new() == 0
    office.room._free = 10**9
    assert await answering(office).answer_new() == 1


async def test_while_the_object_store_is_away_a_message_waits_to_be_considered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leave(office)
    await office.receive(written(more=f"X-Long: {'x ' * 70_000}\r\n"))

    def head(*_: object) -> bytes:
        msg = "le stockage objet ne répond pas"
        raise StoreAwayError(msg)

    with monkeypatch.context() as away:
        away.setattr(office.store.blobs, "head", head)
        with pytest.raises(StoreAwayError):
            await answering(office).answer_new()
    assert await answering(office).answer_new() == 1


async def test_a_suspended_box_answers_nobody(office: Office) -> None:
    await leave(office)
    await office.receive(written())
    box = await office.mailbox(ANNE)
    await office.store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.SUSPENDED, NOW))
    assert await answering(office).answer_new() == 0


async def test_the_directory_sees_who_is_away_now(office: Office) -> None:
    await leave(office)

    async def away(at) -> list[tuple[str, str]]:
        found = await office.store.read(lambda tx: absences.absences(tx, at))
        return [(str(one.address), str(one.substitute)) for one in found]

    assert await away(NOW) == [(ANNE, BRUNO)]
    assert await away(NOW - DAY) == []
    assert await away(NOW + 10 * DAY) == []
    assert await clear_absence(office.store, parse_address(ANNE), actor="x", trace_key=TRACE_KEY, now=NOW)
    assert not await clear_absence(office.store, parse_address(ANNE), actor="x", trace_key=TRACE_KEY, now=NOW)
    assert await away(NOW) == []
    assert [event.event for event in await office.events("absence.")] == ["absence.set", "absence.cleared"]
    assert "bientôt" not in str(await office.events())


async def test_an_absence_that_is_not_sound_is_refused(office: Office) -> None:
    with pytest.raises(MssError, match="fin"):
        await leave(office, Absence(MailboxId(0), parse_address(ANNE), NOW, NOW))
    with pytest.raises(MssError, match="n'existe pas"):
        await leave(office, Absence(MailboxId(0), parse_address(f"x@{HERE}"), NOW, NOW + DAY))


async def test_the_running_operator_answers_by_itself(office: Office) -> None:
    await leave(office)
    await office.receive(written())
    desk = answering(office)
    await one_turn(desk, "answer_new", desk.run())
    assert len(await answers(office)) == 1

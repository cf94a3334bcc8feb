"""A year without a sign-in on a real store, day by day: told by a real mail, suspended, closed; or saved in time."""

from datetime import timedelta

import pytest
from forge import NOW
from standins import ANNE, BRUNO, CITIZEN, HERE, POSTMASTER, TRACE_KEY, Office, parsed

from mssante.flows.life_cycle import Happened, LifeCycle
from mssante.flows.mailboxes import Administering
from mssante.model.address import parse_address
from mssante.model.decision import Refusal
from mssante.model.errors import ConfigError, MssError
from mssante.model.life_cycle import LifeCycleSettings
from mssante.model.mailbox import Identity, MailboxState
from mssante.model.publication import PublicationState
from mssante.rules.life_cycle import LifeStep
from mssante.store import life_cycle, publication
from mssante.store.mailboxes import list_mailboxes

NOTICE, REMINDER, SUSPEND, CLOSE = list(LifeStep)[1:]


def lives_of(office: Office, settings: LifeCycleSettings = LifeCycleSettings()) -> LifeCycle:  # noqa: B008 - frozen
    return LifeCycle(
        settings=settings,
        hostname="mss.chu.fr",
        postmaster=parse_address(POSTMASTER),
        store=office.store,
        new_reference=office.new_reference,
        trace_key=TRACE_KEY,
        notifier=office.notifier,
    )


async def on_day(office: Office, number: int, *, dry_run: bool = False) -> list[tuple[str, LifeStep]]:
    office.clock.now = NOW + timedelta(days=number)
    done = await lives_of(office).run_life_cycle(office.clock(), dry_run=dry_run)
    return [(str(one.address), one.step) for one in done]


async def sign_in(office: Office, login: str) -> Identity | Refusal:
    return await office.sign_in.password(login, f"pass{login}", "", "192.0.2.1")


async def test_nobody_opens_a_box_for_a_year(office: Office) -> None:
    assert await on_day(office, 304) == []
    assert sorted(await on_day(office, 305)) == [(ANNE, NOTICE), (BRUNO, NOTICE)]
    assert await on_day(office, 306) == []
    await sign_in(office, BRUNO)
    assert await on_day(office, 344) == [(ANNE, REMINDER)]
    assert await on_day(office, 358) == [(ANNE, SUSPEND)]
    listed = await office.store.read(lambda tx: publication.list_announced(tx, limit=10))
    (anne,) = [one for one in listed if str(one.mailbox.address) == ANNE]
    assert (anne.mailbox.state, anne.state) == (MailboxState.SUSPENDED, PublicationState.TO_PUBLISH)
    assert await on_day(office, 365) == [(ANNE, CLOSE)]
    assert (await office.mailbox(ANNE)).state is MailboxState.CLOSED
    assert isinstance(await sign_in(office, ANNE), Refusal)
    events = [event.event for event in await office.events("mailbox.") if event.subject == ANNE]
    assert events == ["mailbox.noticed", "mailbox.reminded", "mailbox.suspended", "mailbox.closed"]
    # The address is nobody's any more, and never somebody's again.
    clerk = Administering(store=office.store, actor="cli:root", trace_key=TRACE_KEY, clock=office.clock)
    with pytest.raises(MssError, match="pour toujours"):
        await clerk.change_state(parse_address(ANNE), MailboxState.ACTIVE)


async def test_neither_the_postmaster_nor_a_citizen_is_closed(office: Office) -> None:
    for number in range(0, 800, 5):
        await on_day(office, number)
    states = {str(box.address): box.state for box in await office.store.read(list_mailboxes)}
    assert states == {
        POSTMASTER: MailboxState.ACTIVE,
        CITIZEN: MailboxState.ACTIVE,
        ANNE: MailboxState.CLOSED,
        BRUNO: MailboxState.CLOSED,
    }


async def test_the_notice_is_a_mail_in_the_box_that_says_when_and_how_to_object(office: Office) -> None:
    heard: list[object] = []
    office.notifier.listen((await office.mailbox(ANNE)).mailbox_id, heard.extend)
    await on_day(office, 305)
    (data,) = await office.read(ANNE)
    assert data.startswith(b"Return-Path: <>\r\n")
    message = parsed(data)
    closing = f"{NOW + timedelta(days=365):%d/%m/%Y}"
    assert closing in message["Subject"]
    assert message["From"] == POSTMASTER
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert closing in text
    assert POSTMASTER in text
    assert len(heard) == 1


@pytest.mark.parametrize("late", [305, 344, 358])
async def test_an_objection_stops_the_closing_and_opens_a_suspended_box(office: Office, late: int) -> None:
    for number in (305, 344, 358):
        if number <= late:
            await on_day(office, number)
    await lives_of(office).object(parse_address(ANNE), office.clock())
    assert (await office.mailbox(ANNE)).state is MailboxState.ACTIVE
    assert not isinstance(await sign_in(office, ANNE), Refusal)
    assert (ANNE, CLOSE) not in await on_day(office, 400)
    assert "mailbox.objected" in [event.event for event in await office.events("mailbox.")]


async def test_a_box_that_an_administrator_suspended_is_not_opened_by_an_objection(office: Office) -> None:
    clerk = Administering(store=office.store, actor="cli:root", trace_key=TRACE_KEY, clock=office.clock)
    await clerk.change_state(parse_address(ANNE), MailboxState.SUSPENDED)
    await lives_of(office).object(parse_address(ANNE), office.clock())
    assert (await office.mailbox(ANNE)).state is MailboxState.SUSPENDED


async def test_a_program_that_stood_still_tells_before_it_closes(office: Office) -> None:
    assert (ANNE, NOTICE) in await on_day(office, 700)
    assert (ANNE, REMINDER) in await on_day(office, 745)
    assert (ANNE, SUSPEND) in await on_day(office, 759)
    assert (ANNE, CLOSE) in await on_day(office, 760)


async def test_a_dry_run_says_it_and_does_nothing(office: Office) -> None:
    assert len(await on_day(office, 305, dry_run=True)) == 2
    assert await office.read(ANNE) == []
    assert await office.events("mailbox.") == []
    assert len(await on_day(office, 305)) == 2


async def test_the_other_way_that_the_holder_chose_is_noted_once_for_each_step(office: Office) -> None:
    cycle = lives_of(office)
    await cycle.set_contact(parse_address(ANNE), "06 12 34 56 78", office.clock())
    for number in (305, 344, 358, 365):
        await on_day(office, number)
    notices = await office.store.read(lambda tx: life_cycle.contact_notices(tx, limit=10))
    assert [(str(one.address), one.contact) for one in notices] == [(ANNE, "06 12 34 56 78")] * 4
    await cycle.contact_sent(notices[0].notice_id, office.clock())
    with pytest.raises(MssError, match="avis"):
        await cycle.contact_sent(notices[0].notice_id, office.clock())
    assert len(await office.store.read(lambda tx: life_cycle.contact_notices(tx, limit=10))) == 3
    assert "06 12" not in str(await office.events())


async def test_somebody_who_signs_in_between_the_look_and_the_act_keeps_the_box(office: Office) -> None:
    office.clock.now = NOW + timedelta(days=305)
    cycle = lives_of(office)
    seen = await office.store.read(lambda tx: life_cycle.lives(tx, limit=10))
    await sign_in(office, ANNE)
    anne = next(life for life in seen if str(life.address) == ANNE)
    changes, step = await office.store.write(lambda tx: cycle._take(tx, anne, office.clock()))
    assert (changes, step) == ([], LifeStep.NOTHING)


async def test_settings_that_break_the_law_do_not_start(office: Office) -> None:
    with pytest.raises(ConfigError, match="365"):
        lives_of(office, LifeCycleSettings(close_after_days=400))


async def test_what_is_not_there_is_said(office: Office) -> None:
    cycle = lives_of(office)
    with pytest.raises(MssError, match="mailbox list"):
        await cycle.object(parse_address(f"personne@{HERE}"), office.clock())
    with pytest.raises(MssError, match="caractères"):
        await cycle.set_contact(parse_address(ANNE), "x" * 201, office.clock())


async def test_what_happened_says_when_the_box_will_be_closed(office: Office) -> None:
    office.clock.now = NOW + timedelta(days=305)
    done = await lives_of(office).run_life_cycle(office.clock())
    assert done[0] == Happened(parse_address(ANNE), NOTICE, NOW + timedelta(days=365))

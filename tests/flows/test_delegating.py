"""Somebody stands in for a holder: in force from the first second to the last one, each change in the audit."""

from dataclasses import replace
from datetime import timedelta

import pytest
from forge import NOW
from standins import ANNE, BRUNO, CITIZEN, HERE, TRACE_KEY, KeptLog, Office, add_person
from turns import one_turn

from mssante.flows.delegating import Delegating, DelegationOrder
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.model.address import parse_address
from mssante.model.errors import MssError
from mssante.model.life_cycle import DelegationState
from mssante.model.mailbox import Identity, MailboxState, MailboxType
from mssante.store import accounts, delegations

DAY = timedelta(days=1)
ORDER = DelegationOrder(
    parse_address(ANNE), BRUNO, may_read=True, may_send=False, starts_at=NOW + DAY, ends_at=NOW + 3 * DAY
)


def desk(office: Office) -> Delegating:
    return Delegating(store=office.store, actor="cli:root", trace_key=TRACE_KEY, clock=office.clock)


async def rights_of(office: Office, login: str = BRUNO) -> dict[str, tuple[bool, bool]]:
    account = await office.store.read(lambda tx: accounts.account_by_login(tx, login))
    assert account is not None
    granted = await office.store.read(lambda tx: accounts.rights(tx, account.account_id))
    return {str(right.address): (right.may_read, right.may_send) for right in granted}


async def test_it_begins_and_ends_by_itself_and_the_sessions_hear_of_it(office: Office) -> None:
    rung: list[object] = []
    bruno = await office.store.read(lambda tx: accounts.account_by_login(tx, BRUNO))
    assert bruno is not None
    office.notifier.listen_account(bruno.account_id, rung.append)
    await desk(office).add(ORDER)
    assert ANNE not in await rights_of(office)
    assert await desk(office).settle(office.notifier) == NOW + DAY
    office.clock.step(days=1)
    assert await desk(office).settle(office.notifier) == NOW + 3 * DAY
    assert (await rights_of(office))[ANNE] == (True, False)
    office.clock.step(days=2)
    assert await desk(office).settle(office.notifier) is None
    assert ANNE not in await rights_of(office)
    assert len(rung) == 2
    assert [event.event for event in await office.events("delegation.")] == [
        "delegation.added",
        "delegation.began",
        "delegation.ended",
    ]


async def test_one_that_begins_now_is_in_force_at_once(office: Office) -> None:
    await desk(office).add(replace(ORDER, starts_at=NOW, may_send=True))
    assert (await rights_of(office))[ANNE] == (True, True)


async def test_a_sign_in_finds_what_has_begun_and_not_what_has_ended(office: Office) -> None:
    await desk(office).add(replace(ORDER, may_send=True))
    office.clock.step(days=1)
    identity = await office.sign_in.password(BRUNO, f"pass{BRUNO}", "", "192.0.2.1")
    assert isinstance(identity, Identity)
    assert parse_address(ANNE).key in identity.may_send
    office.clock.step(days=2)
    identity = await office.sign_in.password(BRUNO, f"pass{BRUNO}", "", "192.0.2.1")
    assert isinstance(identity, Identity)
    assert parse_address(ANNE).key not in identity.may_send
    assert parse_address(BRUNO).key in identity.may_send


@pytest.mark.parametrize("begun", [False, True])
async def test_one_that_is_taken_away_ends_at_once(office: Office, begun: bool) -> None:
    number = await desk(office).add(replace(ORDER, starts_at=NOW) if begun else ORDER)
    await desk(office).remove(parse_address(ANNE), number)
    assert await rights_of(office) == {BRUNO: (True, True)}
    (shown,) = await desk(office).show(parse_address(ANNE))
    assert shown.state is DelegationState.ENDED
    assert await office.store.read(delegations.next_change) is None
    with pytest.raises(MssError, match="n'a pas de délégation"):
        await desk(office).remove(parse_address(ANNE), number)


async def test_it_may_be_given_again_after_its_end(office: Office) -> None:
    number = await desk(office).add(ORDER)
    with pytest.raises(MssError, match="déjà"):
        await desk(office).add(ORDER)
    await desk(office).remove(parse_address(ANNE), number)
    assert await desk(office).add(ORDER) != number


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"login": ANNE}, "propre compte"),
        ({"login": "personne"}, "n'existe pas"),
        ({"may_read": False}, "au moins un droit"),
        ({"ends_at": NOW}, "fin"),
        ({"ends_at": NOW + DAY}, "fin"),
        ({"ends_at": NOW + 400 * DAY}, "366"),
        ({"address": parse_address(CITIZEN)}, "boîte PER"),
        ({"address": parse_address(f"equipe@{HERE}")}, "boîte PER"),
        ({"address": parse_address(f"absente@{HERE}")}, "n'existe pas"),
    ],
)
async def test_what_is_not_sound_is_refused_and_nothing_kept(office: Office, change: dict, said: str) -> None:
    clerk = Administering(store=office.store, actor="cli:root", trace_key=TRACE_KEY, clock=office.clock)
    await clerk.create(MailboxOrder(parse_address(f"equipe@{HERE}"), MailboxType.ORG, "Équipe", "", 1000, (ANNE,)))
    if change.get("address") == parse_address(CITIZEN):
        await clerk.change_state(parse_address(CITIZEN), MailboxState.SUSPENDED)
    with pytest.raises(MssError, match=said):
        await desk(office).add(replace(ORDER, **change))
    assert await office.store.read(lambda tx: delegations.list_delegations(tx, None, limit=10)) == []
    assert await office.events("delegation.") == []


async def test_a_permanent_right_is_not_doubled_nor_lost(office: Office) -> None:
    box = (await office.mailbox(ANNE)).mailbox_id

    async def work(tx) -> None:
        carla = await add_person(tx, f"carla@{HERE}")
        await accounts.grant(tx, carla.account_id, box, may_read=True, may_send=True)

    await office.store.write(work)
    with pytest.raises(MssError, match="déjà"):
        await desk(office).add(replace(ORDER, login=f"carla@{HERE}"))
    assert (await rights_of(office, f"carla@{HERE}"))[ANNE] == (True, True)
    assert await desk(office).show(parse_address(ANNE)) == ()


async def test_the_running_operator_begins_a_delegation_by_itself(office: Office) -> None:
    await desk(office).add(ORDER)
    office.clock.step(days=1)
    watch = desk(office)
    await one_turn(watch, "settle", watch.watch(office.notifier, KeptLog()))
    assert (await rights_of(office))[ANNE] == (True, False)

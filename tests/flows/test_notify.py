"""Who waits is told after the commit, in its order; who does not listen costs nothing (law 2)."""

import asyncio
from collections.abc import Sequence

from mssante.flows.notify import Notifier
from mssante.model.mailbox import AccountId, FolderId, MailboxId
from mssante.model.message import Change
from mssante.store.engine import Elsewhere

ONE, TWO = MailboxId(1), MailboxId(2)


def _change(mailbox: MailboxId, uid: int) -> Change:
    return Change(mailbox, FolderId(1), uid, uid)


def test_each_listener_hears_of_its_mailbox_only_and_in_order() -> None:
    notifier = Notifier()
    first, second, other = [], [], []
    notifier.listen(ONE, first.extend)
    stop = notifier.listen(ONE, second.extend)
    notifier.listen(TWO, other.extend)
    notifier.publish([_change(ONE, 1), _change(TWO, 1), _change(ONE, 2)])
    assert [change.uid for change in first] == [1, 2]
    assert second == first
    assert other == [_change(TWO, 1)]
    stop()
    stop()
    notifier.publish([_change(ONE, 3)])
    assert (len(first), len(second)) == (3, 2)


def test_a_listener_that_leaves_while_it_is_told_disturbs_nobody() -> None:
    notifier = Notifier()
    heard: list[str] = []
    stops = []

    def leaving(_changes: object) -> None:
        heard.append("leaving")
        stops[0]()

    stops.append(notifier.listen(ONE, leaving))
    notifier.listen(ONE, lambda _changes: heard.append("staying"))
    for uid in (1, 2):
        notifier.publish([_change(ONE, uid)])
    assert heard == ["leaving", "staying", "staying"]


def test_nobody_listens() -> None:
    notifier = Notifier()
    notifier.publish([_change(ONE, 1)])
    heard: list[Sequence[Change]] = []
    notifier.listen(ONE, heard.append)
    assert heard == [], "what was published before is in the store, not here"


async def test_a_wake_before_the_wait_is_not_missed_and_counts_once() -> None:
    notifier = Notifier()
    notifier.wake_queue()
    notifier.wake_queue()
    async with asyncio.timeout(5):
        await notifier.wait_queue(60)
    waiting = asyncio.get_running_loop().create_task(notifier.wait_queue(60))
    await asyncio.sleep(0)
    assert not waiting.done(), "two wakes count once"
    notifier.wake_queue()
    async with asyncio.timeout(5):
        await waiting
    await notifier.wait_queue(0)
    await notifier.wait_queue(-1)


async def test_a_wait_ends_at_the_wake() -> None:
    notifier = Notifier()
    waiting = asyncio.get_running_loop().create_task(notifier.wait_queue(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    notifier.wake_queue()
    async with asyncio.timeout(5):
        await waiting


async def test_passes_on_what_another_node_has_committed() -> None:
    notifier = Notifier()
    heard: list[tuple[str, Sequence[Change]]] = []
    notifier.listen(ONE, lambda changes: heard.append(("one", changes)))
    notifier.listen(TWO, lambda changes: heard.append(("two", changes)))
    notifier.listen_account(AccountId(7), lambda changes: heard.append(("account", changes)))
    notifier.hear(Elsewhere(folder=(ONE, FolderId(3), 9)))
    notifier.hear(Elsewhere(mailbox_id=TWO))
    notifier.hear(Elsewhere(account_id=AccountId(7)))
    notifier.hear(Elsewhere(trust=True))
    assert heard == [("one", [Change(ONE, FolderId(3), 0, 9)]), ("two", ()), ("account", ())]
    heard.clear()
    notifier.hear(Elsewhere(missed=True))
    assert sorted(heard) == [("account", ()), ("one", ()), ("two", ())]
    await asyncio.wait_for(notifier.wait_queue(60), 1)
    notifier.hear(Elsewhere(queue=True))
    await asyncio.wait_for(notifier.wait_queue(60), 1)

"""Tell waiting doors and workers what has changed, after the commit and in its order (law 2).

What another node commits is heard through `Notifier.hear` when the engine of the store tells of it; otherwise the slow
looks of `mssante.flows.deliver` and `mssante.flows.trust` notice it. Not a queue: who is not listening misses nothing,
because the store is the truth.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from mssante.model.mailbox import AccountId, MailboxId
from mssante.model.message import Change
from mssante.store.engine import Elsewhere

Key = TypeVar("Key", MailboxId, AccountId)
Listener = Callable[[Sequence[Change]], None]
"""Called with changes of messages, or with () when something else changed: names, rights, subscriptions, notes."""


class Notifier:
    """Publishes changes to listeners and wakes the delivery workers."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._listeners: dict[MailboxId, list[Listener]] = {}
        self._of_accounts: dict[AccountId, list[Listener]] = {}
        self._queue = asyncio.Event()

    def publish(self, changes: Sequence[Change]) -> None:
        """Hand the changes to the listeners of their mailboxes; called after the commit, from the event loop."""
        if not self._listeners:
            return
        by_mailbox: dict[MailboxId, list[Change]] = {}
        for change in changes:
            if change.mailbox_id in self._listeners:
                by_mailbox.setdefault(change.mailbox_id, []).append(change)
        for mailbox_id, found in by_mailbox.items():
            for listener in tuple(self._listeners.get(mailbox_id, ())):
                listener(found)

    def changed(self, mailbox_id: MailboxId) -> None:
        """Tell the listeners of a mailbox that names of its folders or rights on them changed; after the commit."""
        _ring(self._listeners, mailbox_id)

    def ring(self, account_id: AccountId) -> None:
        """Tell the listeners of an account that what it sees, chose or noted changed; after the commit."""
        _ring(self._of_accounts, account_id)

    def hear(self, told: Elsewhere) -> None:
        """Pass on what another node has committed; what may have been missed rings everybody.

        The change of a message says its folder, and 0 for its UID: who hears of it looks there.
        """
        if told.folder is not None:
            mailbox_id, folder_id, modseq = told.folder
            self.publish((Change(mailbox_id, folder_id, 0, modseq),))
        if told.mailbox_id is not None:
            self.changed(told.mailbox_id)
        if told.account_id is not None:
            self.ring(told.account_id)
        if told.missed:
            for one in tuple(self._listeners):
                _ring(self._listeners, one)
            for account in tuple(self._of_accounts):
                _ring(self._of_accounts, account)
        if told.queue or told.missed:
            self.wake_queue()

    def listen(self, mailbox_id: MailboxId, listener: Listener) -> Callable[[], None]:
        """Call the listener at each change of the mailbox; returns the function that ends it."""
        return _listen(self._listeners, mailbox_id, listener)

    def listen_account(self, account_id: AccountId, listener: Listener) -> Callable[[], None]:
        """Call the listener at each `ring` for the account; returns the function that ends it."""
        return _listen(self._of_accounts, account_id, listener)

    def wake_queue(self) -> None:
        """Tell the delivery workers that there is something due."""
        self._queue.set()

    async def wait_queue(self, wait_seconds: float) -> None:
        """Return at the next `wake_queue`, or after that many seconds."""
        try:
            async with asyncio.timeout(max(wait_seconds, 0.0)):
                await self._queue.wait()
        except TimeoutError:
            pass
        self._queue.clear()


def _ring(listeners: dict[Key, list[Listener]], key: Key) -> None:
    for listener in tuple(listeners.get(key, ())):
        listener(())


def _listen(listeners: dict[Key, list[Listener]], key: Key, listener: Listener) -> Callable[[], None]:
    listeners.setdefault(key, []).append(listener)

    def stop() -> None:
        found = listeners.get(key, [])
        if listener in found:
            found.remove(listener)
        if not found:
            listeners.pop(key, None)

    return stop

"""Tell waiting doors and workers what has changed, after the commit and in its order (law 2).

In this process only; changes that another process commits are noticed by the slow looks of `mssante.flows.deliver`
and `mssante.flows.trust`. Not a queue: who is not listening misses nothing, because the store is the truth.
"""

import asyncio
from collections.abc import Callable, Sequence

from mssante.model.mailbox import MailboxId
from mssante.model.message import Change

Listener = Callable[[Sequence[Change]], None]


class Notifier:
    """Publishes changes to listeners and wakes the delivery workers."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._listeners: dict[MailboxId, list[Listener]] = {}
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

    def listen(self, mailbox_id: MailboxId, listener: Listener) -> Callable[[], None]:
        """Call the listener at each change of the mailbox; returns the function that ends it."""
        self._listeners.setdefault(mailbox_id, []).append(listener)

        def stop() -> None:
            listeners = self._listeners.get(mailbox_id, [])
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                self._listeners.pop(mailbox_id, None)

        return stop

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

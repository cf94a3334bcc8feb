"""Queue the notices that are due, in the transaction that records why (S10): what `mssante.flows.report` decides."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mssante.flows.intake import Taken
from mssante.flows.report import Outgoing, ReportFacts, notice_due, notices_for
from mssante.model.address import Address
from mssante.model.envelope import MailOptions, Notify, Recipient
from mssante.model.errors import StoreError
from mssante.model.mailbox import Mailbox
from mssante.model.message import Body, Copy, CopyId, CopyState, Deferred, Delivered, Failed, MessageId, Outcome
from mssante.model.settings import QueueSettings
from mssante.rules.retry import give_up_at
from mssante.store import messages, queue
from mssante.store.blobs import BlobFolder
from mssante.store.tx import Tx
from mssante.wire.mime.dsn import NoticeKind
from mssante.wire.mime.headers import summarize


@dataclass(frozen=True, slots=True)
class Notices:
    """Makes and queues notices.

    Attributes:
        hostname: ours.
        postmaster: where notices come from.
        settings: section [queue].
        blobs: where large originals lie.
        new_reference: makes references.
    """

    hostname: str
    postmaster: Address
    settings: QueueSettings
    blobs: BlobFolder
    new_reference: Callable[[], str]

    async def beginning(self, copy: Copy, outcome: Outcome) -> bytes | None:
        """Return the beginning of a message that stands elsewhere, for the notice that this outcome may owe.

        Read before the transaction, which holds up all others that write; None when no notice can be owed.
        """
        if notice_due(copy, outcome, late=True) is None and not self._may_be_given_up(copy, outcome):
            return None
        return await self._read_ahead(copy.body)

    async def beginning_for(self, recipients: Iterable[Recipient], body: Body) -> bytes | None:
        """Return the beginning of a received message that stands elsewhere, when one of these asked to be told of it.

        Read before the transaction; for `delivered`.
        """
        wanted = any(recipient.notify & Notify.SUCCESS for recipient in recipients)
        return await self._read_ahead(body) if wanted else None

    def _may_be_given_up(self, copy: Copy, outcome: Outcome) -> bool:
        """Tell whether a deferral may turn out to be the last one, whose failure is told: its lease ends after that."""
        if not isinstance(outcome, Deferred) or copy.due_at < give_up_at(copy.queued_at, self.settings):
            return False
        return notice_due(copy, Failed(outcome.refusal), late=True) is not None

    async def _read_ahead(self, body: Body) -> bytes | None:
        if body.data is not None:
            return None
        try:
            return await self.blobs.beginning(body, self.settings.notice_bytes)
        except StoreError:
            return b""

    async def after(
        self, tx: Tx, copy: Copy, outcome: Outcome, now: datetime, *, late: bool, beginning: bytes | None = None
    ) -> None:
        """Queue the notice that this outcome owes to the sender, if any.

        Args:
            late: the sender is owed a warning.
            beginning: of the message; None reads it now.
        """
        if notice_due(copy, outcome, late=late) is None:
            return
        original = copy.prefix + (self._beginning(copy.body) if beginning is None else beginning)
        reference = self.new_reference()
        facts = ReportFacts(
            hostname=self.hostname,
            postmaster=self.postmaster,
            limit_bytes=self.settings.notice_bytes,
            now=now,
            message_id=f"{reference}@{self.hostname}",
            original_id=summarize(original).message_id,
            original=original,
            retry_until=give_up_at(copy.queued_at, self.settings),
            late=late,
        )
        for notice in notices_for(copy, outcome, facts):
            if notice.kind is NoticeKind.DELAYED and not await queue.mark_warned(tx, copy.copy_id):
                continue
            await self._queue(tx, notice, reference, now)

    def _beginning(self, body: Body) -> bytes:
        """Return it, or nothing while the object store is away: the notice itself is what matters."""
        try:
            return self.blobs.head(body, self.settings.notice_bytes)
        except StoreError:
            return b""

    async def delivered(
        self,
        tx: Tx,
        message: MessageId,
        reference: str,
        sender: Address | None,
        options: MailOptions,
        fresh: Sequence[tuple[Recipient, Mailbox]],
        taken: Taken,
        now: datetime,
        *,
        beginning: bytes | None = None,
    ) -> None:
        """Queue the notices of success that the sender of a received message asked for (RFC 3461 section 5.2.4).

        Args:
            beginning: as `beginning_for` gave it.
        """
        for recipient, _mailbox in fresh:
            if recipient.notify & Notify.SUCCESS:
                copy = Copy(
                    copy_id=CopyId(0),
                    message=message,
                    reference=reference,
                    state=CopyState.DELIVERED,
                    sender=sender,
                    recipient=recipient,
                    options=options,
                    prefix=b"",
                    body=taken.body,
                    tries=1,
                    queued_at=now,
                    due_at=now,
                    lease="",
                    warned=False,
                    dsn=False,
                    last_kind=None,
                    last_detail="",
                )
                await self.after(tx, copy, Delivered("INBOX"), now, late=False, beginning=beginning)

    async def _queue(self, tx: Tx, notice: Outgoing, reference: str, now: datetime) -> None:
        body = Body(hashlib.sha256(notice.data).digest(), len(notice.data), notice.data, None)
        message = await messages.add_message(
            tx,
            reference=reference,
            sender=None,
            summary=summarize(notice.data),
            body=body,
            decision=f"notice: {notice.kind.value}",
            now=now,
        )
        for recipient in notice.envelope.recipients:
            await queue.add_copy(
                tx,
                message=message,
                reference=reference,
                sender=None,
                recipient=recipient,
                options=notice.envelope.options,
                prefix=b"",
                dsn=True,
                due_at=now,
                now=now,
            )

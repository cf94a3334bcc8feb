"""Once a day: what becomes of mailboxes that nobody opens: told, told again, suspended, closed, each in the audit.

What is due is decided by `mssante.rules.life_cycle`; an address is never given again.

Source: operators.md 5.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from mssante.flows.mailboxes import enter_state
from mssante.flows.notify import Notifier
from mssante.model.address import Address, for_trace
from mssante.model.audit import AuditEvent
from mssante.model.errors import ConfigError, MssError
from mssante.model.life_cycle import BoxLife, LifeCycleSettings
from mssante.model.mailbox import Mailbox, MailboxState, Role
from mssante.model.message import Body, Change
from mssante.rules.life_cycle import LifeStep, closing_at, last_sign_of_life, next_step, settings_fault
from mssante.store import audit, life_cycle, messages
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx
from mssante.wire.mime.complete import return_path
from mssante.wire.mime.compose import compose
from mssante.wire.mime.headers import summarize

CONTACT_MAX_CHARS: Final = 200
_PAGE_BOXES: Final = 500
_STATES: Final = {LifeStep.SUSPEND: MailboxState.SUSPENDED, LifeStep.CLOSE: MailboxState.CLOSED}
_TOLD: Final = frozenset({LifeStep.NOTICE, LifeStep.REMINDER, LifeStep.SUSPEND, LifeStep.CLOSE})


@dataclass(frozen=True, slots=True)
class Happened:
    """One step in the life of one mailbox."""

    address: Address
    step: LifeStep
    closing_at: datetime


class LifeCycle:
    """The life of the mailboxes of one operator."""

    def __init__(
        self,
        *,
        settings: LifeCycleSettings,
        hostname: str,
        postmaster: Address,
        store: Store,
        new_reference: Callable[[], str],
        trace_key: bytes,
        notifier: Notifier | None = None,
        actor: str = "system",
    ) -> None:
        """Keep what every step needs.

        Args:
            settings: when what is done.
            hostname: ours, in Message-ID.
            postmaster: our own mailbox, which notices come from; it is never closed for inactivity.
            store, new_reference, trace_key: shared.
            notifier: tells open sessions of the mail, or None outside the running operator.
            actor: for the audit.

        Raises:
            ConfigError: the settings break the law or one another.
        """
        if fault := settings_fault(settings):
            raise ConfigError(fault)
        self._settings = settings
        self._hostname = hostname
        self._postmaster = postmaster
        self._store = store
        self._new_reference = new_reference
        self._trace_key = trace_key
        self._notifier = notifier
        self._actor = actor

    async def run_life_cycle(self, now: datetime, *, dry_run: bool = False) -> tuple[Happened, ...]:
        """Do what is due with every mailbox, one transaction each; return what was done, or would be.

        A mailbox takes at most one step a call: nobody is told, suspended and closed in the same minute.
        """
        happened: list[Happened] = []
        after = 0
        while page := await self._store.read_long(partial(life_cycle.lives, after=after, limit=_PAGE_BOXES)):
            after = page[-1].mailbox_id
            for life in page:
                step = self._step(life, now)
                if step is LifeStep.NOTHING:
                    continue
                if not dry_run:
                    # Asked again in the transaction: somebody may have signed in meanwhile.
                    changes, step = await self._store.write(partial(self._take, seen=life, now=now))
                    if self._notifier is not None:
                        self._notifier.publish(changes)
                if step is not LifeStep.NOTHING:
                    happened.append(Happened(life.address, step, closing_at(life, self._settings)))
        return tuple(happened)

    async def object(self, address: Address, now: datetime) -> BoxLife:
        """Note that the holder objects: the year begins anew, and a suspended mailbox is in service again.

        Returns:
            Its life as it was before.

        Raises:
            MssError: there is no such mailbox, or it is closed.
        """

        async def work(tx: Tx) -> BoxLife:
            mailbox, life = await self._living(tx, address)
            await life_cycle.note_objection(tx, life.mailbox_id, now)
            # What an administrator suspended without a notice stays so: the holder cannot undo that.
            resumes = life.state is MailboxState.SUSPENDED and life.noticed_at is not None
            if resumes:
                await enter_state(tx, mailbox, MailboxState.ACTIVE, now)
            await self._audit(tx, "mailbox.objected", life, now, resumed="yes" if resumes else "no")
            return life

        return await self._store.write(work)

    async def set_contact(self, address: Address, contact: str, now: datetime) -> None:
        """Keep where else the holder wishes to be told; "" for nowhere.

        Raises:
            MssError: there is no such mailbox, it is closed, or the text is too long.

        Source: operators.md 5 (the channel that the user chose).
        """
        if len(contact) > CONTACT_MAX_CHARS or not contact.isprintable():
            msg = f"le contact doit tenir en {CONTACT_MAX_CHARS} caractères, sur une ligne"
            raise MssError(msg)

        async def work(tx: Tx) -> None:
            _mailbox, life = await self._living(tx, address)
            await life_cycle.set_contact(tx, life.mailbox_id, contact)
            # The contact itself may be a private number: it stands in no trace.
            await self._audit(tx, "mailbox.contact", life, now, given="yes" if contact else "no")

        await self._store.write(work)

    async def contact_sent(self, notice_id: int, now: datetime) -> None:
        """Note that somebody told a holder on the way that he chose.

        Raises:
            MssError: there is no such notice, or it was said before.
        """

        async def work(tx: Tx) -> None:
            if not await life_cycle.close_contact_notice(tx, notice_id, now):
                msg = f"il n'y a pas d'avis {notice_id} à envoyer ; `mssante mailbox life notices` les donne"
                raise MssError(msg)
            event = AuditEvent("contact-notice.sent", self._actor, str(notice_id), "ok", "administrator")
            await audit.append(tx, event, now)

        await self._store.write(work)

    def _step(self, life: BoxLife, now: datetime) -> LifeStep:
        spared = life.address.key == self._postmaster.key
        return LifeStep.NOTHING if spared else next_step(life, self._settings, now)

    async def _take(self, tx: Tx, seen: BoxLife, now: datetime) -> tuple[list[Change], LifeStep]:
        """Take the step that is due now, if any, in the transaction given."""
        life = await life_cycle.life_of(tx, seen.mailbox_id)
        mailbox = await mailbox_by_key(tx, seen.address.key)
        step = LifeStep.NOTHING if life is None else self._step(life, now)
        if life is None or mailbox is None or step is LifeStep.NOTHING:
            return [], LifeStep.NOTHING
        changes: list[Change] = []
        if step in _STATES:
            await enter_state(tx, mailbox, _STATES[step], now)
        else:
            note = life_cycle.note_notice if step is LifeStep.NOTICE else life_cycle.note_reminder
            await note(tx, life.mailbox_id, now)
            life = await life_cycle.life_of(tx, seen.mailbox_id) or life
            changes.append(await self._write_to(tx, life, now))
        if life.contact and step in _TOLD:
            await life_cycle.add_contact_notice(tx, life.mailbox_id, life.contact, self._said(life, step), now)
        await self._audit(tx, _EVENTS[step], life, now, contact="yes" if life.contact else "no")
        return changes, step

    async def _write_to(self, tx: Tx, life: BoxLife, now: datetime) -> Change:
        """Put the notice in the box itself; quota or not, the law wants the holder told."""
        reference = self._new_reference()
        data = compose(
            sender=self._postmaster,
            to=(life.address,),
            subject=f"Votre boîte {life.address} sera close le {_day(closing_at(life, self._settings))}",
            text=self._text(life),
            message_id=f"{reference}@{self._hostname}",
            now=now,
            headers={"Auto-Submitted": "auto-generated"},
        )
        message = await messages.add_message(
            tx,
            reference=reference,
            sender=None,
            summary=summarize(data),
            body=Body(hashlib.sha256(data).digest(), len(data), data, None),
            decision="inactivity notice",
            now=now,
        )
        change, _uid = await messages.file_message(
            tx, message=message, mailbox_id=life.mailbox_id, role=Role.INBOX, prefix=return_path(None), now=now
        )
        return change

    def _text(self, life: BoxLife) -> str:
        closing = _day(closing_at(life, self._settings))
        return (
            f"Bonjour,\n\nPersonne n'a ouvert la boîte {life.address} depuis le {_day(last_sign_of_life(life))}. La "
            "réglementation demande de clore les boîtes MSSanté restées un an au plus sans connexion : celle-ci sera "
            f"close le {closing}, retirée de l'annuaire, et son adresse ne sera jamais redonnée.\n\n"
            "Pour la garder, il suffit de vous connecter avant cette date. Vous pouvez aussi vous opposer à la clôture "
            f"en écrivant à {self._postmaster} : votre opposition est notée et arrête la clôture.\n\n"
            "Si vous n'en avez plus besoin, vous n'avez rien à faire : reprenez avant la clôture ce que vous voulez "
            "garder.\n"
        )

    def _said(self, life: BoxLife, step: LifeStep) -> str:
        if step is LifeStep.CLOSE:
            return f"boîte {life.address} close pour inactivité"
        verb = "suspendue, " if step is LifeStep.SUSPEND else ""
        return f"boîte {life.address} {verb}close le {_day(closing_at(life, self._settings))} sans connexion d'ici là"

    async def _living(self, tx: Tx, address: Address) -> tuple[Mailbox, BoxLife]:
        mailbox = await mailbox_by_key(tx, address.key)
        life = None if mailbox is None else await life_cycle.life_of(tx, mailbox.mailbox_id)
        if mailbox is None or life is None:
            msg = f"{address} n'est pas une boîte d'ici, ou elle est close ; `mssante mailbox list` donne les autres"
            raise MssError(msg)
        return mailbox, life

    async def _audit(self, tx: Tx, event: str, life: BoxLife, now: datetime, **facts: str) -> None:
        since = last_sign_of_life(life).isoformat(timespec="seconds")
        subject = for_trace(life.address, self._trace_key)
        await audit.append(
            tx, AuditEvent(event, self._actor, subject, "ok", "inactivity", {"since": since, **facts}), now
        )


_EVENTS: Final = {
    LifeStep.NOTICE: "mailbox.noticed",
    LifeStep.REMINDER: "mailbox.reminded",
    LifeStep.SUSPEND: "mailbox.suspended",
    LifeStep.CLOSE: "mailbox.closed",
}


def _day(moment: datetime) -> str:
    return f"{moment:%d/%m/%Y}"

"""What is due in the life of a mailbox that nobody opens: notice, reminder, suspension, closing.

Source: operators.md 5 (closing after at most one year without authentication, always after the user was told and
could object; suspension recommended).
"""

import enum
from datetime import datetime, timedelta
from typing import Final

from mssante.model.life_cycle import BoxLife, LifeCycleSettings
from mssante.model.mailbox import MailboxState, MailboxType

LONGEST_DAYS: Final = 365
"""Source: operators.md 5 (JORFARTI000029238819)."""


class LifeStep(enum.Enum):
    """What is to be done now."""

    NOTHING = "nothing"
    NOTICE = "notice"
    REMINDER = "reminder"
    SUSPEND = "suspend"
    CLOSE = "close"


def settings_fault(settings: LifeCycleSettings) -> str:
    """Return what is wrong with the settings, in French with the fix; "" when nothing is."""
    if not 1 <= settings.close_after_days <= LONGEST_DAYS:
        return f"close_after_days doit être de 1 à {LONGEST_DAYS} : la clôture après un an au plus est obligatoire"
    if not 1 <= settings.notice_days < settings.close_after_days:
        return (
            "notice_days doit être d'au moins 1 et plus petit que close_after_days : le titulaire est toujours prévenu"
        )
    if not 0 <= settings.reminder_days < settings.notice_days:
        return "reminder_days doit être plus petit que notice_days"
    if not 0 <= settings.suspend_days < settings.notice_days:
        return "suspend_days doit être plus petit que notice_days : on prévient avant de suspendre"
    return ""


def last_sign_of_life(life: BoxLife) -> datetime:
    """Return from when inactivity counts: the last sign-in, the objection, else the opening."""
    known = (life.opened_at, life.signed_in_at, life.objected_at)
    return max(moment for moment in known if moment is not None)


def closing_at(life: BoxLife, settings: LifeCycleSettings) -> datetime:
    """Return when the mailbox is to be closed if nothing happens; never before the holder had his time to object.

    A notice that came late (the program stood still) moves the closing: being told comes before the year.
    """
    closing = last_sign_of_life(life) + timedelta(days=settings.close_after_days)
    notice = _standing_notice(life)
    return closing if notice is None else max(closing, notice + timedelta(days=settings.notice_days))


def next_step(life: BoxLife, settings: LifeCycleSettings, now: datetime) -> LifeStep:
    """Return what is to be done with a mailbox now.

    A citizen's mailbox is not ours to close (the national service decides), a closed one has no life.
    """
    if life.state is MailboxState.CLOSED or life.kind is MailboxType.CITIZEN or life.address.is_citizen:
        return LifeStep.NOTHING
    closing = closing_at(life, settings)
    if _standing_notice(life) is None:
        is_time = now >= closing - timedelta(days=settings.notice_days)
        return LifeStep.NOTICE if is_time else LifeStep.NOTHING
    if now >= closing:
        return LifeStep.CLOSE
    suspends = settings.suspend_days and life.state is MailboxState.ACTIVE
    if suspends and now >= closing - timedelta(days=settings.suspend_days):
        return LifeStep.SUSPEND
    reminded = life.reminded_at is not None and life.reminded_at >= last_sign_of_life(life)
    if settings.reminder_days and not reminded and now >= closing - timedelta(days=settings.reminder_days):
        return LifeStep.REMINDER
    return LifeStep.NOTHING


def _standing_notice(life: BoxLife) -> datetime | None:
    """Return when the holder was told, unless there was a sign of life since."""
    if life.noticed_at is None or life.noticed_at < last_sign_of_life(life):
        return None
    return life.noticed_at

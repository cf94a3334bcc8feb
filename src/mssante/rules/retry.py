"""When to try a delivery again, when to tell the sender, when to give up."""

from datetime import datetime, timedelta

from mssante.model.settings import QueueSettings


def give_up_at(queued_at: datetime, settings: QueueSettings) -> datetime:
    """Return the moment after which no attempt is made any more.

    Source: RFC 5321 section 4.5.4.1.
    """
    return queued_at + timedelta(seconds=settings.give_up_seconds)


def next_attempt(tries: int, queued_at: datetime, now: datetime, settings: QueueSettings) -> datetime | None:
    """Return when to try again, or None when it is time to give up.

    The wait doubles at each try up to the longest; the last attempt is made at the very end of the time allowed, so
    that a peer that comes back late still gets the message.

    Args:
        tries: attempts already made; 1 or more.
        queued_at: UTC, when the sender got our acceptance.
        now: UTC.
        settings: first and longest wait, and when to give up.

    Raises:
        ValueError: tries is below 1 (a bug in the caller).

    Source: RFC 5321 section 4.5.4.1 (30 minutes or more as a rule, sooner at first; 4-5 days in all).
    """
    if tries < 1:
        msg = f"tries is {tries}: the rule is asked after an attempt"
        raise ValueError(msg)
    end = give_up_at(queued_at, settings)
    if now >= end:
        return None
    # The exponent is bounded, so that a number of tries never makes a number that time cannot hold.
    wait = min(settings.first_retry_seconds * 2 ** min(tries - 1, 40), settings.longest_retry_seconds)
    return min(now + timedelta(seconds=wait), end)


def wants_warning(*, warned: bool, queued_at: datetime, now: datetime, settings: QueueSettings) -> bool:
    """Return whether the sender is to be told now that the message is late; once for each copy.

    Source: RFC 5321 section 4.5.4.1; RFC 3461 section 4.1 (DELAY).
    """
    return not warned and now >= queued_at + timedelta(seconds=settings.warn_seconds)

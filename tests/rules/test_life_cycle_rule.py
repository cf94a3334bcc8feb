"""What is due in the life of a mailbox: a table of facts and decisions, and that no order of days breaks the law."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_world import ALICE, NOW

from mssante.model.life_cycle import BoxLife, LifeCycleSettings
from mssante.model.mailbox import MailboxId, MailboxState, MailboxType
from mssante.rules.life_cycle import LifeStep, closing_at, next_step, settings_fault

SETTINGS = LifeCycleSettings()
NOTHING, NOTICE, REMINDER, SUSPEND, CLOSE = LifeStep
ACTIVE, SUSPENDED, CLOSED = MailboxState


def day(number: float) -> datetime:
    return NOW + timedelta(days=number)


def life(**facts: object) -> BoxLife:
    return BoxLife(
        **{
            "mailbox_id": MailboxId(1),
            "address": ALICE,
            "kind": MailboxType.PER,
            "state": ACTIVE,
            "opened_at": day(0),
            **facts,
        }
    )


TOLD = {"noticed_at": day(305), "reminded_at": day(344)}


@pytest.mark.parametrize(
    ("facts", "at", "step"),
    [
        ({}, 304.9, NOTHING),
        ({}, 305, NOTICE),
        ({"signed_in_at": day(200)}, 365, NOTHING),
        ({"signed_in_at": day(200)}, 505, NOTICE),
        ({"noticed_at": day(305)}, 343, NOTHING),
        ({"noticed_at": day(305)}, 344, REMINDER),
        (TOLD, 357.9, NOTHING),
        (TOLD, 358, SUSPEND),
        ({**TOLD, "state": SUSPENDED}, 358, NOTHING),
        ({**TOLD, "state": SUSPENDED}, 365, CLOSE),
        (TOLD, 365, CLOSE),
        # a sign-in or an objection after the notice makes it void
        ({**TOLD, "signed_in_at": day(350)}, 365, NOTHING),
        ({**TOLD, "objected_at": day(350)}, 400, NOTHING),
        ({**TOLD, "objected_at": day(350)}, 655, NOTICE),
        # a notice that came late gives the holder his time all the same
        ({"noticed_at": day(400), "reminded_at": day(440)}, 452, NOTHING),
        ({"noticed_at": day(400), "reminded_at": day(440)}, 453, SUSPEND),
        ({"noticed_at": day(400), "reminded_at": day(440)}, 460, CLOSE),
        ({}, 1000, NOTICE),
        # not ours to close, or closed
        ({"kind": MailboxType.CITIZEN}, 1000, NOTHING),
        ({**TOLD, "state": CLOSED}, 1000, NOTHING),
        ({"kind": MailboxType.APP}, 305, NOTICE),
        ({"kind": MailboxType.ORG, "state": SUSPENDED}, 305, NOTICE),
    ],
)
def test_each_step_has_its_day(facts: dict, at: float, step: LifeStep) -> None:
    assert next_step(life(**facts), SETTINGS, day(at)) is step


def test_reminder_and_suspension_can_be_left_out() -> None:
    bare = LifeCycleSettings(reminder_days=0, suspend_days=0)
    assert next_step(life(noticed_at=day(305)), bare, day(364.9)) is NOTHING
    assert next_step(life(noticed_at=day(305)), bare, day(365)) is CLOSE


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (LifeCycleSettings(), ""),
        (LifeCycleSettings(close_after_days=90, notice_days=30), ""),
        (LifeCycleSettings(close_after_days=366), "365"),
        (LifeCycleSettings(close_after_days=0), "365"),
        (LifeCycleSettings(notice_days=0), "notice_days"),
        (LifeCycleSettings(notice_days=365), "notice_days"),
        (LifeCycleSettings(reminder_days=60), "reminder_days"),
        (LifeCycleSettings(suspend_days=60), "suspend_days"),
        (LifeCycleSettings(suspend_days=-1), "suspend_days"),
    ],
)
def test_settings_keep_the_law(settings: LifeCycleSettings, said: str) -> None:
    fault = settings_fault(settings)
    assert said in fault
    assert bool(fault) is bool(said)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(["look", "look", "look", "sign-in", "object"])), max_size=60
    ),
    st.integers(2, 365),
)
def test_nothing_is_closed_without_a_year_of_silence_and_a_notice_in_time(
    story: list[tuple[int, str]], close_after: int
) -> None:
    settings = LifeCycleSettings(close_after, max(1, close_after // 3), 0, 0)
    now, box = day(0), life()
    last, noticed = now, None
    for wait, act in story:
        now += timedelta(days=wait)
        if act != "look":
            box = replace(box, **{"signed_in_at" if act == "sign-in" else "objected_at": now})
            last, noticed = now, None
            continue
        step = next_step(box, settings, now)
        if step is NOTICE:
            noticed = now
            box = replace(box, noticed_at=now)
        if step is CLOSE:
            assert now - last >= timedelta(days=close_after)
            assert noticed is not None
            assert now - noticed >= timedelta(days=settings.notice_days)
            return
    assert closing_at(box, settings) - last >= timedelta(days=close_after)


def test_a_mailbox_looked_at_daily_is_closed_on_the_last_day_of_the_year() -> None:
    box, steps = life(), {}
    for number in range(1, 366):
        step = next_step(box, SETTINGS, day(number))
        if step is not NOTHING:
            steps[step] = number
        changes = {
            NOTICE: {"noticed_at": day(number)},
            REMINDER: {"reminded_at": day(number)},
            SUSPEND: {"state": SUSPENDED},
        }
        box = replace(box, **changes.get(step, {}))
    assert steps == {NOTICE: 305, REMINDER: 344, SUSPEND: 358, CLOSE: 365}

"""References, the clock, and the probe of the crash tests."""

import os
import signal
from datetime import UTC, datetime

import pytest

from mssante.app import chance
from mssante.app.chance import KILL_ENVIRONMENT, new_reference, probe_from, utc_now
from mssante.flows.ports import no_probe


def test_the_clock_is_aware_and_in_utc() -> None:
    assert utc_now().tzinfo is UTC
    assert abs((utc_now() - datetime.now(UTC)).total_seconds()) < 5


def test_references_are_short_safe_in_every_protocol_and_never_the_same() -> None:
    made = {new_reference() for _ in range(2000)}
    assert len(made) == 2000
    assert all(reference.isascii() and reference.isalnum() and reference == reference.lower() for reference in made)
    assert {len(reference) for reference in made} <= {26, 28}


def test_references_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for at in (1_000_000_000, 1_700_000_000, 1_700_000_001, 2_100_000_000, 4_000_000_000):
        monkeypatch.setattr(chance.time, "time", lambda at=at: float(at))
        monkeypatch.setattr(chance.time, "time_ns", lambda at=at: at * 10**9)
        made.append(new_reference())
    assert made == sorted(made)


def test_a_normal_run_has_no_probe() -> None:
    assert probe_from({}) is no_probe
    assert probe_from({KILL_ENVIRONMENT: ""}) is no_probe
    no_probe("K04")


@pytest.mark.parametrize(
    ("wanted", "steps", "killed_at"),
    [
        ("K08", ["K04", "K08", "K08"], [1]),
        ("K08:3", ["K08", "K09", "K08", "K08", "K08"], [3]),
        ("K08-message", ["K08", "K08-message"], [1]),
        ("K99", ["K04", "K08"], []),
    ],
)
def test_the_probe_kills_at_the_passage_asked_for(
    monkeypatch: pytest.MonkeyPatch, wanted: str, steps: list[str], killed_at: list[int]
) -> None:
    killed = []
    monkeypatch.setattr(chance.os, "kill", lambda pid, number: killed.append((pid, number)))
    probe = probe_from({KILL_ENVIRONMENT: wanted})
    at = []
    for place, step in enumerate(steps):
        probe(step)
        if len(killed) > len(at):
            at.append(place)
    assert at == killed_at
    assert set(killed) <= {(os.getpid(), signal.SIGKILL)}

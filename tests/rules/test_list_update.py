from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mssante.model.decision import Permit
from mssante.model.dn import parse_dn
from mssante.model.whitelist import Entry, WhiteList, build_white_list
from mssante.rules.list_update import UpdateFacts, judge_update

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=1)


def of(count: int, at: datetime = NOW, first: int = 0) -> WhiteList:
    dn = parse_dn("CN=x,C=FR")
    names = [f"d{number}.fr" for number in range(first, first + count)]
    return build_white_list(at, tuple(Entry(name, dn, "CN=x,C=FR", "", "", "", None) for name in names))


FACTS = UpdateFacts(current=of(100, OLD), new=of(100), same_bytes=False, now=NOW, shrink_share=0.1, grow_factor=3.0)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "list-update"),
        ({"current": None}, "list-first"),
        ({"new": of(0)}, "list-empty"),
        ({"current": None, "new": of(0)}, "list-empty"),
        ({"new": of(100, OLD - timedelta(seconds=1))}, "list-rollback"),
        ({"new": of(100, OLD), "same_bytes": True}, "list-update"),
        ({"new": of(100, OLD)}, "list-same-date"),
        ({"new": of(100, NOW + timedelta(days=2))}, "list-future"),
        ({"new": of(90)}, "list-update"),
        ({"new": of(89)}, "list-shrink"),
        ({"new": of(100, first=50)}, "list-shrink"),
        ({"new": of(300)}, "list-update"),
        ({"new": of(301)}, "list-growth"),
        ({"new": of(10_000)}, "list-growth"),
        ({"current": of(2, OLD), "new": of(1)}, "list-update"),
        ({"current": of(3, OLD), "new": of(1)}, "list-shrink"),
        ({"current": of(1, OLD), "new": of(40)}, "list-update"),
        ({"new": of(1), "shrink_share": 1.0}, "list-update"),
    ],
)
def test_judges_each_new_list(changes: dict[str, object], rule: str) -> None:
    decision = judge_update(replace(FACTS, **changes))
    assert decision.rule == rule
    assert isinstance(decision, Permit) is (rule in {"list-update", "list-first"})

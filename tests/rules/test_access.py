"""Who may do what with a folder, as tables."""

from dataclasses import replace

import pytest

from mssante.model.decision import Kind
from mssante.model.folder import AclEntry, rights_text
from mssante.rules.access import (
    ALL_RIGHTS,
    NEEDED,
    SHARED_RIGHTS,
    Act,
    Holding,
    judge_act,
    judge_identifier,
    parse_rights,
    rights_of,
    storable,
)

OWN = Holding("anne@x.fr", is_own=True, may_read=True, may_send=True, is_open=True)
SHARED = Holding("anne@x.fr", is_own=False, may_read=True, may_send=True, is_open=True)
NONE = Holding("anne@x.fr", is_own=False, may_read=False, may_send=False, is_open=True)


def given(holding: Holding, *entries: tuple[str, str], is_open: bool = True) -> str:
    acl = tuple(AclEntry(*entry) for entry in entries)
    return rights_text(rights_of(replace(holding, acl=acl, is_open=is_open)))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (given(OWN), "lrswipkxtea"),
        (given(SHARED), "lrswipkxte"),
        (given(Holding("a", is_own=False, may_read=True, may_send=False, is_open=True)), "lrswikxte"),
        (given(NONE), ""),
        (given(NONE, ("anne@x.fr", "lr")), "lr"),
        (given(NONE, ("ANNE@X.FR", "lr")), "lr"),
        (given(NONE, ("bruno@x.fr", "lr")), ""),
        (given(NONE, ("anyone", "lr")), ""),
        (given(NONE, ("anne@x.fr", "lrs"), ("-anne@x.fr", "s")), "lr"),
        (given(SHARED, ("-anne@x.fr", "xte")), "lrswipk"),
        (given(SHARED, ("anne@x.fr", "a")), "lrswipkxtea"),
        (given(OWN, ("-anne@x.fr", "lr")), "lrswipkxtea"),
        (given(OWN, is_open=False), ""),
        (given(SHARED, ("anne@x.fr", "a"), is_open=False), ""),
    ],
)
def test_rights_come_from_the_account_the_list_and_the_state_of_the_box(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize("act", list(Act))
def test_each_act_needs_one_right_and_is_unknown_without_any(act: Act) -> None:
    needed = NEEDED[act]
    assert judge_act(act, ALL_RIGHTS) is None
    assert judge_act(act, frozenset({"l", "r", needed})) is None
    blind = judge_act(act, frozenset(ALL_RIGHTS - {"l", "r"}))
    assert blind is not None
    assert blind.kind is Kind.FOLDER_UNKNOWN
    without = judge_act(act, ALL_RIGHTS - {needed})
    assert without is not None
    assert without.kind is Kind.RIGHTS_MISSING


def test_flags_are_kept_by_their_own_rights() -> None:
    flags = {"\\Seen", "\\deleted", "\\Flagged", "Suivi"}
    assert storable(flags, frozenset("s")) == {"\\Seen"}
    assert storable(flags, frozenset("t")) == {"\\deleted"}
    assert storable(flags, frozenset("w")) == {"\\Flagged", "Suivi"}


def test_old_letters_stand_for_several() -> None:
    assert parse_rights("lrcd") == frozenset("lrkxte")
    assert parse_rights("lz") is None
    assert SHARED_RIGHTS < ALL_RIGHTS


@pytest.mark.parametrize("identifier", ["anyone", "-anyone", "Anonymous", ""])
def test_nothing_is_shared_with_everybody(identifier: str) -> None:
    assert judge_identifier(identifier) is not None
    assert judge_identifier("bruno@x.fr") is None

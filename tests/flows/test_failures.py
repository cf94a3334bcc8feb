"""The counts of failed sign-ins: bounded, forgotten in time, and one IPv6 network is one source."""

from datetime import timedelta

from forge import NOW

from mssante.flows.failures import KNOWN_FOR, NOTED_AGAIN, REMEMBERED, WINDOW, Failures, is_noted, tried_by
from mssante.store.sign_ins import Counted


def test_counts_are_forgotten_after_the_window() -> None:
    kept = Failures()
    kept.failed("192.0.2.1", "Anne", NOW)
    assert kept.facts("192.0.2.1", "anne", None, NOW).account_failures == 1
    later = kept.facts("192.0.2.1", "anne", None, NOW + WINDOW)
    assert (later.address_failures, later.account_failures, later.all_failures) == (0, 0, 0)


def test_an_attacker_cannot_make_the_counts_grow_nor_push_his_own_out() -> None:
    kept = Failures()
    for number in range(REMEMBERED * 2):
        kept.failed("192.0.2.1", f"login{number}", NOW)
        kept.succeeded("192.0.2.2", number, NOW)
    facts = kept.facts("192.0.2.1", "x", None, NOW)
    assert len(kept._counts) <= REMEMBERED
    assert len(kept._known) <= REMEMBERED
    assert facts.address_failures == facts.all_failures == REMEMBERED * 2


def test_a_long_login_is_counted_as_it_is_looked_up() -> None:
    kept = Failures()
    kept.failed("192.0.2.1", "x" * 1000, NOW)
    assert kept.facts("192.0.2.9", "x" * 1000, None, NOW).account_failures == 1


def test_the_addresses_of_one_ipv6_network_are_one_source() -> None:
    kept = Failures()
    for number in range(5):
        kept.failed(f"2001:db8:1:2::{number:x}", "anne", NOW)
    assert kept.facts("2001:db8:1:2:ffff::1", "bruno", None, NOW).address_failures == 5
    assert kept.facts("2001:db8:1:3::1", "bruno", None, NOW).address_failures == 0
    kept.succeeded("2001:db8:1:2::1", 7, NOW)
    assert kept.facts("2001:db8:1:2::99", "bruno", 7, NOW + timedelta(days=1)).is_known


def test_an_ipv4_address_written_as_ipv6_is_the_same_source() -> None:
    kept = Failures()
    kept.failed("::ffff:192.0.2.1", "anne", NOW)
    assert kept.facts("192.0.2.1", "bruno", None, NOW).address_failures == 1


def test_the_keys_of_the_store_tell_sources_and_logins_apart_and_nothing_else() -> None:
    one = tried_by(b"k", "192.0.2.1", "Anne")
    assert one == tried_by(b"k", "::ffff:192.0.2.1", "anne")
    assert len({one.source, one.login, one.everybody}) == 3
    same = tried_by(b"k", "anne", "192.0.2.1")
    assert {same.source, same.login}.isdisjoint({one.source, one.login})
    assert tried_by(b"other", "192.0.2.1", "anne").source != one.source
    assert tried_by(b"k", "192.0.2.1", "x" * 300).login == tried_by(b"k", "192.0.2.1", "x" * 299).login
    # What cannot be written as text is counted too.
    assert len(tried_by(b"k", "192.0.2.1", "\udcff").login) == len(one.login)


def test_what_other_nodes_have_counted_counts_here() -> None:
    kept = Failures()
    kept.failed("192.0.2.1", "anne", NOW)
    facts = kept.facts("192.0.2.1", "anne", 7, NOW, Counted(5, 0, 9, NOW - timedelta(days=3)))
    assert (facts.address_failures, facts.account_failures, facts.all_failures, facts.is_known) == (5, 1, 9, True)
    assert not kept.facts("192.0.2.1", "anne", 7, NOW, Counted(known_at=NOW - KNOWN_FOR)).is_known
    assert not kept.facts("192.0.2.1", "anne", None, NOW, Counted(known_at=NOW)).is_known


def test_a_source_is_noted_again_after_a_day() -> None:
    assert not is_noted(None, NOW)
    assert is_noted(NOW, NOW + NOTED_AGAIN / 2)
    assert not is_noted(NOW, NOW + NOTED_AGAIN)

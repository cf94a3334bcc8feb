"""The counts of failed sign-ins: bounded, forgotten in time, and one IPv6 network is one source."""

from datetime import timedelta

from forge import NOW

from mssante.flows.failures import REMEMBERED, WINDOW, Failures


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

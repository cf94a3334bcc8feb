"""How many failed sign-ins are borne, and from whom: budgets that slow guessing down and cannot lock anybody out.

A right credential gets in unless its source is itself guessing and is not known to the account; the budgets of the
account and of all only decide what a wrong one is told.

Source: reliability.md E11.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

FAILURES_PER_ADDRESS: Final = 100
FAILURES_PER_ACCOUNT: Final = 200
FAILURES_IN_ALL: Final = 20_000
IPV6_NETWORK_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What is known when a credential has been looked at.

    Attributes:
        is_right: the credential is right.
        is_known: this source has signed in to this account lately.
        address_failures: of the source within the window.
        account_failures: for the login that was typed within the window.
        all_failures: of everybody within the window.
    """

    is_right: bool
    is_known: bool
    address_failures: int
    account_failures: int
    all_failures: int


def source_of(ip: str) -> str:
    """Return what is counted as one source: an IPv4 address, or the IPv6 network that one subscriber has.

    Whoever has one IPv6 address has 2**64 of them, and would have as many budgets.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    host_bits = 128 - IPV6_NETWORK_BITS
    return f"{ipaddress.IPv6Address(int(address) >> host_bits << host_bits)}/{IPV6_NETWORK_BITS}"


def is_throttled(facts: AttemptFacts) -> bool:
    """Tell whether the answer is "later", whatever the credential."""
    if facts.is_known and facts.is_right:
        return False
    if facts.address_failures >= FAILURES_PER_ADDRESS:
        return True
    over = facts.account_failures >= FAILURES_PER_ACCOUNT or facts.all_failures >= FAILURES_IN_ALL
    return over and not facts.is_right


def is_shut_out(facts: AttemptFacts, *, is_known: bool) -> bool:
    """Tell whether the answer is "later" before a credential is looked at: no account could let this source in.

    Args:
        facts: before anything is known of the credential.
        is_known: some account knows the source.
    """
    return facts.address_failures >= FAILURES_PER_ADDRESS and not is_known

"""The control by which a client takes a search in pages.

Source: RFC 2696 section 2.
"""

from dataclasses import dataclass

from mssante.wire.ldap import ber
from mssante.wire.ldap.messages import Control
from mssante.wire.ldap.results import PAGED_RESULTS


@dataclass(frozen=True, slots=True)
class Paging:
    """What either side says of a page.

    Attributes:
        size: of the client: most entries of the page; of the server: how many there are, 0 when it does not know.
        cookie: where to go on; empty at the beginning, and at the end.
    """

    size: int
    cookie: bytes = b""


def read_paging(value: bytes | None) -> Paging:
    """Return what the control says.

    Raises:
        TheirProtocolError: it is empty or malformed.
    """
    inside = ber.Elements(value or b"").inside()
    return Paging(inside.number(), inside.octets())


def write_paging(paging: Paging, *, is_critical: bool = False) -> Control:
    """Return the control."""
    return Control(PAGED_RESULTS, is_critical, ber.sequence(ber.number(paging.size), ber.octets(paging.cookie)))

"""Reads the records that a domain publishes: for comparing them with what it should publish.

Not for the way of messages (see `mssante.links.resolver`).
"""

from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.resolver

from mssante.model.errors import LinkError


async def published(
    resolver: dns.asyncresolver.Resolver, name: str, kind: str, *, timeout_seconds: float
) -> tuple[str, ...]:
    """Return the records of a name as a zone file writes them, sorted; empty when it has none of that kind.

    Args:
        name: without its last dot.
        kind: MX, SRV, CNAME or TXT.

    Raises:
        LinkError: no answer, or a broken one.

    Source: RFC 1035; RFC 2782.
    """
    try:
        answer = await resolver.resolve(f"{name}.", kind, lifetime=timeout_seconds, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except (dns.exception.DNSException, OSError) as error:
        msg = f"no {kind} of {name}: {type(error).__name__}: {str(error)[:200]}"
        raise LinkError(msg) from error
    return sorted_texts([record.to_text() for record in answer])


def sorted_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return records in one order and one case, so that they can be compared; quoted text keeps its case."""
    return tuple(sorted(text if '"' in text else text.lower() for text in texts))

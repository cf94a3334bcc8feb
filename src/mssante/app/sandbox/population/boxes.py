"""Mailboxes of the places (ORG): hundreds in a hospital, by service; one or two elsewhere. No APP: none is published.

Source: operators.md 1.3, 4.4 (no APP in the public extraction); users.md 1.4, 4.1.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

from mssante.app.sandbox.population.lists import lines_of
from mssante.app.sandbox.population.names import slug
from mssante.app.sandbox.population.sites import Site
from mssante.app.sandbox.population.vocabulary import (
    CATCH_ALL,
    CLINIC,
    HOSPITAL,
    PAPERLESS_SHARE,
    REGION_DOMAINS,
    SERVICE_BOXES,
    SMALL_BOXES,
)

_UNKNOWN_SERVICE: Final = 0.05
_NAME_MAX_CHARS: Final = 40
_SHARED_DOMAINS: Final = frozenset(REGION_DOMAINS.values())


def organisation_lines(random: Random, sites: list[Site]) -> Iterator[str]:
    """Yield the line of the extraction of each ORG mailbox."""
    services = [tuple(line.split("|")) for line in lines_of("services.txt")]
    taken: set[str] = set()
    for site in sites:
        for word, service in _boxes(random, site, services):
            address = f"{word}@{site.domain}"
            again = 1
            while address in taken:
                again += 1
                address = f"{word}{again}@{site.domain}"
            taken.add(address)
            shown = "" if random.random() < _UNKNOWN_SERVICE else service
            paperless = "O" if random.random() < PAPERLESS_SHARE else "N"
            yield f"ORG|{address}||||{site.identity}|{shown}||||||||||{paperless}|{site.in_extraction}\n"


def _boxes(random: Random, site: Site, services: list[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Yield the local part and the service of each mailbox of a place."""
    least, most = site.kind.boxes
    count = random.randint(least, most)
    if site.kind.kind not in {HOSPITAL, CLINIC}:
        is_shared = site.domain.removesuffix(".mssante.fr") in _SHARED_DOMAINS
        head = f"{slug(site.name, '-')[:_NAME_MAX_CHARS].strip('-')}." if is_shared else ""
        for word, service in SMALL_BOXES[site.kind.kind][:count]:
            yield head + word, service
        return
    if not site.is_main:
        count //= 4
    yield from CATCH_ALL[: 1 + (count > 30)] if site.is_main else ()
    order = services[: max(4, count)]
    made = 0
    for before, label in SERVICE_BOXES:
        for word, name in order:
            if made >= count:
                return
            made += 1
            yield before + word, label.format(name)

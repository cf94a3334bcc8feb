"""What the manager of a trust space admits, and what it has published (role "manager" only)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx

PUBLICATIONS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """One admitted entry, as the manager typed it."""

    domain: str
    dn_text: str
    description: str
    responsible: str
    support: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published at a moment."""

    generated_at: datetime
    published_at: datetime
    raw: bytes


async def admit(
    tx: Tx, *, domain: str, dn_text: str, description: str, responsible: str, support: str, now: datetime
) -> None:
    """Bind a domain to a certificate name, or change what is said of it."""
    await tx.run(
        "admit_entry",
        domain=domain,
        dn=dn_text,
        description=description,
        responsible=responsible,
        support=support,
        updated_at=to_micros(now),
    )


async def remove(tx: Tx, domain: str, dn_text: str | None) -> int:
    """Take a domain out, or only one of its names; return how many entries went."""
    return len(await tx.all("remove_entries", domain=domain, dn=dn_text or ""))


async def entries(tx: Tx) -> list[Listed]:
    """Return what is admitted, sorted by domain."""
    return [
        Listed(domain, dn_text, description, responsible, support, from_micros(updated_at))
        for domain, dn_text, description, responsible, support, updated_at in await tx.all("list_entries")
    ]


async def save_publication(tx: Tx, *, raw: bytes, generated_at: datetime, now: datetime) -> None:
    """Keep what is published from now on; the last 100 are kept."""
    publication_id = await tx.insert(
        "add_publication", generated_at=to_micros(generated_at), published_at=to_micros(now), raw=raw
    )
    await tx.run("forget_publications", last_id=publication_id - PUBLICATIONS_KEPT)


async def publication(tx: Tx) -> Publication | None:
    """Return what was published last, or None."""
    row = await tx.one("last_publication")
    return None if row is None else Publication(from_micros(row[0]), from_micros(row[1]), row[2])

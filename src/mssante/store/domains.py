"""The domains that this operator serves."""

from datetime import datetime

from mssante.store.times import to_micros
from mssante.store.tx import Tx


async def add_domain(tx: Tx, domain: str, now: datetime) -> None:
    """Add a domain, in canonical form; nothing happens when it is there already."""
    await tx.run("add_domain", name=domain, created_at=to_micros(now))


async def list_domains(tx: Tx) -> tuple[str, ...]:
    """Return the domains, sorted."""
    return tuple(row[0] for row in await tx.all("list_domains"))

"""The manager's use cases: admit and remove operators, publish a new version of the white list.

Not for serving it (see `mssante.doors.manager`), nor for reading it as an operator (see `mssante.flows.trust`).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from mssante.flows.ports import Clock
from mssante.model.audit import AuditEvent
from mssante.model.dn import parse_dn
from mssante.model.whitelist import Entry, WhiteList
from mssante.store import audit, listing
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.whitelist.read import read_entry_domain, read_white_list
from mssante.wire.whitelist.sign import sign
from mssante.wire.whitelist.write import write_white_list


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs the list.

    Attributes:
        certificates: DER, the signer's first, then its authorities'.
        key_pem: its private key.
    """

    certificates: tuple[bytes, ...]
    key_pem: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """The version that is served: the bytes and their validators."""

    raw: bytes
    etag: str
    published_at: datetime


class Publishing:
    """Admits, removes and publishes.

    Args:
        signer: None publishes the list without signature.
    """

    def __init__(self, *, store: Store, clock: Clock, signer: Signer | None = None) -> None:
        self.store = store
        self._clock = clock
        self._signer = signer

    async def admit(
        self, *, domain: str, dn_text: str, description: str = "", responsible: str = "", support: str = "", actor: str
    ) -> None:
        """Bind the domain to the certificate name from the next publication on; entry and audit row together.

        Raises:
            TheirProtocolError: not a host name, not a certificate name, or a text that the format cannot hold.

        Source: operators.md 3.2; operators.md 3.3.
        """
        now = self._clock()
        name = read_entry_domain(domain)
        entry = Entry(name, parse_dn(dn_text), dn_text, description, responsible, support, now)
        write_white_list(now, [entry])

        async def work(tx: Tx) -> None:
            await listing.admit(
                tx,
                domain=name,
                dn_text=dn_text,
                description=description,
                responsible=responsible,
                support=support,
                now=now,
            )
            await audit.append(tx, AuditEvent("listing.admitted", actor, name, "ok", facts={"dn": dn_text}), now)

        await self.store.write(work)

    async def remove(self, *, domain: str, dn_text: str | None = None, actor: str) -> int:
        """Take the domain, or one of its names, out from the next publication on; return how many entries went.

        Raises:
            TheirProtocolError: not a host name.
        """
        now = self._clock()
        name = read_entry_domain(domain)

        async def work(tx: Tx) -> int:
            count = await listing.remove(tx, name, dn_text)
            facts: dict[str, str | int] = {"dn": dn_text or "", "entries": count}
            await audit.append(tx, AuditEvent("listing.removed", actor, name, "ok", facts=facts), now)
            return count

        return await self.store.write(work)

    async def publish(self, *, actor: str) -> WhiteList:
        """Publish what is admitted, under a date that is later than that of every version before; return the list.

        Raises:
            ConfigError: the signer's key or certificate cannot be used.

        Source: operators.md 3.2; operators.md 3.4.
        """
        now = self._clock()
        last = await self.store.read(listing.publication)
        generated_at = now.replace(microsecond=0)
        if last is not None and last.generated_at >= generated_at:
            generated_at = last.generated_at + timedelta(seconds=1)
        entries = [
            Entry(
                one.domain,
                parse_dn(one.dn_text),
                one.dn_text,
                one.description,
                one.responsible,
                one.support,
                one.updated_at,
            )
            for one in await self.store.read(listing.entries)
        ]
        raw = write_white_list(generated_at, entries)
        if self._signer is not None:
            raw = sign(raw, self._signer.certificates, self._signer.key_pem)
        # What is published is read back first: nobody is served a list that cannot be read.
        published = read_white_list(raw)

        async def work(tx: Tx) -> None:
            await listing.save_publication(tx, raw=raw, generated_at=generated_at, now=now)
            facts: dict[str, str | int] = {"domains": len(published.names), "signed": int(self._signer is not None)}
            await audit.append(tx, AuditEvent("list.published", actor, published.version, "ok", facts=facts), now)

        await self.store.write(work)
        return published

    async def current(self) -> Published | None:
        """Return the version to serve, or None when nothing was ever published."""
        found = await self.store.read(listing.publication)
        if found is None:
            return None
        return Published(found.raw, hashlib.sha256(found.raw).hexdigest()[:32], found.published_at)

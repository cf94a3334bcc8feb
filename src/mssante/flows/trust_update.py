"""Fetch the white list and the revocation lists, judge them, keep them; the last good ones stay when anything fails.

Not for putting them in force (see `mssante.flows.trust`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.ports import DocumentSource
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Permit
from mssante.model.errors import LinkError, TheirProtocolError
from mssante.model.outside import Fetched
from mssante.model.settings import TrustSettings
from mssante.model.whitelist import WhiteList
from mssante.rules.list_update import UpdateFacts, judge_update
from mssante.store import audit, lists
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.whitelist.read import read_white_list
from mssante.wire.whitelist.sign import Verifier
from mssante.wire.x509.chain import is_signed_by
from mssante.wire.x509.path import Authority
from mssante.wire.x509.read import RevocationList, read_crl

CLOCK_SKEW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """The white list that is held when a new one is fetched; `raw` are the verified bytes."""

    white_list: WhiteList | None
    raw: bytes
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one look at one document.

    Attributes:
        changed: a new version is in the store, or the old one was confirmed.
        problem: why the last good one stays; empty when all is well.
        refused: the document came, and a rule or a check refused it (an alarm at once, unlike a source that is away).
        rule: the rule that decided.
    """

    changed: bool = False
    problem: str = ""
    refused: bool = False
    rule: str = ""


async def update_list(
    *,
    settings: TrustSettings,
    held: Held,
    store: Store,
    documents: DocumentSource,
    verifier: Verifier,
    now: datetime,
    actor: str,
    force: bool,
) -> Outcome:
    """Look at the publisher's list and keep it when the rules allow; list and audit row in one transaction.

    Args:
        actor: who asked, for the audit.
        force: an administrator takes the list in spite of the update rules; never in spite of the signature.

    Source: operators.md 3.5; reliability.md C09, H17.
    """
    validators = {} if force else {"etag": held.etag, "last_modified": held.last_modified}
    try:
        fetched = await documents.fetch(settings.list_url, **validators)
    except LinkError as error:
        return Outcome(problem=str(error))
    if fetched is None:
        await store.write(lambda tx: lists.touch_list(tx, now))
        return Outcome(changed=True)
    try:
        # Off the loop: the whole national list takes some tenths of a second.
        raw, new = await asyncio.to_thread(_read_list, verifier, fetched.data, now)
    except TheirProtocolError as error:
        return Outcome(problem=str(error), refused=True, rule="list-format")
    same = raw == held.raw
    decision = judge_update(UpdateFacts(held.white_list, new, same, now, settings.shrink_share, settings.grow_factor))
    if not isinstance(decision, Permit) and not force:
        return Outcome(problem=decision.detail, refused=True, rule=decision.rule)
    if same:
        await store.write(lambda tx: lists.touch_list(tx, now))
        return Outcome(changed=True)
    rule = decision.rule if isinstance(decision, Permit) else f"forced over {decision.rule}"
    await store.write(lambda tx: _keep_list(tx, new, raw, fetched, rule, actor, now))
    return Outcome(changed=True, rule=rule)


def _read_list(verifier: Verifier, data: bytes, now: datetime) -> tuple[bytes, WhiteList]:
    raw = verifier.verified(data, now)
    return raw, read_white_list(raw)


async def _keep_list(
    tx: Tx, new: WhiteList, raw: bytes, fetched: Fetched, rule: str, actor: str, now: datetime
) -> None:
    await lists.save_list(
        tx,
        version=new.version,
        generated_at=new.generated_at,
        raw=raw,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        now=now,
    )
    facts: dict[str, str | int] = {"domains": len(new.names), "entries": len(new.entries), "bad": len(new.bad)}
    await audit.append(tx, AuditEvent("list.activated", actor, new.version, "ok", rule, facts), now)


async def update_crl(
    *,
    url: str,
    held: Sequence[RevocationList],
    authorities: Sequence[Authority],
    store: Store,
    documents: DocumentSource,
    now: datetime,
) -> Outcome:
    """Look at one revocation list and keep it when its authority signed it and it is not older than the one held.

    Source: operators.md 2.4 (ECO.1.1.7: keep the last valid one); RFC 5280 section 6.3.3.
    """
    try:
        fetched = await documents.fetch(url)
    except LinkError as error:
        return Outcome(problem=str(error))
    if fetched is None:
        return Outcome()
    try:
        crl = await asyncio.to_thread(read_crl, fetched.data)
    except TheirProtocolError as error:
        return Outcome(problem=f"{url}: {error}", refused=True, rule="crl-format")
    if not any(is_signed_by(crl, authority) for authority in authorities):
        return Outcome(problem=f"{url}: not signed by {crl.issuer}", refused=True, rule="crl-signature")
    if crl.this_update > now + CLOCK_SKEW:
        return Outcome(problem=f"{url}: dated after now", refused=True, rule="crl-future")
    before = next((one for one in held if one.issuer.key == crl.issuer.key), None)
    if before is not None and crl.this_update < before.this_update:
        return Outcome(problem=f"{url}: older than the one held", refused=True, rule="crl-rollback")
    if before is not None and crl.der == before.der:
        return Outcome()
    await store.write(lambda tx: _keep_crl(tx, crl, url, now))
    return Outcome(changed=True)


async def _keep_crl(tx: Tx, crl: RevocationList, url: str, now: datetime) -> None:
    await lists.save_crl(
        tx,
        issuer=str(crl.issuer),
        url=url,
        der=crl.der,
        this_update=crl.this_update,
        next_update=crl.next_update,
        now=now,
    )
    facts: dict[str, str | int] = {"revoked": len(crl.revoked), "next": crl.next_update.strftime("%Y-%m-%dT%H:%M:%SZ")}
    await audit.append(tx, AuditEvent("crl.activated", "system", str(crl.issuer), "ok", "crl-update", facts), now)


async def record_alarm(store: Store, event: str, subject: str, rule: str, problem: str, now: datetime) -> None:
    """Write the alarm in the audit."""
    row = AuditEvent(event, "system", subject, Kind.LIST_UNAVAILABLE.value, rule, {"problem": problem[:500]})
    await store.write(lambda tx: audit.append(tx, row, now))

"""The values of the trust space: what it starts from, one consistent state in force, what administrators see of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mssante.model.errors import TheirProtocolError
from mssante.model.log import Log
from mssante.model.whitelist import WhiteList
from mssante.store.lists import SavedCrl
from mssante.wire.x509.chain import ChainJudge
from mssante.wire.x509.read import RevocationList, read_crl


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """Certificates that the trust space starts from, all DER.

    Attributes:
        anchors: the roots.
        intermediates: the authorities below them.
        own: our own certificate; its distribution points tell where the list of its authority stands.
        require_client_usage: see `TlsSettings`.
        refuse_weak_keys: see `TlsSettings`.
    """

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    own: tuple[bytes, ...] = ()
    require_client_usage: bool = False
    refuse_weak_keys: bool = True


@dataclass(frozen=True, slots=True)
class CrlState:
    """A revocation list in force; `stale` when its time, with our grace, is over."""

    issuer: str
    this_update: datetime
    next_update: datetime
    revoked: int
    stale: bool


@dataclass(frozen=True, slots=True)
class TrustState:
    """What administrators see of the trust space.

    Attributes:
        version: of the list in force, "" when there is none.
        age: time since the publisher last confirmed it; None when there is none.
        alarm: what is wrong, in words; empty when all is well.
        stopped: federated traffic is refused for now because the list is missing or too old.
        entries: usable entries of the list.
        domains: different domains.
        bad: entries that were left out.
        crls: revocation lists in force.
    """

    version: str
    age: timedelta | None
    alarm: str
    stopped: bool
    entries: int
    domains: int
    bad: int
    crls: tuple[CrlState, ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """One consistent state; replaced as a whole."""

    judge: ChainJudge
    white_list: WhiteList | None = None
    raw: bytes = b""
    etag: str = ""
    last_modified: str = ""
    checked_at: datetime | None = None
    crls: tuple[RevocationList, ...] = ()
    our_domains: frozenset[str] = frozenset()


def describe(state: InForce, now: datetime, *, grace: timedelta, stopped: bool, alarm: str) -> TrustState:
    """Return what administrators see of the state in force."""
    white_list = state.white_list
    crls = tuple(
        CrlState(
            issuer=str(crl.issuer),
            this_update=crl.this_update,
            next_update=crl.next_update,
            revoked=len(crl.revoked),
            stale=now > crl.next_update + grace,
        )
        for crl in state.crls
    )
    return TrustState(
        version=white_list.version if white_list else "",
        age=now - state.checked_at if state.checked_at else None,
        alarm=alarm,
        stopped=stopped,
        entries=len(white_list.entries) if white_list else 0,
        domains=len(white_list.names) if white_list else 0,
        bad=len(white_list.bad) if white_list else 0,
        crls=crls,
    )


def read_crls(saved: Sequence[SavedCrl], log: Log) -> tuple[RevocationList, ...]:
    """Return the revocation lists that can be read; the others are logged and count as missing."""
    found: list[RevocationList] = []
    for one in saved:
        try:
            found.append(read_crl(one.der))
        except TheirProtocolError as error:
            log.warning("crl-not-read", issuer=one.issuer, error=str(error))
    return tuple(found)

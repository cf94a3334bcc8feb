"""Judge a peer's certificate: path to a known root, dates, usage, revocation with an age policy.

Only the leaf of a peer is public in Python's TLS before 3.13, so the path is rebuilt from the authorities that are
configured. The handshake has checked path and dates too; here the verdict says why, and it follows the revocation lists
in force at the moment of the call. Not for host names or the white list (see `mssante.rules.federation`).

Source: decision 0002.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm

from mssante.model.dn import DistinguishedName
from mssante.model.peer import Certificate, ChainCheck, ChainVerdict
from mssante.wire.x509.path import Authority, PathFailure, find_path, read_authorities
from mssante.wire.x509.read import RevocationList, parse_crl

SERVER_USAGE: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_USAGE: Final = "1.3.6.1.5.5.7.3.2"
ANY_USAGE: Final = "2.5.29.37.0"
CACHED_PATHS: Final = 4096

NameKey = tuple[frozenset[tuple[str, str]], ...]


class Usage(enum.Enum):
    """In which role the peer shows the certificate."""

    CLIENT = "client"
    SERVER = "server"
    SIGNER = "signer"


@dataclass(frozen=True, slots=True)
class ChainPolicy:
    """How strict to be.

    Attributes:
        require_client_usage: a peer that connects to us must have clientAuth; otherwise serverAuth or no extension
            will do, because the template of SERV SSL certificates is not public.
        refuse_weak_keys: refuse RSA under 2,048 bits, MD5 and SHA-1 signatures; off, name constraints are refused too.
        crl_required: an authority without revocation list makes its certificates temporarily unusable.
        crl_grace: how long after its nextUpdate the last valid revocation list stays good.

    Source: operators.md 2.3; operators.md 2.4 (ECO.1.1.7).
    """

    require_client_usage: bool = False
    refuse_weak_keys: bool = True
    crl_required: bool = True
    crl_grace: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class _Link:
    """One certificate of a path with the list that speaks of it; `crl` is None when we hold none."""

    label: str
    serial: int
    not_before: datetime
    not_after: datetime
    crl: RevocationList | None


@dataclass(frozen=True, slots=True)
class _Path:
    """What does not change with time: the links from the leaf up (the root last), or why there is no path."""

    links: tuple[_Link, ...]
    failure: str = ""


class ChainJudge:
    """Judges certificates against one set of authorities and revocation lists.

    A new list means a new judge, put in the place of the old one by one assignment.

    Args:
        anchors: DER of the roots.
        intermediates: DER of the authorities below them.
        crls: revocation lists by the `DistinguishedName.key` of their issuer.
        policy: how strict to be.

    Raises:
        TheirProtocolError: an authority cannot be read.
    """

    def __init__(
        self,
        anchors: tuple[bytes, ...],
        intermediates: tuple[bytes, ...],
        crls: Mapping[NameKey, RevocationList],
        policy: ChainPolicy,
    ) -> None:
        self._authorities = read_authorities(anchors, intermediates)
        self._crls = crls
        self._policy = policy
        self._paths: dict[str, _Path] = {}
        self._signed: dict[tuple[NameKey, bytes], bool] = {}

    def check(self, certificate: Certificate, usage: Usage, now: datetime) -> ChainCheck:
        """Return the verdict at this moment; the path itself is looked for once per certificate.

        Source: operators.md 2.4 (chain, usage, dates, revocation of the certificate and of the authorities).
        """
        path = self._paths.get(certificate.fingerprint)
        if path is None:
            path = self._remember(certificate, now)
        if path.failure:
            return ChainCheck(ChainVerdict.UNTRUSTED, path.failure)
        verdict = _judge_dates(path.links, now) or _judge_usage(certificate, usage, self._policy)
        return verdict or self._judge_revocation(path.links, now)

    def _remember(self, certificate: Certificate, now: datetime) -> _Path:
        if len(self._paths) >= CACHED_PATHS:
            self._paths.clear()
        path = self._find(certificate, now)
        self._paths[certificate.fingerprint] = path
        return path

    def _find(self, certificate: Certificate, now: datetime) -> _Path:
        found = find_path(certificate, self._authorities, now, refuse_weak_keys=self._policy.refuse_weak_keys)
        if isinstance(found, PathFailure):
            return _Path((), found.reason)
        leaf = _Link(
            label=f"certificate {certificate.subject}",
            serial=certificate.serial,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            crl=self._crl_of(certificate.issuer, found[0]),
        )
        return _Path((leaf, *self._upper_links(found)))

    def _upper_links(self, authorities: Sequence[Authority]) -> Iterable[_Link]:
        for place, authority in enumerate(authorities):
            above = authorities[place + 1] if place + 1 < len(authorities) else None
            yield _Link(
                label=f"authority {authority.subject}",
                serial=authority.certificate.serial_number,
                not_before=authority.not_before,
                not_after=authority.not_after,
                crl=None if above is None else self._crl_of(above.subject, above),
            )

    def _crl_of(self, issuer: DistinguishedName, authority: Authority) -> RevocationList | None:
        crl = self._crls.get(issuer.key)
        if crl is None:
            return None
        mark = (issuer.key, authority.der)
        signed = self._signed.get(mark)
        if signed is None:
            signed = self._signed[mark] = is_signed_by(crl, authority)
        return crl if signed else None

    def _judge_revocation(self, links: Sequence[_Link], now: datetime) -> ChainCheck:
        unsure: ChainCheck | None = None
        for link in links[:-1]:  # Nobody but the administrator revokes a root.
            crl = link.crl
            if crl is None:
                if self._policy.crl_required:
                    text = f"no valid revocation list for {link.label}"
                    unsure = unsure or ChainCheck(ChainVerdict.REVOCATION_MISSING, text)
            elif link.serial in crl.revoked:
                text = f"{link.label} is in the revocation list of {crl.this_update:%Y-%m-%dT%H:%M:%SZ}"
                return ChainCheck(ChainVerdict.REVOKED, text)
            elif now > crl.next_update + self._policy.crl_grace:
                text = f"revocation list for {link.label} was due on {crl.next_update:%Y-%m-%dT%H:%M:%SZ}"
                unsure = unsure or ChainCheck(ChainVerdict.REVOCATION_STALE, text)
        return unsure or ChainCheck(ChainVerdict.TRUSTED)


def is_signed_by(crl: RevocationList, authority: Authority) -> bool:
    """Tell whether the authority made this list: same name, the right to sign lists, good signature.

    Source: RFC 5280 section 6.3.3 (f), (g).
    """
    if crl.issuer.key != authority.subject.key or not authority.may_sign_crls:
        return False
    try:
        # The library takes RSA, EC and EdDSA keys here and raises TypeError for any other one.
        return parse_crl(crl.der).is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _judge_dates(links: Sequence[_Link], now: datetime) -> ChainCheck | None:
    for link in links:
        if now > link.not_after:
            text = f"{link.label} expired on {link.not_after:%Y-%m-%dT%H:%M:%SZ}"
            return ChainCheck(ChainVerdict.EXPIRED, text)
        if now < link.not_before:
            text = f"{link.label} is valid from {link.not_before:%Y-%m-%dT%H:%M:%SZ} only"
            return ChainCheck(ChainVerdict.NOT_YET_VALID, text)
    return None


def _judge_usage(certificate: Certificate, usage: Usage, policy: ChainPolicy) -> ChainCheck | None:
    keys = certificate.key_usages
    # A seal for documents may hold contentCommitment alone; no extendedKeyUsage is known for it.
    enough = {"digital_signature", "content_commitment" if usage is Usage.SIGNER else "key_agreement"}
    if keys and not keys & enough:
        return ChainCheck(ChainVerdict.BAD_USAGE, "keyUsage lacks digitalSignature")
    if usage is Usage.SIGNER:
        return None
    found = certificate.extended_usages
    if usage is Usage.SERVER:
        wanted, optional = {SERVER_USAGE, ANY_USAGE}, True
    elif policy.require_client_usage:
        wanted, optional = {CLIENT_USAGE, ANY_USAGE}, False
    else:
        wanted, optional = {CLIENT_USAGE, SERVER_USAGE, ANY_USAGE}, True
    if found & wanted or (optional and not found):
        return None
    shown = ", ".join(sorted(found)) or "no extendedKeyUsage"
    return ChainCheck(ChainVerdict.BAD_USAGE, f"not for use as {usage.value}: {shown}")

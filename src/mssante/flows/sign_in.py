"""Sign-in: who is acting, from an application password or a client certificate.

Access tokens of Pro Santé Connect come in through the same door later. Not for rights on single messages.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.ports import Clock
from mssante.flows.trust import TrustSpace
from mssante.model.address import login_for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import Account, CredentialId, Identity, Method
from mssante.model.peer import PeerFacts
from mssante.store import accounts, audit
from mssante.store.engine import Store
from mssante.store.tx import Tx

PASSWORD_BYTES: Final = 15
GROUP_CHARS: Final = 4
FAILURE_WINDOW: Final = timedelta(minutes=10)
FAILURES_PER_ADDRESS: Final = 100
ADDRESSES_REMEMBERED: Final = 10_000

_FAILED: Final = Refusal(
    Kind.SIGN_IN_FAILED,
    "sign-in",
    "Authentication failed",
    "",
    "Identifiant ou mot de passe d'application incorrect : vérifiez-les, ou créez un nouveau mot de passe.",
)
_THROTTLED: Final = Refusal(
    Kind.SIGN_IN_THROTTLED,
    "sign-in",
    "Too many failed sign-ins, try again later",
    "",
    "Trop d'échecs de connexion depuis cette adresse : vérifiez les réglages du logiciel, réessayez dans dix minutes.",
)
_NO_CERTIFICATE: Final = Refusal(
    Kind.CERTIFICATE_MISSING,
    "sign-in",
    "A client certificate is needed for EXTERNAL",
    "",
    "Le logiciel n'a pas présenté de certificat : installez-y celui de la boîte applicative.",
)


def new_password(random_bytes: bytes) -> str:
    """Return an application password of 24 characters in groups of four, 120 bits.

    Args:
        random_bytes: 15 bytes from a cryptographic source.
    """
    text = base64.b32encode(random_bytes[:PASSWORD_BYTES]).decode().lower()
    return "-".join(text[at : at + GROUP_CHARS] for at in range(0, len(text), GROUP_CHARS))


def digest_password(key: bytes, password: str) -> bytes:
    """Return the keyed hash under which an application password is stored.

    The password has 120 random bits, so a fast keyed hash is enough and keeps sign-in fast; passwords that people
    choose would need argon2. Hyphens, spaces and case do not count, so that it can be typed.
    """
    plain = password.replace("-", "").replace(" ", "").lower()
    return hmac.new(key, plain.encode(), hashlib.sha256).digest()


class SignIn:
    """Checks credentials; the answer and its time are the same for an unknown user and a wrong password."""

    def __init__(self, *, store: Store, trust: TrustSpace, key: bytes, trace_key: bytes, clock: Clock) -> None:
        """Keep the store, the key of the password hash and the key of traces."""
        self._store = store
        self._trust = trust
        self._key = key
        self._trace_key = trace_key
        self._clock = clock
        self._failures: dict[str, list[datetime]] = {}

    async def password(self, login: str, password: str, authzid: str, ip: str) -> Identity | Refusal:
        """Return who signs in with an application password, or the refusal.

        Args:
            login: the account's login as typed.
            password: the application password as typed.
            authzid: "" or the same login; acting for somebody else goes through rights, not through this.
            ip: where from, for the audit and the throttle.
        """
        if self._is_throttled(ip):
            return _THROTTLED
        digest = digest_password(self._key, password)
        # One look-up by a keyed hash: an unknown login and a wrong password take the same path.
        found = await self._store.read(lambda tx: accounts.credential_by_digest(tx, digest))
        account = found[0] if found else None
        same = hmac.compare_digest(login.casefold().encode(), (account.login if account else "").casefold().encode())
        if account is None or not same or not account.active or authzid.casefold() not in {"", login.casefold()}:
            return await self._failed(login, Method.PLAIN, ip)
        return await self._identity(account, Method.PLAIN, ip, found[1].credential_id if found else None)

    async def certificate(self, peer: PeerFacts, authzid: str) -> Identity | Refusal:
        """Return the application that signs in with its client certificate, or the refusal."""
        certificate = peer.certificate
        if certificate is None:
            return _NO_CERTIFICATE
        if self._is_throttled(peer.ip):
            return _THROTTLED
        refusal = self._trust.judge_client(certificate)
        if refusal is not None:
            return refusal
        account = await self._store.read(lambda tx: accounts.account_by_certificate(tx, certificate.subject))
        if account is None or not account.active or authzid.casefold() not in {"", account.login.casefold()}:
            return await self._failed(str(certificate.subject), Method.EXTERNAL, peer.ip)
        return await self._identity(account, Method.EXTERNAL, peer.ip, None)

    async def _identity(self, account: Account, method: Method, ip: str, credential: CredentialId | None) -> Identity:
        """Write the sign-in down, with the password's last use, and return who it is with the rights of now."""
        login = login_for_trace(account.login, self._trace_key)
        event = AuditEvent("sign-in.accepted", login, ip, "ok", "sign-in", {"method": method.value})
        now = self._clock()

        async def work(tx: Tx) -> tuple[accounts.Right, ...]:
            if credential is not None:
                await accounts.touch_credential(tx, credential, now)
            await audit.append(tx, event, now)
            return await accounts.rights(tx, account.account_id)

        rights = await self._store.write(work)
        return Identity(
            account_id=account.account_id,
            login=account.login,
            method=method,
            may_send={right.address.key: right.address for right in rights if right.may_send},
            may_read=frozenset(right.address.key for right in rights if right.may_read),
        )

    async def _failed(self, login: str, method: Method, ip: str) -> Refusal:
        self._remember_failure(ip)
        event = AuditEvent(
            "sign-in.failed",
            ip,
            _for_trace(login, self._trace_key),
            Kind.SIGN_IN_FAILED.value,
            "sign-in",
            {"method": method.value},
        )
        now = self._clock()
        await self._store.write(lambda tx: audit.append(tx, event, now))
        return _FAILED

    def _is_throttled(self, ip: str) -> bool:
        """Tell whether that address failed too often lately; accounts are never locked, so nobody can lock one."""
        recent = [at for at in self._failures.get(ip, ()) if self._clock() - at < FAILURE_WINDOW]
        if ip in self._failures:
            self._failures[ip] = recent
        return len(recent) >= FAILURES_PER_ADDRESS

    def _remember_failure(self, ip: str) -> None:
        if len(self._failures) >= ADDRESSES_REMEMBERED:
            self._failures.pop(next(iter(self._failures)))
        self._failures.setdefault(ip, []).append(self._clock())


def _for_trace(login: str, key: bytes) -> str:
    """Return the login for the audit, unless it is no address and no name: somebody may type a password there."""
    if "@" in login or "=" in login:
        return login_for_trace(login, key)
    return "(neither an address nor a certificate name)"

"""Sign-in: who is acting, from an application password, a client certificate or an access token.

Not for rights on single messages.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.delegating import settle_delegations
from mssante.flows.failures import KNOWN_FOR, NOTHING, WINDOW, Failures, before_last, is_noted, tried_by
from mssante.flows.ports import Clock, TokenSource
from mssante.flows.trust import TrustSpace
from mssante.model.address import Address, for_trace, login_for_trace, parse_address
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import MssError
from mssante.model.mailbox import DIRECTORY, Account, Credential, CredentialId, Identity, Method
from mssante.model.national import practitioner_number
from mssante.model.peer import PeerFacts
from mssante.rules.sign_in import is_shut_out, is_throttled
from mssante.store import accounts, audit, life_cycle, sign_ins
from mssante.store.engine import Store
from mssante.store.sign_ins import Counted, Tried
from mssante.store.tx import Tx

PASSWORD_BYTES: Final = 15
GROUP_CHARS: Final = 4

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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Somebody tries to sign in.

    Attributes:
        login: as typed, or the name of the certificate.
        tried: the keys under which the store counts it.
        counted: what the store counted before, over all nodes.
    """

    ip: str
    login: str
    method: Method
    now: datetime
    tried: Tried
    counted: Counted = NOTHING


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
    """Checks credentials; the answer and its time are the same for an unknown user and a wrong password.

    Guards the counts of failures, together with the store.
    """

    def __init__(
        self,
        *,
        store: Store,
        trust: TrustSpace,
        key: bytes,
        trace_key: bytes,
        clock: Clock,
        tokens: TokenSource | None = None,
        close_after: timedelta | None = None,
    ) -> None:
        """Keep the store, the key of the password hash and the key of traces.

        Args:
            store, trust, key, trace_key, clock: shared.
            tokens: verifies access tokens; None when no identity provider is configured.
            close_after: how long a session lives on after the end of its token; None: as long as it likes.
        """
        self._store = store
        self._trust = trust
        self._key = key
        self._trace_key = trace_key
        self._clock = clock
        self._tokens = tokens
        self._close_after = close_after
        self._failures = Failures()

    async def password(
        self, login: str, password: str, authzid: str, ip: str, service: str = "submission"
    ) -> Identity | Refusal:
        """Return who signs in with an application password, or the refusal.

        Args:
            login: the account's login as typed.
            password: the application password as typed.
            authzid: "" or the same login; acting for somebody else goes through rights, not through this.
            ip: where from, for the audit and the throttle.
            service: what is to be opened, of `SCOPES`, or `DIRECTORY`.
        """
        digest = digest_password(self._key, password)
        attempt = self._attempt(ip, login, Method.PLAIN)

        # One look-up by a keyed hash, then the counts: an unknown login and a wrong password take the same path.
        async def look(tx: Tx) -> tuple[tuple[Account, Credential] | None, Counted]:
            found = await accounts.credential_by_digest(tx, digest)
            return found, await _counted(tx, attempt, found[0] if found else None)

        found, counted = await self._store.glance(look)
        attempt = replace(attempt, counted=counted)
        account = found[0] if found else None
        same = hmac.compare_digest(login.casefold().encode(), (account.login if account else "").casefold().encode())
        in_scope = found is not None and (service == DIRECTORY or service in found[1].scopes)
        allowed = found is not None and in_scope and not self._is_past(found[1].until)
        if (
            account is None
            or not same
            or not allowed
            or not account.active
            or authzid.casefold() not in {"", login.casefold()}
        ):
            return await self._failed(attempt)
        if self._is_throttled(attempt, account):
            return _THROTTLED
        return await self._identity(account, attempt, found[1].credential_id if found else None)

    async def certificate(self, peer: PeerFacts, authzid: str) -> Identity | Refusal:
        """Return the application that signs in with its client certificate, or the refusal."""
        certificate = peer.certificate
        if certificate is None:
            return _NO_CERTIFICATE
        refusal = self._trust.judge_client(certificate)
        if refusal is not None:
            return refusal
        attempt = self._attempt(peer.ip, str(certificate.subject), Method.EXTERNAL)

        async def look(tx: Tx) -> tuple[Account | None, Counted]:
            found = await accounts.account_by_certificate(tx, certificate.subject)
            return found, await _counted(tx, attempt, found)

        account, counted = await self._store.glance(look)
        attempt = replace(attempt, counted=counted)
        if account is None or not account.active or authzid.casefold() not in {"", account.login.casefold()}:
            return await self._failed(attempt)
        if self._is_throttled(attempt, account):
            return _THROTTLED
        return await self._identity(account, attempt, None)

    async def bearer(
        self, method: Method, user: str, token: str, ip: str, service: str = "submission"
    ) -> Identity | Refusal:
        """Return who signs in with an access token of the identity provider, or the refusal.

        The token names the person by his national number, verified by its issuer; the account is that of a personal
        mailbox with this number, never one found by an e-mail address of the token.

        Args:
            method: XOAUTH2 or OAUTHBEARER.
            user: address of the mailbox to open: his own, or one that lists him; "" is his own.
            token: as sent.
            ip: where from.
            service: what is to be opened: "imap" needs the right to read, "submission" the right to send.

        Source: clients.md 1.1 (the box's address with the person's token) and 7.1; reliability.md E04.
        """
        if self._tokens is None:
            return _FAILED
        attempt = self._attempt(ip, user, method)
        is_hopeless, counted = await self._look_before(attempt)
        if is_hopeless:
            # Before the provider is asked: whoever guesses must not make us ask it.
            return _THROTTLED
        facts = await self._tokens.check(token)
        if isinstance(facts, Refusal):
            if facts.is_temporary:
                return facts
            return await self._failed(replace(attempt, counted=counted), told=facts)
        number = practitioner_number(facts.national_id)

        async def look(tx: Tx) -> tuple[Account | None, Address | None, Counted]:
            found, box = await _opened_by(tx, number, user, service)
            return found, box, await _counted(tx, attempt, found)

        account, opened, counted = await self._store.read(look)
        attempt = replace(attempt, counted=counted)
        if account is None:
            return await self._failed(attempt)
        if self._is_throttled(attempt, account):
            return _THROTTLED
        if user and opened is None:
            return await self._failed(attempt)
        identity = await self._identity(account, attempt, None, opened)
        return replace(identity, opened=opened, expires_at=facts.expires_at)

    def is_over(self, identity: Identity) -> bool:
        """Tell whether a session must sign in again, by the policy on tokens that end during it.

        Source: clients.md 1.1 (server behaviour unknown) and 11.3; our choice: a setting.
        """
        if identity.expires_at is None or self._close_after is None:
            return False
        return self._clock() - identity.expires_at >= self._close_after

    async def _identity(
        self,
        account: Account,
        attempt: _Attempt,
        credential: CredentialId | None,
        opened: Address | None = None,
    ) -> Identity:
        """Write the sign-in down, with the password's last use, and return who it is with the rights of now."""
        login, method, ip = login_for_trace(account.login, self._trace_key), attempt.method, attempt.ip
        box = {} if opened is None else {"box": for_trace(opened, self._trace_key)}
        event = AuditEvent("sign-in.accepted", login, ip, "ok", "sign-in", {"method": method.value, **box})
        now = self._clock()
        self._failures.succeeded(ip, account.account_id, now)

        async def work(tx: Tx) -> tuple[accounts.Right, ...]:
            if credential is not None:
                await accounts.touch_credential(tx, credential, now)
            await audit.append(tx, event, now)
            if not is_noted(attempt.counted.known_at, now):
                await sign_ins.note_source(tx, attempt.tried.source, account.account_id, now)
            await life_cycle.note_sign_in(tx, account.account_id, now)
            await settle_delegations(tx, now, self._trace_key)
            return await accounts.rights(tx, account.account_id)

        rights = await self._store.write(work)
        return Identity(
            account_id=account.account_id,
            login=account.login,
            method=method,
            may_send={right.address.key: right.address for right in rights if right.may_send},
            may_read=frozenset(right.address.key for right in rights if right.may_read),
        )

    async def _failed(self, attempt: _Attempt, *, told: Refusal = _FAILED) -> Refusal:
        now = self._clock()
        if is_throttled(self._failures.facts(attempt.ip, attempt.login, None, now, attempt.counted)):
            # Not written down one by one: whoever guesses must not fill the audit.
            return _THROTTLED
        self._failures.failed(attempt.ip, attempt.login, now)
        event = AuditEvent(
            "sign-in.failed",
            attempt.ip,
            _for_trace(attempt.login, self._trace_key),
            Kind.SIGN_IN_FAILED.value,
            "sign-in",
            # The detail of a token's refusal is one of a few fixed sentences, never a part of the token.
            {"method": attempt.method.value, **({"reason": told.detail} if told.detail else {})},
        )

        async def work(tx: Tx) -> bool:
            after = await sign_ins.count_failure(tx, attempt.tried, now, now - WINDOW)
            if is_throttled(before_last(after)):
                # Others were faster, on other nodes perhaps.
                return False
            await audit.append(tx, event, now)
            return True

        return told if await self._store.write(work) else _THROTTLED

    def _attempt(self, ip: str, login: str, method: Method) -> _Attempt:
        return _Attempt(ip, login, method, self._clock(), tried_by(self._trace_key, ip, login))

    def _is_throttled(self, attempt: _Attempt, account: Account) -> bool:
        return is_throttled(
            self._failures.facts(attempt.ip, attempt.login, account.account_id, self._clock(), attempt.counted)
        )

    async def _look_before(self, attempt: _Attempt) -> tuple[bool, Counted]:
        """Return whether no account could let this source in, and what is counted."""

        async def look(tx: Tx) -> tuple[bool, Counted]:
            counted = await _counted(tx, attempt, None)
            facts = self._failures.facts(attempt.ip, attempt.login, None, attempt.now, counted)
            if not is_shut_out(facts, is_known=False):
                return False, counted
            is_known = self._failures.knows(attempt.ip, attempt.now)
            is_known = is_known or await sign_ins.is_known(tx, attempt.tried.source, attempt.now - KNOWN_FOR)
            return is_shut_out(facts, is_known=is_known), counted

        return await self._store.glance(look)

    def _is_past(self, until: datetime | None) -> bool:
        return until is not None and until <= self._clock()


async def _counted(tx: Tx, attempt: _Attempt, account: Account | None) -> Counted:
    account_id = None if account is None else account.account_id
    return await sign_ins.counted(tx, attempt.tried, account_id, attempt.now - WINDOW)


async def _opened_by(tx: Tx, number: str, user: str, service: str) -> tuple[Account | None, Address | None]:
    """Return the account through which a person opens a box, and the box; without a user, the first account.

    Somebody with several personal mailboxes has as many accounts: the one of that address acts, else the first that may
    open it, else the first.
    """
    usable = [one for one in await accounts.accounts_of_person(tx, number) if one.active]
    usable.sort(key=lambda one: one.login.casefold() != user.casefold())
    opened = _address(user)
    if opened is not None:
        for account in usable:
            for right in await accounts.rights(tx, account.account_id):
                if right.address.key == opened.key and (right.may_read if service == "imap" else right.may_send):
                    return account, opened
    return next(iter(usable), None), None


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except MssError:
        return None


def _for_trace(login: str, key: bytes) -> str:
    """Return the login for the audit, unless it is no address and no name: somebody may type a password there."""
    if "@" in login or "=" in login:
        return login_for_trace(login, key)
    return "(neither an address nor a certificate name)"

"""The sandbox identity provider: signs invented people in as Pro Santé Connect would, for programs under test.

All its state is in memory and bounded: a sandbox that stops forgets everybody, on purpose. Never for real people.

Source: clients.md 7.1 and 7.2; RFC 6749; RFC 7636; RFC 7662; RFC 9207; OpenID Connect CIBA core (poll mode).
"""

import base64
import hashlib
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote_plus

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from mssante.flows.ports import Clock
from mssante.wire.oidc.claims import identity_claims, token_claims
from mssante.wire.oidc.values import Client, OAuthError, Person

K = TypeVar("K")
V = TypeVar("V")
KEPT: Final = 10_000
CODE_SECONDS: Final = 60
CIBA_SECONDS: Final = 120
CIBA_INTERVAL: Final = 1
SLOW_DOWN_SECONDS: Final = 5
CHOOSE_SECONDS: Final = 600
CIBA_GRANT: Final = "urn:openid:params:grant-type:ciba"
TEXT_MAX_CHARS: Final = 1000
_LOOPBACK: Final = re.compile(r"(http://127\.0\.0\.1):([0-9]{1,5})(/[!-~]*)")
SCOPES: Final = frozenset({"openid", "scope_all"})

Form = Mapping[str, str]


class _Bounded(OrderedDict[K, V], Generic[K, V]):
    """A table that forgets its oldest rows."""

    def __setitem__(self, key: K, value: V) -> None:
        """Put a row; the oldest one goes when there are too many."""
        super().__setitem__(key, value)
        if len(self) > KEPT:
            self.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A sound authorization request, waiting for somebody to choose who he is."""

    client: Client
    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Code:
    asked: Asked
    person: Person
    session: str
    until: datetime
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class _Session:
    person: Person
    client_id: str
    refresh: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A decoupled sign-in that waits on the telephone.

    Attributes:
        interval_seconds: between two questions of the program; longer each time that it asked too soon.
        answer: None while nobody has answered.
    """

    request: str
    client: Client
    person: Person
    message: str
    until: datetime
    polled_at: datetime | None = None
    interval_seconds: int = CIBA_INTERVAL
    answer: bool | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the provider needs of the configuration."""

    issuer: str
    access_seconds: float
    refresh_seconds: float


class Provider:
    """Guards codes, sessions and requests of one run."""

    def __init__(
        self,
        settings: Settings,
        people: tuple[Person, ...],
        clients: tuple[Client, ...],
        *,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        """Start with a new key and nobody signed in.

        Args:
            settings: issuer and lives of tokens.
            people, clients: who there is.
            clock: UTC.
            new_token: returns an unguessable text.
        """
        self.settings = settings
        self.people = {person.national_id: person for person in people}
        self._clients = {client.client_id: client for client in clients}
        self._clock = clock
        self._new_token = new_token
        self._keys: list[RSAKey] = []
        self._asked: _Bounded[str, Asked] = _Bounded()
        self._codes: _Bounded[str, _Code] = _Bounded()
        self._sessions: _Bounded[str, _Session] = _Bounded()
        self._spent: _Bounded[str, str] = _Bounded()
        self._pending: _Bounded[str, Pending] = _Bounded()
        self.rotate_key()

    # -- keys and tokens -----------------------------------------------------------------------------------------

    def rotate_key(self) -> None:
        """Sign with a new key from now on; the one before is still published."""
        self._keys = [RSAKey.generate_key(2048, {"kid": _key_id(self._new_token()), "use": "sig"}), *self._keys[:1]]

    def published_keys(self) -> dict[str, Any]:
        """Return the public keys (RFC 7517)."""
        return {"keys": [{**key.as_dict(private=False), "alg": "RS256"} for key in self._keys]}

    def _sign(self, claims: Mapping[str, Any]) -> str:
        key = self._keys[0]
        header = {"alg": "RS256", "typ": "JWT", "kid": key.kid}
        return jws.serialize_compact(header, json.dumps(claims), key, algorithms=["RS256"])

    def _read(self, token: str) -> dict[str, Any] | None:
        """Return the claims of an access token of ours that is alive, or None."""
        try:
            keys = KeySet(list(self._keys))
            claims: dict[str, Any] = json.loads(jws.deserialize_compact(token, keys, algorithms=["RS256"]).payload)
        except (JoseError, ValueError, TypeError):
            # The library takes the header for an object before it has looked.
            return None
        alive = claims.get("session_state") in self._sessions and claims.get("typ") == "Bearer"
        return claims if alive and claims["exp"] > self._clock().timestamp() else None

    # -- the authorization code ----------------------------------------------------------------------------------

    def redirect_of(self, form: Form) -> tuple[Client, str] | OAuthError:
        """Return the client and the address of a request; errors before this point are never sent anywhere."""
        client = self._clients.get(form.get("client_id", ""))
        if client is None:
            return OAuthError("unauthorized_client", "unknown client_id")
        uri = form.get("redirect_uri", "")
        if not any(_same_address(uri, known, is_public=not client.secret) for known in client.redirect_uris):
            return OAuthError("invalid_request", "redirect_uri is not one of this client")
        return client, uri

    def ask(self, client: Client, redirect_uri: str, form: Form) -> str | OAuthError:
        """Return the number of a sound request, or what is wrong with it."""
        scopes = set(form.get("scope", "").split())
        challenge = form.get("code_challenge", "")
        if form.get("response_type") != "code":
            return OAuthError("unsupported_response_type", "response_type must be code")
        if not scopes >= SCOPES:
            return OAuthError("invalid_scope", "scope must hold openid and scope_all")
        if form.get("acr_values") != "eidas1":
            return OAuthError("invalid_request", "acr_values must be eidas1")
        if form.get("response_mode", "query") != "query":
            return OAuthError("invalid_request", "response_mode must be query")
        if challenge and (form.get("code_challenge_method") != "S256" or len(challenge) != 43):
            return OAuthError("invalid_request", "code_challenge_method must be S256")
        if not challenge and not client.secret:
            return OAuthError("invalid_request", "a public client needs code_challenge")
        state, nonce = form.get("state", ""), form.get("nonce", "")
        if max(len(state), len(nonce)) > TEXT_MAX_CHARS:
            return OAuthError("invalid_request", f"state and nonce take at most {TEXT_MAX_CHARS} characters")
        number = self._new_token()
        until = self._clock() + timedelta(seconds=CHOOSE_SECONDS)
        self._asked[number] = Asked(client, redirect_uri, state, nonce, challenge, until)
        return number

    def choose(self, number: str, national_id: str) -> tuple[Asked, str] | OAuthError:
        """Return the request and its code, once somebody has chosen who he is."""
        person = self.people.get(national_id)
        asked = self._asked.pop(number, None)
        if asked is None or person is None or asked.until <= self._clock():
            return OAuthError("invalid_request", "this page is too old, start again from your program")
        code = self._new_token()
        until = self._clock() + timedelta(seconds=CODE_SECONDS)
        self._codes[code] = _Code(asked, person, self._new_token(), until)
        return asked, code

    # -- the token endpoint --------------------------------------------------------------------------------------

    def authenticate(self, form: Form, basic: str) -> Client | OAuthError:
        """Return the client that asks, by its secret or, for a public one, its name.

        Args:
            form: what was posted.
            basic: the Authorization header, or "".
        """
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if basic:
            client_id, secret = _basic(basic)
        client = self._clients.get(client_id)
        wanted = client.secret if client is not None else "?"
        if client is None or not hmac.compare_digest(secret.encode(), wanted.encode()):
            return OAuthError("invalid_client", "client authentication failed", 401)
        return client

    def token(self, client: Client, form: Form) -> dict[str, Any] | OAuthError:
        """Return the answer of the token endpoint."""
        grant = form.get("grant_type", "")
        if grant == "authorization_code":
            return self._by_code(client, form)
        if grant == "refresh_token":
            return self._by_refresh(client, form.get("refresh_token", ""))
        if grant == CIBA_GRANT:
            return self._by_request(client, form.get("auth_req_id", ""))
        return OAuthError("unsupported_grant_type", "grant_type is not known here")

    def _by_code(self, client: Client, form: Form) -> dict[str, Any] | OAuthError:
        key = form.get("code", "")
        code = self._codes.get(key)
        refused = OAuthError("invalid_grant", "the code is not valid")
        if code is None or code.asked.client.client_id != client.client_id:
            return refused
        if code.is_used:
            # Somebody has two copies of it: whoever came first loses the session too (RFC 6749 section 4.1.2).
            self._sessions.pop(code.session, None)
            return refused
        self._codes[key] = replace(code, is_used=True)
        if code.until <= self._clock() or form.get("redirect_uri") != code.asked.redirect_uri:
            return refused
        verifier = form.get("code_verifier", "")
        if bool(verifier) != bool(code.asked.challenge):
            return refused
        if verifier and not hmac.compare_digest(_challenge(verifier).encode(), code.asked.challenge.encode()):
            return refused
        return self._issue(code.session, code.person, client, code.asked.nonce)

    def _by_refresh(self, client: Client, refresh: str) -> dict[str, Any] | OAuthError:
        refused = OAuthError("invalid_grant", "the refresh token is not valid")
        spent = self._spent.get(refresh)
        if spent is not None:
            # Used a second time: stolen, by one or the other. Another program cannot end the session with it.
            self._end(spent, client)
            return refused
        session = self._session_of(refresh)
        one = None if session is None else self._sessions[session]
        if session is None or one is None or one.client_id != client.client_id or one.until <= self._clock():
            return refused
        self._spent[refresh] = session
        return self._issue(session, one.person, client, "")

    def _issue(self, session: str, person: Person, client: Client, nonce: str) -> dict[str, Any]:
        now = self._clock()
        until = now + timedelta(seconds=self.settings.access_seconds)
        refresh = self._new_token()
        lasts = now + timedelta(seconds=self.settings.refresh_seconds)
        self._sessions[session] = _Session(person, client.client_id, refresh, lasts)

        def made(kind: str) -> dict[str, Any]:
            return token_claims(
                person,
                issuer=self.settings.issuer,
                client_id=client.client_id,
                session=session,
                kind=kind,
                now=now,
                until=until,
            )

        identity = {**made("ID"), **({"nonce": nonce} if nonce else {})}
        return {
            "access_token": self._sign(made("Bearer")),
            "expires_in": int(self.settings.access_seconds),
            "refresh_token": refresh,
            "refresh_expires_in": int(self.settings.refresh_seconds),
            "token_type": "Bearer",
            "id_token": self._sign(identity),
            "session_state": session,
            "scope": "openid scope_all",
        }

    # -- what is asked about tokens ------------------------------------------------------------------------------

    def introspect(self, token: str) -> dict[str, Any]:
        """Return what RFC 7662 says of a token: active with its claims, or not active and nothing else."""
        claims = self._read(token)
        return {"active": False} if claims is None else {"active": True, **claims}

    def userinfo(self, token: str) -> dict[str, Any] | OAuthError:
        """Return what is said of the person whose token it is."""
        claims = self._read(token)
        person = None if claims is None else self.people.get(claims["SubjectNameID"])
        return OAuthError("invalid_token", "the token is over", 401) if person is None else identity_claims(person)

    def log_out(self, client: Client, refresh: str) -> None:
        """End the session of a refresh token of the client: its access tokens are not active any more."""
        session = self._session_of(refresh)
        if session is not None:
            self._end(session, client)

    def _session_of(self, refresh: str) -> str | None:
        return next((session for session, one in self._sessions.items() if one.refresh == refresh), None)

    def _end(self, session: str, client: Client) -> None:
        one = self._sessions.get(session)
        if one is not None and one.client_id == client.client_id:
            del self._sessions[session]

    # -- the decoupled sign-in -----------------------------------------------------------------------------------

    def start_decoupled(self, client: Client, form: Form) -> dict[str, Any] | OAuthError:
        """Return the number of a request that waits on the telephone of the person."""
        person = self.people.get(form.get("login_hint", ""))
        message = form.get("binding_message", "")
        if not client.secret:
            return OAuthError("unauthorized_client", "only a confidential client may ask")
        if not set(form.get("scope", "").split()) >= SCOPES:
            return OAuthError("invalid_scope", "scope must hold openid and scope_all")
        if person is None:
            return OAuthError("unknown_user_id", "login_hint names nobody")
        if len(message) != 2 or not (message.isascii() and message.isdigit()):
            return OAuthError("invalid_binding_message", "binding_message must be two digits")
        request = self._new_token()
        until = self._clock() + timedelta(seconds=CIBA_SECONDS)
        answer = True if client.auto_approve else None
        self._pending[request] = Pending(request, client, person, message, until, answer=answer)
        return {"auth_req_id": request, "expires_in": CIBA_SECONDS, "interval": CIBA_INTERVAL}

    def waiting(self) -> tuple[Pending, ...]:
        """Return the requests that wait for an answer."""
        now = self._clock()
        return tuple(one for one in self._pending.values() if one.answer is None and one.until > now)

    def answer(self, request: str, *, approved: bool) -> bool:
        """Take what the person says on the telephone; False when the request is over."""
        found = self._pending.get(request)
        if found is None or found.answer is not None or found.until <= self._clock():
            return False
        self._pending[request] = replace(found, answer=approved)
        return True

    def _by_request(self, client: Client, request: str) -> dict[str, Any] | OAuthError:
        found = self._pending.get(request)
        now = self._clock()
        if found is None or found.client.client_id != client.client_id:
            return OAuthError("invalid_grant", "auth_req_id is not known")
        if found.until <= now:
            return OAuthError("expired_token", "the request is over")
        if found.answer is False:
            del self._pending[request]
            return OAuthError("access_denied", "the person has refused")
        if found.answer is None:
            found, asked_at = replace(found, polled_at=now), found.polled_at
            is_soon = asked_at is not None and now - asked_at < timedelta(seconds=found.interval_seconds)
            slower = found.interval_seconds + SLOW_DOWN_SECONDS
            self._pending[request] = replace(found, interval_seconds=slower) if is_soon else found
            if is_soon:
                return OAuthError("slow_down", f"asked again too soon, wait {slower} seconds")
            return OAuthError("authorization_pending", "the person has not answered yet")
        del self._pending[request]
        return self._issue(self._new_token(), found.person, client, "")


def _same_address(uri: str, known: str, *, is_public: bool) -> bool:
    """Tell whether an address is the registered one; programs on a desktop listen on any port.

    Compared as text, with nothing but the port of loopback taken out: no form of writing an address slips through.

    Source: RFC 8252 section 7.3; reliability.md E02.
    """
    if uri == known:
        return True
    found = _LOOPBACK.fullmatch(uri)
    return is_public and found is not None and int(found[2]) < 65536 and found[1] + found[3] == known


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    try:
        user, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    # Both are form-encoded before they are joined (RFC 6749 section 2.3.1).
    return (unquote_plus(user), unquote_plus(secret)) if scheme.lower() == "basic" else ("", "")


def _key_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
